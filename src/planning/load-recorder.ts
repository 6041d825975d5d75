import type { Arrival } from './arrivals.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import type { PdfOutcome } from './one-pdf.ts';

/** Different errors that are told apart; whatever comes after them is `other`. */
const MAX_NAMES = 40;

/** What became of the PDFs that were to be asked for; each is in `offered` and in one of the others. */
export class Tally {
  offered = 0;
  completed = 0;
  limited = 0;
  failed = 0;
  errors = 0;
  unfinished = 0;
  /** whatever became of them afterwards */
  accepted = 0;
  readonly turnaround = new LatencyHistogram();

  count({ kind, ...outcome }: PdfOutcome): void {
    if (outcome.acceptedMs !== undefined) this.accepted++;
    switch (kind) {
      case 'completed':
        this.completed++;
        break;
      case 'limited':
        this.limited++;
        break;
      case 'failed':
        this.failed++;
        break;
      case 'error':
        this.errors++;
        break;
      case 'unfinished':
        this.unfinished++;
        break;
    }
  }
}

/** A piece of time. What was to be sent in it, and what ended in it. */
export class Slot {
  offered = 0;
  completed = 0;
  limited = 0;
  /** failed jobs included */
  errors = 0;
  /** of those that were to be sent in it, whenever they ended */
  readonly turnaround = new LatencyHistogram();
}

interface RecorderOptions {
  tiers: readonly string[];
  /** length of a piece of the timeline */
  slotMs: number;
  rampMs: number;
  /** of the load; what ends later is recorded too */
  durationMs: number;
}

/** Everything that is remembered of a run: counts and histograms, however long it is. */
export class LoadRecorder {
  readonly all = new Tally();
  readonly tiers = new Map<string, Tally>();
  readonly accept = new LatencyHistogram();
  readonly queueWait = new LatencyHistogram();
  readonly generation = new LatencyHistogram();
  readonly download = new LatencyHistogram();
  /** how much later than intended each was sent */
  readonly lateness = new LatencyHistogram();
  readonly errors = new Map<string, number>();
  readonly failures = new Map<string, number>();
  readonly slots: Slot[] = [];
  readonly slotMs: number;
  bytes = 0;
  /** completed between the end of the ramp and the end of the load */
  steady = 0;
  readonly #steadyFrom: number;
  readonly #steadyUntil: number;

  constructor({ tiers, slotMs, rampMs, durationMs }: RecorderOptions) {
    for (const tier of tiers) this.tiers.set(tier, new Tally());
    this.slotMs = slotMs;
    this.#steadyFrom = rampMs;
    this.#steadyUntil = durationMs;
  }

  offered({ atMs }: Arrival, tier: string): void {
    this.all.offered++;
    const tally = this.tiers.get(tier);
    if (tally) tally.offered++;
    this.#slot(atMs).offered++;
  }

  /** @param nowMs from the beginning */
  ended({ atMs }: Arrival, tier: string, outcome: PdfOutcome, nowMs: number): void {
    this.all.count(outcome);
    const tally = this.tiers.get(tier);
    tally?.count(outcome);
    if (outcome.acceptedMs !== undefined) this.accept.record(outcome.acceptedMs);
    const slot = this.#slot(nowMs);
    switch (outcome.kind) {
      case 'completed':
        slot.completed++;
        if (nowMs >= this.#steadyFrom && nowMs <= this.#steadyUntil) this.steady++;
        for (const { turnaround } of [this.all, ...(tally ? [tally] : []), this.#slot(atMs)])
          turnaround.record(outcome.turnaroundMs);
        this.queueWait.record(outcome.queuedMs);
        this.generation.record(outcome.generationMs);
        this.download.record(outcome.downloadMs);
        this.bytes += outcome.bytes;
        break;
      case 'limited':
        slot.limited++;
        break;
      case 'failed':
        slot.errors++;
        increase(this.failures, outcome.code);
        break;
      case 'error':
        slot.errors++;
        increase(this.errors, outcome.what);
        break;
      case 'unfinished':
        break;
    }
  }

  #slot(atMs: number): Slot {
    const index = Math.max(0, Math.floor(atMs / this.slotMs));
    while (this.slots.length <= index) this.slots.push(new Slot());
    return this.slots[index] as Slot;
  }
}

function increase(counts: Map<string, number>, name: string): void {
  const known = counts.has(name) || counts.size < MAX_NAMES ? name : 'other';
  counts.set(known, (counts.get(known) ?? 0) + 1);
}

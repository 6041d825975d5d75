import type { Arrival } from './arrivals.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import type { PdfOutcome } from './one-pdf.ts';

/** Distinct errors that are counted by name; further ones count as `other`. */
const MAX_NAMES = 40;

/** How the PDFs of a run, of a tier or of a part of the time ended. */
class Tally {
  readonly counts = {
    /** PDFs that were due; each is in one of the next five as well */
    offered: 0,
    completed: 0,
    /** 429: the tier's limit was reached */
    limitsHit: 0,
    /** the job ended without a PDF */
    failed: 0,
    /** no response, a wrong one, or not sent */
    errors: 0,
    /** under way when the test was ended early */
    unfinished: 0,
    /** jobs that the service accepted, however they ended */
    accepted: 0,
  };
  readonly turnaround = new LatencyHistogram();
}

interface RecorderOptions {
  tiers: readonly string[];
  /** length of one step of the timeline */
  slotMs: number;
  rampMs: number;
  /** of the load; what ends later is recorded too */
  durationMs: number;
}

/** What is kept of a run: counts and histograms, whose size does not grow with its length. */
export class LoadRecorder {
  readonly all = new Tally();
  readonly tiers: ReadonlyMap<string, Tally>;
  /** `offered` and the turnaround count when a PDF was scheduled, everything else when it ended */
  readonly slots: Tally[] = [];
  readonly stages = {
    accept: new LatencyHistogram(),
    queueWait: new LatencyHistogram(),
    generation: new LatencyHistogram(),
    download: new LatencyHistogram(),
  };
  /** how long after its scheduled time each PDF was requested */
  readonly lateness = new LatencyHistogram();
  readonly errors = new Map<string, number>();
  readonly failures = new Map<string, number>();
  readonly options: RecorderOptions;
  /** of downloaded PDFs */
  bytes = 0;
  /** completed between the end of the ramp and the end of the load */
  steady = 0;

  constructor(options: RecorderOptions) {
    this.options = options;
    this.tiers = new Map(options.tiers.map((tier) => [tier, new Tally()]));
  }

  offered({ atMs }: Arrival, tier: string): void {
    for (const { counts } of this.#tallies(tier, atMs)) counts.offered++;
  }

  /** @param nowMs since the start of the run */
  ended({ atMs }: Arrival, tier: string, outcome: PdfOutcome, nowMs: number): void {
    for (const { counts } of this.#tallies(tier, nowMs)) {
      counts[outcome.kind]++;
      if (outcome.acceptedMs !== undefined) counts.accepted++;
    }
    if (outcome.acceptedMs !== undefined) this.stages.accept.record(outcome.acceptedMs);
    if (outcome.kind === 'failed') increase(this.failures, outcome.code);
    if (outcome.kind === 'errors') increase(this.errors, outcome.what);
    if (outcome.kind !== 'completed') return;
    for (const { turnaround } of this.#tallies(tier, atMs)) turnaround.record(outcome.turnaroundMs);
    this.stages.queueWait.record(outcome.queuedMs);
    this.stages.generation.record(outcome.generationMs);
    this.stages.download.record(outcome.downloadMs);
    this.bytes += outcome.bytes;
    if (nowMs >= this.options.rampMs && nowMs <= this.options.durationMs) this.steady++;
  }

  #tallies(tier: string, atMs: number): Tally[] {
    const index = Math.max(0, Math.floor(atMs / this.options.slotMs));
    while (this.slots.length <= index) this.slots.push(new Tally());
    return [this.all, this.tiers.get(tier), this.slots[index]].filter((tally) => tally !== undefined);
  }
}

function increase(counts: Map<string, number>, name: string): void {
  const key = counts.has(name) || counts.size < MAX_NAMES ? name : 'other';
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

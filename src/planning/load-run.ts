import { setTimeout as sleep } from 'node:timers/promises';
import { type Arrival, arrivals } from './arrivals.ts';
import { HttpClient } from './http-client.ts';
import type { LoadPlan } from './load-plan.ts';
import { LoadRecorder } from './load-recorder.ts';
import { fetchPdf, type PdfOutcome } from './one-pdf.ts';
import { sampleDocuments } from './sample-documents.ts';
import { ServiceWatch } from './service-watch.ts';
import type { TestUser } from './test-users.ts';

const PROGRESS_MS = 1_000;
const CANCEL_MS = 10_000;
/** How the timeline is cut: not into more pieces than can be drawn, nor so finely that a percentile is that of a few. */
const MAX_SLOTS = 60;
const FEW_SLOTS = 12;
const PDFS_IN_SLOT = 20;

/** How a test is doing. */
export interface LoadProgress {
  elapsedMs: number;
  offered: number;
  completed: number;
  inFlight: number;
  limited: number;
  /** failed jobs included */
  errors: number;
  /** milliseconds of the turnaround so far */
  p95Ms: number | undefined;
}

/** What is known of a run beside what was recorded. */
export interface RunFacts {
  startedAt: Date;
  endedAt: Date;
  /** `time`: as planned; `signal`: somebody ended it; `gone`: the service stopped answering */
  endedBy: 'time' | 'signal' | 'gone';
  /** when it answered for the last time */
  goneSince: Date | undefined;
  usersByTier: Record<string, number>;
  /** PDFs at full rate */
  offeredPerHour: number;
  /** until the last PDF was to be sent; less than the plan's if the test was ended early */
  loadMs: number;
  /** seconds of CPU for each second */
  cpuPart: number;
  peakInFlight: number;
}

interface LoadRunOptions {
  plan: LoadPlan;
  users: readonly TestUser[];
  /** for what is not load; outlives it */
  desk: HttpClient;
  signal: AbortSignal;
  onProgress: (progress: LoadProgress) => void;
}

/** Sends every PDF when it is to be sent, and remembers what became of it. */
export class LoadRun {
  readonly recorder: LoadRecorder;
  /** once it has run */
  facts: RunFacts | undefined;
  readonly #options: LoadRunOptions;
  readonly #client: HttpClient;
  readonly #watch: ServiceWatch;
  readonly #stop = new AbortController();
  /** PDFs a second of each user */
  readonly #rates: readonly number[];
  readonly #usersByTier: Record<string, number> = {};
  readonly #inFlight = new Set<Promise<void>>();
  readonly #cancelling = new Set<Promise<unknown>>();
  #peakInFlight = 0;
  #startedAt = 0;
  #goneSince: Date | undefined;

  constructor(options: LoadRunOptions) {
    const { plan, users, signal } = options;
    this.#options = options;
    this.#rates = users.map(({ usualRate }) => rateOf(plan, usualRate));
    for (const { tier } of users) this.#usersByTier[tier] = (this.#usersByTier[tier] ?? 0) + 1;
    const tiers = Object.keys(this.#usersByTier);
    this.recorder = new LoadRecorder({ ...plan, tiers, slotMs: slotMsOf(plan.durationMs, this.#perSecond) });
    this.#client = new HttpClient(plan.url);
    this.#watch = new ServiceWatch(this.#client, (since) => {
      this.#goneSince = since;
      this.#stop.abort();
    });
    signal.addEventListener('abort', () => this.#stop.abort());
    this.#stop.signal.addEventListener('abort', () => this.#client.close());
  }

  async run(): Promise<void> {
    const { plan, users, onProgress } = this.#options;
    const startedAt = new Date();
    const startedCpu = process.cpuUsage();
    this.#startedAt = performance.now();
    const documents = sampleDocuments(plan.mix);
    const ticking = setInterval(() => onProgress(this.#progress()), PROGRESS_MS);
    try {
      for (const arrival of arrivals({ ...plan, rates: this.#rates })) {
        await this.#until(arrival.atMs);
        const user = users[arrival.user];
        if (this.#stop.signal.aborted || user === undefined) break;
        this.recorder.offered(arrival, user.tier);
        if (this.#inFlight.size < plan.maxInFlight) this.#send(arrival, user, documents(arrival.document));
        else this.#ended(arrival, user, { kind: 'error', what: 'not sent', isUnanswered: false });
      }
      await this.#until(plan.durationMs);
      const loadMs = this.#elapsed();
      await Promise.all(this.#inFlight); // each has its own time limit
      const spent = process.cpuUsage(startedCpu);
      this.facts = {
        startedAt,
        endedAt: new Date(),
        endedBy: this.#goneSince ? 'gone' : this.#stop.signal.aborted ? 'signal' : 'time',
        goneSince: this.#goneSince,
        usersByTier: this.#usersByTier,
        offeredPerHour: this.#perSecond * 3_600,
        loadMs,
        cpuPart: (spent.user + spent.system) / 1000 / this.#elapsed(),
        peakInFlight: this.#peakInFlight,
      };
      onProgress(this.#progress());
      await Promise.all(this.#cancelling);
    } finally {
      clearInterval(ticking);
      this.#client.close();
    }
  }

  #send(arrival: Arrival, user: TestUser, body: Buffer): void {
    this.recorder.lateness.record(this.#elapsed() - arrival.atMs);
    const work = fetchPdf(this.#client, {
      key: user.key,
      body,
      intendedAt: this.#startedAt + arrival.atMs,
      timeoutMs: this.#options.plan.timeoutMs,
      onAnswer: () => this.#watch.answered(),
    }).then((outcome) => {
      this.#inFlight.delete(work);
      this.#ended(arrival, user, outcome);
    });
    this.#inFlight.add(work);
    this.#peakInFlight = Math.max(this.#peakInFlight, this.#inFlight.size);
  }

  #ended(arrival: Arrival, user: TestUser, outcome: PdfOutcome): void {
    this.recorder.ended(arrival, user.tier, outcome, this.#elapsed());
    if (outcome.kind === 'error' && outcome.isUnanswered) void this.#watch.suspect();
    const isLeft = outcome.kind === 'error' || outcome.kind === 'unfinished';
    if (isLeft && outcome.jobId !== undefined) this.#cancel(user.key, outcome.jobId);
  }

  /** A service must not go on working for what nobody waits for. */
  #cancel(key: string, jobId: string): void {
    const asked: Promise<unknown> = this.#options.desk
      .ask({ method: 'DELETE', path: `/v1/jobs/${jobId}`, key, timeoutMs: CANCEL_MS })
      .catch(() => undefined)
      .then(() => this.#cancelling.delete(asked));
    this.#cancelling.add(asked);
  }

  /** Or until it is stopped. Who is late does not wait. */
  async #until(atMs: number): Promise<void> {
    const ms = atMs - this.#elapsed();
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  #elapsed(): number {
    return performance.now() - this.#startedAt;
  }

  get #perSecond(): number {
    return this.#rates.reduce((sum, rate) => sum + rate, 0);
  }

  #progress(): LoadProgress {
    const { offered, completed, limited, errors, failed, turnaround } = this.recorder.all;
    return {
      elapsedMs: this.#elapsed(),
      offered,
      completed,
      inFlight: this.#inFlight.size,
      limited,
      errors: errors + failed,
      p95Ms: turnaround.percentile(95),
    };
  }
}

/** @returns PDFs a second of one user */
function rateOf({ rate, users }: LoadPlan, usualRate: number): number {
  if (rate === undefined) return usualRate / 60;
  return 'perHour' in rate ? rate.perHour / 3_600 / users : rate.perUserMinute / 60;
}

function slotMsOf(durationMs: number, perSecond: number): number {
  const seconds = durationMs / 1000;
  const enough = Math.min(seconds / FEW_SLOTS, PDFS_IN_SLOT / perSecond);
  return Math.max(1, Math.ceil(Math.max(enough, seconds / MAX_SLOTS))) * 1000;
}

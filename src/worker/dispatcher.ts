import { setTimeout as sleep } from 'node:timers/promises';
import type { Notifier } from '../db/notifier.ts';
import { isDatabaseUnavailable } from '../db/pools.ts';
import type { Outcome } from '../domain/outcome.ts';
import { traceIdOf } from '../domain/trace-context.ts';
import { type ClaimedJob, claimJobs, NotRegistered } from '../jobs/claim.ts';
import { type Finish, finishJob, type FinishDeps } from '../jobs/finish.ts';
import { requeueLostJobs, requeueUnknownJobs } from '../jobs/lost-jobs.ts';
import { crashPoint, plantedFault } from '../kernel/crash-point.ts';
import { forJob } from '../kernel/current-job.ts';
import { Deadline } from '../kernel/deadline.ts';
import type { Condition } from '../kernel/health.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Renderer } from '../render/renderer.ts';
import { StoreFailure } from '../storage/pdf-store.ts';
import type { AttemptAbout, Events } from '../telemetry/events.ts';
import type { SlotsState } from '../telemetry/metrics.ts';
import { errorType, type Span } from '../telemetry/span.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { Concurrency } from './concurrency.ts';
import type { Registration } from './registration.ts';
import type { StoreWatch } from './store-watch.ts';

interface DispatcherOptions extends FinishDeps {
  notifier: Notifier;
  registration: Pick<Registration, 'workerId' | 'condition'>;
  renderer: Pick<Renderer, 'render' | 'room'>;
  storeWatch: Pick<StoreWatch, 'condition' | 'failed'>;
  /** without which nothing is claimed, besides its registration and the store */
  needs: readonly Condition[];
  events: Events;
  tracing: Tracing;
  concurrency: Concurrency;
  /** jobs claimed in one transaction, at most */
  batchSize: number;
  /** milliseconds that running documents get at a stop */
  graceMs: number;
}

/** The backstop under the notifier, which can be lost with its connection; an empty claim costs less than a millisecond. */
const POLL_MS = 1_000;
const RETRY_MS = { first: 100, longest: 2_000 };

/** Milliseconds after the abort that a job gets to be given back before its claim is left to expire. */
const GIVE_BACK_MS = 5_000;

/** Of a document during which something threw where nothing could catch it. */
const UNEXPECTED: Outcome = {
  kind: 'reject',
  code: 'internal',
  message: 'the worker failed unexpectedly while it rendered this document',
};

/** When jobs were claimed, as `performance.now()` has it. */
interface ClaimTime {
  from: number;
  until: number;
}

interface Running {
  job: ClaimedJob;
  abort: AbortController;
  ended: Promise<void>;
  /** it has a slot until it is; then it is only written down */
  isRendered: boolean;
}

/**
 * Takes from the queue exactly as many jobs as it has free slots: woken by the notifier, by each slot
 * that becomes free, and by the clock. Pull, not push: what is not claimed stays visible in the queue.
 *
 * A suspect, a job with which a worker was lost, runs alone: it waits until all others have ended, and
 * nothing is claimed before it has. If a worker is lost again, no other job can be the cause.
 */
export class Dispatcher extends Lifecycle {
  readonly #options: DispatcherOptions;
  /** of one job there may be two: the first was lost to us, and is not over yet */
  readonly #running = new Set<Running>();
  #loop: Promise<void> | undefined;
  /** claimed, and waits until it is alone or is */
  #suspect: { job: ClaimedJob; isRunning: boolean } | undefined;
  /** more may follow: they are asked for one by one, for only one can be kept */
  #isAfterSuspect = false;
  /** jobs during which something threw where nothing could catch it */
  readonly #blamed = new Set<string>();
  #isBlameUnknown = false;
  /** the last claim failed: it may be committed all the same */
  #isClaimUnanswered = false;
  #stopping = new AbortController();
  #wake = Promise.withResolvers<void>();
  #unlisten: (() => void)[] = [];
  #turnedAt: number | undefined;
  readonly #forced = Promise.withResolvers<void>();

  constructor(options: DispatcherOptions) {
    super();
    this.#options = options;
  }

  /** Documents being rendered now, and how many may be. */
  get slots(): SlotsState {
    return { busy: this.#rendering, limit: this.#options.concurrency.limit };
  }

  /** Milliseconds since it last looked for work, which it does every second; 0 if it need not. */
  get stalledForMs(): number {
    return this.#turnedAt === undefined ? 0 : performance.now() - this.#turnedAt;
  }

  get #rendering(): number {
    return [...this.#running].filter(({ isRendered }) => !isRendered).length;
  }

  protected async onStart(): Promise<void> {
    const { notifier } = this.#options;
    this.#stopping = new AbortController();
    this.#unlisten = [
      notifier.on('queued', () => this.#wake.resolve()),
      notifier.on('missed', () => this.#wake.resolve()),
      notifier.on('ended', (jobId) => this.#ended(jobId)), // cancelled, or somebody newer finished it
    ];
    this.#loop = this.#run();
  }

  /** Stops claiming, lets running documents finish, after the grace gives them back to the queue. */
  protected async onStop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.resolve();
    for (const stop of this.#unlisten) stop();
    await this.#loop;
    if (this.#suspect && !this.#suspect.isRunning) await this.#giveBack(this.#suspect.job);
    await Promise.race([this.#drain(this.#options.graceMs), this.#forced.promise]);
    if (this.#isBlameUnknown) await this.#suspectAll();
    for (const { abort } of this.#running) abort.abort();
    await this.#drain(GIVE_BACK_MS);
  }

  /** For a second signal: the grace ends now, or never begins. */
  forceStop(): void {
    this.#forced.resolve();
  }

  /**
   * Something threw where nothing could catch it: the process is about to stop, without a grace. The job
   * that it was done for fails. If that is not known, all that run are suspects from now on.
   */
  blame(jobId: string | undefined): void {
    if (jobId !== undefined && this.#runningOf(jobId).length > 0) this.#blamed.add(jobId);
    else this.#isBlameUnknown = true;
    this.forceStop();
  }

  /** What they end with is then no longer ours to write. */
  async #suspectAll(): Promise<void> {
    const { db, queue, registration, events } = this.#options;
    try {
      const lost = await new Deadline(GIVE_BACK_MS).race(
        'giving jobs back',
        db.transaction((tx) => requeueLostJobs(tx, queue, registration.workerId)),
      );
      for (const job of lost.returned) events.jobRequeued(job, 'lost');
      for (const job of lost.poisoned) events.jobPoisoned(job);
    } catch (error) {
      events.backgroundFailed('giving jobs back', error); // then the other workers find them
    }
  }

  #ended(jobId: string): void {
    if (this.#suspect?.job.id === jobId && !this.#suspect.isRunning) this.#suspect = undefined;
    for (const { abort } of this.#runningOf(jobId)) abort.abort();
    this.#wake.resolve();
  }

  #runningOf(jobId: string): Running[] {
    return [...this.#running].filter(({ job }) => job.id === jobId);
  }

  async #drain(ms: number): Promise<void> {
    const ended = Promise.all([...this.#running].map((running) => running.ended));
    await new Deadline(ms).race('running documents', ended).catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#turnedAt = performance.now();
      this.#wake = Promise.withResolvers<void>();
      const free = this.#free;
      const count = Math.min(free, this.#isAfterSuspect ? 1 : this.#options.batchSize);
      const claimed = count > 0 ? await this.#claim(count) : [];
      if (claimed.length > 0) this.#isAfterSuspect = claimed.some(({ losses }) => losses > 0);
      const time = { from: this.#turnedAt, until: performance.now() };
      for (const job of claimed) await this.#begin(job, time);
      if (this.#suspect && this.#running.size === 0 && this.#options.renderer.room(0) > 0) {
        this.#suspect.isRunning = true;
        this.#startJob(this.#suspect.job, time);
      }
      // A full batch means there may be more: ask again at once if there is room.
      if (claimed.length > 0 && this.#free > 0) continue;
      if (this.#rendering < this.#options.concurrency.limit) this.#options.concurrency.slotFree();
      const timer = setTimeout(() => this.#wake.resolve(), POLL_MS);
      await this.#wake.promise;
      clearTimeout(timer);
    }
    this.#turnedAt = undefined;
  }

  /**
   * How many more documents may be begun: by the slots, by memory, and by what waits to be written down,
   * of which there is no more than there are slots, so that an outage of the database stops the claims. None
   * while what they become has no place.
   */
  get #free(): number {
    const { registration, storeWatch, needs } = this.#options;
    if (this.#suspect || ![registration.condition, storeWatch.condition, ...needs].every(({ isOk }) => isOk)) return 0;
    const { limit } = this.#options.concurrency;
    const rendering = this.#rendering;
    return Math.min(limit - rendering, 2 * limit - this.#running.size, this.#options.renderer.room(rendering));
  }

  async #claim(count: number): Promise<ClaimedJob[]> {
    const { workerId } = this.#options.registration;
    try {
      if (this.#isClaimUnanswered) {
        const known = [...this.#running].map(({ job }) => job.id);
        for (const job of await requeueUnknownJobs(this.#options, { workerId, known }))
          this.#options.events.jobRequeued(job, 'interrupted');
      }
      this.#isClaimUnanswered = false;
      const claimed = await claimJobs(this.#options, { workerId, count });
      if (claimed.length > 0) crashPoint('claim.committed');
      return claimed;
    } catch (error) {
      if (error instanceof NotRegistered) return []; // it registers again by itself
      this.#isClaimUnanswered = true;
      this.#options.events.backgroundFailed('claiming jobs', error);
      return [];
    }
  }

  /** At once, or when it is alone. There is one suspect at a time: another worker may have the next. */
  async #begin(job: ClaimedJob, time: ClaimTime): Promise<void> {
    if (job.losses === 0) this.#startJob(job, time);
    else if (this.#suspect) await this.#giveBack(job);
    else this.#suspect = { job, isRunning: false };
  }

  async #giveBack(job: ClaimedJob): Promise<void> {
    try {
      await finishJob(this.#options, job, { kind: 'interrupted' });
    } catch (error) {
      this.#isClaimUnanswered = true; // it is in our name still
      this.#options.events.backgroundFailed('giving a job back', error);
    }
  }

  #startJob(job: ClaimedJob, time: ClaimTime): void {
    const abort = new AbortController();
    const running: Running = { job, abort, isRendered: false, ended: Promise.resolve() };
    this.#running.add(running);
    const onRendered = () => {
      running.isRendered = true;
      this.#options.concurrency.documentEnded();
      this.#wake.resolve(); // the next document begins while this one is written down
    };
    const span = beginSpan(this.#options.tracing, job, time);
    const about = aboutOf(job, span);
    const run = () => this.#runJob(job, { about, span, signal: abort.signal, onRendered });
    running.ended = forJob(job.id, run)
      .catch((error: unknown) => {
        this.#options.events.jobCrashed(about, error);
        span.end({ error: errorType(error) });
      })
      .finally(() => {
        span.end();
        this.#running.delete(running);
        if (this.#suspect?.job === job) this.#suspect = undefined;
        this.#wake.resolve();
      });
  }

  async #runJob(job: ClaimedJob, { about, span, signal, onRendered }: RunContext): Promise<void> {
    const { events, renderer } = this.#options;
    const startedAt = performance.now();
    events.jobStarted(about);
    plantedFault(job.request.filename);
    const rendered = await renderer.render(job.request, { tenant: job.userId, jobId: job.id, signal, span });
    const result = this.#blamed.has(job.id) ? UNEXPECTED : rendered;
    onRendered();
    crashPoint('render.done');
    const { finish, outcome } = await span.during('store', () => this.#finish(job, result));
    crashPoint('finish.committed');
    this.#report(about, outcome, finish, Math.round(performance.now() - startedAt));
    span.set({ 'pdfprompt.outcome': finish });
    span.end({ error: 'code' in outcome ? outcome.code : undefined });
  }

  /**
   * The result is kept until it is written: an outage of the database must not cost another rendering. What the store
   * does not keep goes back at once, uncounted: nobody knows how long that lasts, and a claim does not last for ever.
   */
  async #finish(job: ClaimedJob, result: Outcome): Promise<{ finish: Finish; outcome: Outcome }> {
    let outcome = result;
    for (let pause = RETRY_MS.first; ;) {
      try {
        return { finish: await finishJob(this.#options, job, outcome), outcome };
      } catch (error) {
        if (error instanceof StoreFailure && outcome.kind === 'done') {
          this.#options.storeWatch.failed(error, outcome.pdf.size);
          outcome = { kind: 'interrupted', reason: 'store' };
          continue;
        }
        if (!isDatabaseUnavailable(error)) throw error;
        outcome = result; // which may be written by now
        await sleep(pause);
        pause = Math.min(pause * 2, RETRY_MS.longest);
      }
    }
  }

  #report(about: AttemptAbout, outcome: Outcome, finish: Finish, ms: number): void {
    const { events } = this.#options;
    if (finish === 'stale') events.jobResultDiscarded(about);
    else if (finish === 'queued')
      events.jobRequeued(
        about,
        outcome.kind === 'interrupted' ? (outcome.reason ?? outcome.kind) : outcome.kind,
        outcome.kind === 'retry' ? outcome.cause : undefined,
      );
    else if (outcome.kind === 'done')
      events.jobEnded({ ...about, status: finish, ms, pages: outcome.pdf.pages, bytes: outcome.pdf.size });
    else events.jobEnded({ ...about, status: finish, ms, ...('code' in outcome && { code: outcome.code }) });
  }
}

interface RunContext {
  about: AttemptAbout;
  span: Span;
  signal: AbortSignal;
  onRendered: () => void;
}

function aboutOf({ id, userId, tier, requestId, attempt, run, waitedMs }: ClaimedJob, span: Span): AttemptAbout {
  return { jobId: id, userId, tier, requestId, traceId: traceIdOf(span.traceparent), attempt, run, waitedMs };
}

/** An attempt in the trace of the request that made the job, and before the first the time in the queue. */
function beginSpan(tracing: Tracing, job: ClaimedJob, { from, until }: ClaimTime): Span {
  const { id, userId, tier, requestId, traceparent, attempt, run, waitedMs } = job;
  const attributes = {
    'pdfprompt.job.id': id,
    'pdfprompt.user.id': userId,
    'pdfprompt.tier': tier,
    'pdfprompt.request.id': requestId,
    'pdfprompt.attempt': attempt,
    'pdfprompt.run': run,
  };
  const span = tracing.begin('job', { kind: 'consumer', parent: traceparent, startedAt: from, attributes });
  // How long it was, by the database's clock; when it ended, by ours. Without a request's trace it is in the attempt's.
  if (run === 1)
    tracing
      .begin('queue.wait', { parent: traceparent ?? span.traceparent, startedAt: from - waitedMs })
      .end({ at: from });
  span.child('claim', from).end({ at: until });
  return span;
}

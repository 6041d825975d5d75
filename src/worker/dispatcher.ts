import { setTimeout as sleep } from 'node:timers/promises';
import type { Notifier } from '../db/notifier.ts';
import { isDatabaseUnavailable } from '../db/pools.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Finisher } from '../finishing/finisher.ts';
import { type ClaimedJob, claimJobs, mergedBatch, NotRegistered } from '../jobs/claim.ts';
import { endOfPatience, type Finish, finishJob, type FinishDeps } from '../jobs/finish.ts';
import { requeueLostJobs, requeueUnknownJobs } from '../jobs/lost-jobs.ts';
import { ResultFiles } from '../jobs/put-files.ts';
import { retryAfterDeadlock } from '../jobs/retry-after-deadlock.ts';
import { crashPoint, plantedFault } from '../kernel/crash-point.ts';
import { forJob } from '../kernel/current-job.ts';
import { Deadline } from '../kernel/deadline.ts';
import type { Condition } from '../kernel/health.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Renderer } from '../render/renderer.ts';
import { StoreFailure } from '../storage/store.ts';
import type { Events } from '../telemetry/events.ts';
import type { SlotsState } from '../telemetry/metrics.ts';
import { errorType } from '../telemetry/span.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { aboutOf, beginSpan, type ClaimTime } from './attempt-span.ts';
import type { Concurrency } from './concurrency.ts';
import type { Registration } from './registration.ts';
import { type AttemptContext, renderJob, type RenderDeps } from './render-job.ts';
import { reportAttempt } from './report-attempt.ts';
import { RunCheck } from './run-check.ts';
import type { StoreWatch } from './store-watch.ts';
import { Suspect } from './suspect.ts';

interface DispatcherOptions extends FinishDeps, Pick<RenderDeps, 'contents' | 'readRequest' | 'mergeItems'> {
  notifier: Notifier;
  registration: Pick<Registration, 'workerId' | 'condition'>;
  renderer: Pick<Renderer, 'render' | 'room'>;
  finisher: Pick<Finisher, 'finish' | 'isBehind'>;
  storeWatch: Pick<StoreWatch, 'condition' | 'failed' | 'recovers'>;
  /** further conditions without which no job is claimed */
  needs: readonly Condition[];
  events: Events;
  tracing: Tracing;
  concurrency: Concurrency;
  /** jobs claimed in one transaction, at most */
  batchSize: number;
  /** milliseconds that running documents have at a stop */
  graceMs: number;
}

/** A notification can be lost with its connection, so the queue is also polled. An empty claim takes less than a millisecond. */
const POLL_MS = 1_000;
const RETRY_MS = { first: 100, longest: 2_000 };

/** A claim is one statement, which may end after its connection was lost: longer than any may take (`statement_timeout`). */
const LATE_COMMIT_MS = 35_000;

/** Milliseconds to requeue a job at a stop. After that its claim is left to expire. */
const REQUEUE_MS = 5_000;

/** Of a document during which an error was thrown that nothing caught. */
const UNEXPECTED: Outcome = {
  kind: 'reject',
  code: 'internal',
  message: 'the worker failed unexpectedly while it rendered this document',
};

interface Running {
  job: ClaimedJob;
  abort: AbortController;
  ended: Promise<void>;
  /** it no longer has a slot: its steps run, or its result is being written */
  isRendered: boolean;
  /** its result is on its way to the database, which knows best whether the job has ended otherwise */
  isWriting: boolean;
  /** it was said to have ended while that was so: mostly by ourselves */
  isSaidToHaveEnded: boolean;
}

/**
 * Claims as many jobs as there are free slots: after a notification, when a slot becomes free, and every second.
 * Jobs that are not claimed stay in the queue, where every worker can see them.
 *
 * A suspect is a job with which a worker was lost. It runs alone: it waits until all others have ended, and no job
 * is claimed until it has ended too. If the worker is lost again, no other job can be the cause.
 */
export class Dispatcher extends Lifecycle<DispatcherOptions> {
  /** may have the same job twice: its first claim became stale and has not ended yet */
  readonly #running = new Set<Running>();
  readonly #runCheck = new RunCheck({
    db: this.options.db,
    onRun: (jobId, run) => this.#stopOthers(jobId, run),
    onError: (error) => this.options.events.backgroundFailed('reading jobs that have ended', error),
  });
  #loop: Promise<void> | undefined;
  /** claimed: it waits until it is alone, or runs */
  #suspect: Suspect | undefined;
  /** more suspects may follow: claimed one by one, because only one can be kept */
  #isAfterSuspect = false;
  /** jobs during which an error was thrown that nothing caught */
  readonly #blamed = new Set<string>();
  #isBlameUnknown = false;
  /** until then a claim that failed may still be committed, or there may be jobs that nobody here knows */
  #unknownUntil = -Infinity;
  #wake = Promise.withResolvers<void>();
  #turnedAt: number | undefined;
  #forceStop = Promise.withResolvers<void>();

  /** Documents being rendered now, and how many may be. */
  get slots(): SlotsState {
    return { busy: this.#rendering, limit: this.options.concurrency.limit };
  }

  /** Milliseconds since it last looked for work, which it does every second; 0 if it is stopped. */
  get stalledForMs(): number {
    return this.#turnedAt === undefined ? 0 : performance.now() - this.#turnedAt;
  }

  get #rendering(): number {
    return [...this.#running].filter(({ isRendered }) => !isRendered).length;
  }

  protected async onStart(): Promise<void> {
    const { notifier } = this.options;
    notifier.on('queued', this.ending, () => this.#wake.resolve());
    notifier.on('missed', this.ending, () => this.#wake.resolve());
    notifier.on('ended', this.ending, (jobId) => this.#ended(jobId)); // cancelled, or finished by a later claim
    this.#loop = this.#run();
  }

  /** Stops claiming and lets running documents finish. After the grace period the rest is requeued. */
  protected override async onStop(): Promise<void> {
    this.#wake.resolve();
    await this.#loop;
    if (this.#suspect && !this.#suspect.isRunning) {
      await this.#requeue(this.#suspect.job);
      this.#suspect = undefined;
    }
    await Promise.race([this.#drain(this.options.graceMs), this.#forceStop.promise]);
    if (this.#isBlameUnknown) await this.#suspectAll();
    for (const { abort } of this.#running) abort.abort();
    await this.#drain(REQUEUE_MS);
    this.#isBlameUnknown = false;
    this.#forceStop = Promise.withResolvers();
  }

  /** For a second signal: the grace period ends now, or does not begin. */
  forceStop(): void {
    this.#forceStop.resolve();
  }

  /**
   * An error was thrown that nothing caught: the process is about to stop, without a grace period. The job that the
   * code ran for fails. If that is unknown, all running jobs become suspects.
   */
  blame(jobId: string | undefined): void {
    if (jobId !== undefined && this.#runningOf(jobId).length > 0) this.#blamed.add(jobId);
    else this.#isBlameUnknown = true;
    this.forceStop();
  }

  /**
   * Requeues all running jobs as suspects. Their claims are stale then, so that their results are discarded. One that
   * is locked is no suspect: its result waits to be written, and for that no document's code runs.
   */
  async #suspectAll(): Promise<void> {
    const { db, queue, registration, events } = this.options;
    const requeue = () =>
      db.transaction((tx) => requeueLostJobs(tx, queue, registration.workerId, { skipLocked: true }));
    try {
      const lost = await new Deadline(REQUEUE_MS).race('requeuing jobs', retryAfterDeadlock(requeue));
      for (const job of lost.requeued) events.jobRequeued(job, 'lost');
      for (const job of lost.poisoned) events.jobPoisoned(job);
    } catch (error) {
      events.backgroundFailed('requeuing jobs', error); // the database is unavailable: the reapers of other workers do it
    }
  }

  /** Something says that the job has ended. That may be false, so its row decides. */
  #ended(jobId: string): void {
    const running = this.#runningOf(jobId);
    for (const each of running) each.isSaidToHaveEnded ||= each.isWriting;
    const isWaiting = this.#suspect?.job.id === jobId && !this.#suspect.isRunning;
    if (isWaiting || running.some(({ isWriting }) => !isWriting)) this.#runCheck.check(jobId);
    this.#wake.resolve();
  }

  /** @param run that the job is in now; undefined: it is not being rendered */
  #stopOthers(jobId: string, run: number | undefined): void {
    if (this.#suspect?.job.id === jobId && this.#suspect.job.run !== run && !this.#suspect.isRunning)
      this.#suspect = undefined;
    for (const { job, abort } of this.#runningOf(jobId)) if (job.run !== run) abort.abort();
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
    while (!this.ending.aborted) {
      this.#turnedAt = performance.now();
      this.#wake = Promise.withResolvers<void>();
      if (this.#suspect?.isGone) this.#suspect = undefined;
      const free = this.#free;
      const count = Math.min(free, this.#isAfterSuspect ? 1 : this.options.batchSize);
      const claimed = count > 0 ? await this.#claim(count) : [];
      if (claimed.length > 0) this.#isAfterSuspect = claimed.some(({ losses }) => losses > 0);
      const time = { from: this.#turnedAt, until: performance.now() };
      for (const job of claimed) {
        // Memory may have become scarce while the claim was under way.
        if (this.options.renderer.room(this.#rendering) > 0) await this.#begin(job, time);
        else await this.#requeue(job, 'memory');
      }
      const conditions = { isAlone: this.#running.size === 0, hasRoom: this.options.renderer.room(0) > 0 };
      if (this.#suspect?.begins(conditions)) this.#startJob(this.#suspect.job, this.#suspect.claimedAt);
      // There may be more: claim again at once if there is room.
      if (claimed.length > 0 && this.#free > 0) continue;
      if (this.#rendering < this.options.concurrency.limit) this.options.concurrency.slotFree();
      const timer = setTimeout(() => this.#wake.resolve(), POLL_MS);
      await this.#wake.promise;
      clearTimeout(timer);
    }
    this.#turnedAt = undefined;
  }

  /**
   * How many more documents may begin: limited by slots, by memory, and by those whose steps run or whose results wait
   * to be written. There are at most as many of these as slots, so that an outage of the database stops the claims, and
   * besides as many that merge a batch, for minutes. 0 while a condition fails, or while too many wait for their steps.
   */
  get #free(): number {
    const { registration, storeWatch, finisher, needs } = this.options;
    if (
      this.#suspect ||
      finisher.isBehind ||
      ![registration.condition, storeWatch.condition, ...needs].every(({ isOk }) => isOk)
    )
      return 0;
    const { limit } = this.options.concurrency;
    const rendering = this.#rendering;
    const merging = [...this.#running].filter(({ job }) => mergedBatch(job) !== undefined).length;
    const others = this.#running.size - Math.min(limit, merging);
    return Math.min(limit - rendering, 2 * limit - others, this.options.renderer.room(rendering));
  }

  async #claim(count: number): Promise<ClaimedJob[]> {
    const { workerId } = this.options.registration;
    try {
      if (performance.now() < this.#unknownUntil) {
        const known = [...this.#running].map(({ job }) => job.id);
        for (const job of await requeueUnknownJobs(this.options, { workerId, known }))
          this.options.events.jobRequeued(job, 'interrupted');
      }
      const claimed = await claimJobs(this.options, { workerId, count });
      if (claimed.length > 0) crashPoint('claim.committed');
      return claimed;
    } catch (error) {
      if (error instanceof NotRegistered) return []; // the registration registers again
      this.#unknownUntil = performance.now() + LATE_COMMIT_MS;
      this.options.events.backgroundFailed('claiming jobs', error);
      return [];
    }
  }

  /** Starts the job, or keeps it until it can run alone. A second suspect is left to another worker. */
  async #begin(job: ClaimedJob, time: ClaimTime): Promise<void> {
    if (job.losses === 0) this.#startJob(job, time);
    else if (this.#suspect) await this.#requeue(job);
    else this.#suspect = new Suspect({ ...this.options, onAnswer: () => this.#wake.resolve() }, job, time);
  }

  /** Uncounted: another worker may have it. */
  async #requeue(job: ClaimedJob, reason?: 'memory'): Promise<void> {
    try {
      await finishJob(this.options, job, { kind: 'interrupted', ...(reason && { reason }) });
    } catch (error) {
      this.#unknownUntil = performance.now() + LATE_COMMIT_MS; // the job is still claimed by this worker
      this.options.events.backgroundFailed('requeuing a job', error);
    }
  }

  #startJob(job: ClaimedJob, time: ClaimTime): void {
    const abort = new AbortController();
    const running: Running = {
      job,
      abort,
      isRendered: false,
      isWriting: false,
      isSaidToHaveEnded: false,
      ended: Promise.resolve(),
    };
    this.#running.add(running);
    const onRendered = () => {
      running.isRendered = true;
      this.options.concurrency.documentEnded();
      this.#wake.resolve(); // the next document begins while this one's steps run and its result is written
    };
    const span = beginSpan(this.options.tracing, job, time);
    const about = aboutOf(job, span);
    const run = () => this.#runJob(running, { about, span, signal: abort.signal, onRendered });
    running.ended = forJob(job.id, run)
      .catch((error: unknown) => {
        this.options.events.jobCrashed(about, error);
        span.end({ error: errorType(error) });
      })
      .finally(() => {
        span.end();
        this.#running.delete(running);
        if (this.#suspect?.job === job) this.#suspect = undefined;
        this.#wake.resolve();
      });
  }

  async #runJob(running: Running, { about, span, signal, onRendered }: AttemptContext): Promise<void> {
    const { events } = this.options;
    const { job } = running;
    const startedAt = performance.now();
    events.jobStarted(about);
    plantedFault(job.filename);
    const rendered = await renderJob(this.options, job, { about, span, signal, onRendered });
    const result = this.#blamed.has(job.id) ? UNEXPECTED : rendered;
    crashPoint('render.done');
    const { finish, outcome } = await span.during('store', () => this.#finish(running, result));
    crashPoint('finish.committed');
    reportAttempt(events, about, { outcome, finish, ms: Math.round(performance.now() - startedAt) });
    span.set({ 'pdfprompt.outcome': finish });
    span.end({ error: 'code' in outcome ? outcome.code : undefined });
  }

  /** A store outside the database may take long. So then a notification that the job has ended is heeded at once. */
  async #write(running: Running, outcome: Outcome, put: { result: ResultFiles; signal: AbortSignal }): Promise<Finish> {
    running.isWriting = this.options.stores.current.isInDatabase;
    try {
      return await finishJob(this.options, running.job, outcome, put);
    } catch (error) {
      running.isWriting = false;
      if (running.isSaidToHaveEnded) this.#runCheck.check(running.job.id);
      running.isSaidToHaveEnded = false;
      throw error;
    }
  }

  /**
   * Retries until the result is written, so that an outage of the database or of the store costs no second rendering.
   * The store's may last longer than a claim. So after some time, or at a stop, the job is requeued without counting
   * the attempt. An outage of the database does not count as such time.
   */
  async #finish(running: Running, rendered: Outcome): Promise<{ finish: Finish; outcome: Outcome }> {
    const { storeWatch } = this.options;
    const { signal: stop } = running.abort;
    const result = new ResultFiles(rendered);
    let outcome = rendered;
    let signal = endOfPatience(stop);
    for (let pause = RETRY_MS.first; ;) {
      try {
        return { finish: await this.#write(running, outcome, { result, signal }), outcome };
      } catch (error) {
        if (error instanceof StoreFailure) storeWatch.failed(error, result.size);
        if (outcome.kind === 'done' && (error instanceof StoreFailure || error === signal.reason)) {
          const reason = storeWatch.condition.isOk ? {} : { reason: 'store' as const };
          if (!(await storeWatch.recovers(signal))) outcome = { kind: 'interrupted', ...reason };
          continue;
        }
        if (!isDatabaseUnavailable(error)) throw error;
        outcome = rendered; // the store may take it by now
        signal = endOfPatience(stop);
        await sleep(pause);
        pause = Math.min(pause * 2, RETRY_MS.longest);
      }
    }
  }
}

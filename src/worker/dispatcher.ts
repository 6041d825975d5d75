import { setTimeout as sleep } from 'node:timers/promises';
import type { Bell } from '../db/bell.ts';
import { isDatabaseUnavailable } from '../db/pools.ts';
import type { Outcome } from '../domain/outcome.ts';
import { type ClaimedJob, claimJobs } from '../jobs/claim.ts';
import { returnUnknownJobs } from '../jobs/lose.ts';
import { type Finish, finishJob, type FinishDeps } from '../jobs/finish.ts';
import { crashPoint } from '../kernel/crash-point.ts';
import { Deadline } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Renderer } from '../render/renderer.ts';
import type { AttemptAbout, Events } from '../telemetry/events.ts';
import type { SlotsState } from '../telemetry/metrics.ts';
import type { Concurrency } from './concurrency.ts';
import type { Registration } from './registration.ts';

interface DispatcherOptions extends FinishDeps {
  bell: Bell;
  registration: Pick<Registration, 'workerId'>;
  renderer: Pick<Renderer, 'render' | 'room'>;
  events: Events;
  concurrency: Concurrency;
  /** jobs claimed in one transaction, at most */
  batchSize: number;
  /** milliseconds that running documents get at a stop */
  graceMs: number;
}

/** The backstop under the bell, which can be lost with its connection; an empty claim costs less than a millisecond. */
const POLL_MS = 1_000;
const RETRY_MS = { first: 100, longest: 2_000 };

/** Milliseconds after the abort that a job gets to be given back before its claim is left to expire. */
const GIVE_BACK_MS = 5_000;

interface Running {
  abort: AbortController;
  ended: Promise<void>;
  /** it has a slot until it is; then it is only written down */
  isRendered: boolean;
}

/**
 * Takes from the queue exactly as many jobs as it has free slots: woken by the bell, by each slot
 * that becomes free, and by the clock. Pull, not push: what is not claimed stays visible in the queue.
 */
export class Dispatcher extends Lifecycle {
  readonly #options: DispatcherOptions;
  readonly #running = new Map<string, Running>();
  #loop: Promise<void> | undefined;
  /** the last claim failed: it may be committed all the same */
  #isClaimUnanswered = false;
  #stopping = new AbortController();
  #wake = Promise.withResolvers<void>();
  #unlisten: (() => void)[] = [];
  readonly #hurried = Promise.withResolvers<void>();

  constructor(options: DispatcherOptions) {
    super();
    this.#options = options;
  }

  /** Documents being rendered now, and how many may be. */
  get slots(): SlotsState {
    return { busy: this.#rendering, limit: this.#options.concurrency.limit };
  }

  get #rendering(): number {
    return [...this.#running.values()].filter(({ isRendered }) => !isRendered).length;
  }

  protected async onStart(): Promise<void> {
    const { bell } = this.#options;
    this.#stopping = new AbortController();
    this.#unlisten = [
      bell.on('queued', () => this.#wake.resolve()),
      bell.on('missed', () => this.#wake.resolve()),
      bell.on('ended', (jobId) => this.#running.get(jobId)?.abort.abort()), // cancelled, or somebody newer finished it
    ];
    this.#loop = this.#run();
  }

  /** Stops claiming, lets running documents finish, after the grace gives them back to the queue. */
  protected async onStop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.resolve();
    for (const stop of this.#unlisten) stop();
    await this.#loop;
    await Promise.race([this.#drain(this.#options.graceMs), this.#hurried.promise]);
    for (const { abort } of this.#running.values()) abort.abort();
    await this.#drain(GIVE_BACK_MS);
  }

  /** For a second signal: the grace ends now, or never begins. */
  hurry(): void {
    this.#hurried.resolve();
  }

  async #drain(ms: number): Promise<void> {
    const ended = Promise.all([...this.#running.values()].map((running) => running.ended));
    await new Deadline(ms).race('running documents', ended).catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      const free = this.#free;
      const claimed = free > 0 ? await this.#claim(Math.min(free, this.#options.batchSize)) : [];
      for (const job of claimed) this.#startJob(job);
      // A full batch means there may be more: ask again at once if there is room.
      if (claimed.length > 0 && this.#free > 0) continue;
      if (this.#rendering < this.#options.concurrency.limit) this.#options.concurrency.slotFree();
      const timer = setTimeout(() => this.#wake.resolve(), POLL_MS);
      await this.#wake.promise;
      clearTimeout(timer);
    }
  }

  /**
   * How many more documents may be begun: by the slots, by memory, and by what waits to be written down,
   * of which there is no more than there are slots, so that an outage of the database stops the claims.
   */
  get #free(): number {
    const { limit } = this.#options.concurrency;
    const rendering = this.#rendering;
    return Math.min(limit - rendering, 2 * limit - this.#running.size, this.#options.renderer.room(rendering));
  }

  async #claim(count: number): Promise<ClaimedJob[]> {
    const { workerId } = this.#options.registration;
    try {
      if (this.#isClaimUnanswered)
        await returnUnknownJobs(this.#options, { workerId, known: [...this.#running.keys()] });
      this.#isClaimUnanswered = false;
      const claimed = await claimJobs(this.#options, { workerId, count });
      if (claimed.length > 0) crashPoint('claim.committed');
      return claimed;
    } catch (error) {
      this.#isClaimUnanswered = true;
      this.#options.events.backgroundFailed('claiming jobs', error);
      return [];
    }
  }

  #startJob(job: ClaimedJob): void {
    const abort = new AbortController();
    const running: Running = { abort, isRendered: false, ended: Promise.resolve() };
    this.#running.set(job.id, running);
    const onRendered = () => {
      running.isRendered = true;
      this.#options.concurrency.documentEnded();
      this.#wake.resolve(); // the next document begins while this one is written down
    };
    running.ended = this.#runJob(job, abort.signal, onRendered)
      .catch((error: unknown) => this.#options.events.jobCrashed(aboutOf(job), error))
      .finally(() => {
        this.#running.delete(job.id);
        this.#wake.resolve();
      });
  }

  async #runJob(job: ClaimedJob, signal: AbortSignal, onRendered: () => void): Promise<void> {
    const { events, renderer } = this.#options;
    const startedAt = performance.now();
    events.jobStarted(aboutOf(job));
    const outcome = await renderer.render(job.request, { tenant: job.userId, jobId: job.id, signal });
    onRendered();
    crashPoint('render.done');
    const finish = await this.#finish(job, outcome);
    crashPoint('finish.committed');
    this.#report(job, outcome, finish, Math.round(performance.now() - startedAt));
  }

  /** The result is kept until it is written: an outage of the database must not cost another rendering. */
  async #finish(job: ClaimedJob, outcome: Outcome): Promise<Finish> {
    for (let pause = RETRY_MS.first; ; pause = Math.min(pause * 2, RETRY_MS.longest)) {
      try {
        return await finishJob(this.#options, job, outcome);
      } catch (error) {
        if (!isDatabaseUnavailable(error)) throw error;
        await sleep(pause);
      }
    }
  }

  #report(job: ClaimedJob, outcome: Outcome, finish: Finish, ms: number): void {
    const { events } = this.#options;
    const about = aboutOf(job);
    if (finish === 'fenced') events.jobFencedOff(about);
    else if (finish === 'queued')
      events.jobGivenBack({
        ...about,
        reason: outcome.kind,
        err: outcome.kind === 'retry' ? outcome.cause : undefined,
      });
    else if (outcome.kind === 'done')
      events.jobEnded({ ...about, status: finish, ms, pages: outcome.pdf.pages, bytes: outcome.pdf.size });
    else events.jobEnded({ ...about, status: finish, ms, ...('code' in outcome && { code: outcome.code }) });
  }
}

function aboutOf({ id, userId, tier, requestId, attempt, run, waitedMs }: ClaimedJob): AttemptAbout {
  return { jobId: id, userId, tier, requestId, attempt, run, waitedMs };
}

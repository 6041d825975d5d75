import type { Notifier } from '../db/notifier.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';

interface JobWaitersOptions {
  notifier: Notifier;
  /** called when a job has ended, or its PDF was deleted */
  onEnd?: (jobId: string) => void;
}

/** The next end of a job. */
export interface Ends {
  jobId: string;
  promise: Promise<void>;
  /** ends the listening */
  stop: () => void;
}

/** The requests in this process that wait for a job to end. All share one notifier; waiting takes no query and no connection. */
export class JobWaiters extends Lifecycle<JobWaitersOptions> {
  readonly #waiting = new Map<string, Set<() => void>>();

  protected async onStart(): Promise<void> {
    this.options.notifier.on('ended', this.ending, (jobId) => {
      this.options.onEnd?.(jobId);
      this.#wake(jobId);
    });
    this.options.notifier.on('missed', this.ending, () => this.#wakeAll()); // any job may have ended meanwhile
  }

  protected override async onStop(): Promise<void> {
    this.#wakeAll();
  }

  /**
   * Reads the job, and until `done` is true waits for its notification and reads again.
   * @param ms milliseconds to wait at most; a stop of this service ends the wait too
   * @param ends of {@link listen}, called before the job was made: it is not read before it has ended
   * @returns the last value read
   */
  async waitFor<T>(
    jobId: string,
    ms: number,
    signal: AbortSignal,
    read: () => Promise<T>,
    done: (value: T) => boolean,
    ends?: Ends,
  ): Promise<T> {
    const until = performance.now() + ms;
    for (let early = ends; ; early = undefined) {
      // Listens before it reads, so that it does not miss an end in between.
      const { promise, stop } = early ?? this.listen(jobId);
      const { promise: over, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.max(0, until - performance.now()));
      const isOver = () => this.ending.aborted || signal.aborted || performance.now() >= until;
      signal.addEventListener('abort', () => resolve(), { once: true });
      try {
        if (!early) {
          const value = await read();
          if (done(value) || isOver()) return value;
        }
        if (!isOver()) await Promise.race([promise, over]);
      } finally {
        clearTimeout(timer);
        stop();
      }
    }
  }

  /** Hears of the next end of a job, also of one that will be made later. */
  listen(jobId: string): Ends {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiters = this.#waiting.get(jobId) ?? new Set();
    this.#waiting.set(jobId, waiters.add(resolve));
    const stop = () => {
      waiters.delete(resolve);
      if (waiters.size === 0 && this.#waiting.get(jobId) === waiters) this.#waiting.delete(jobId);
    };
    return { jobId, promise, stop };
  }

  #wake(jobId: string): void {
    for (const resolve of this.#waiting.get(jobId) ?? []) resolve();
  }

  #wakeAll(): void {
    for (const jobId of this.#waiting.keys()) this.#wake(jobId);
  }
}

import type { Notifier } from '../db/notifier.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';

/** Everybody in this process who waits for a job to end, woken by the one notifier: any number costs no query and no connection. */
export class JobWaiters extends Lifecycle {
  readonly #notifier: Notifier;
  readonly #waiting = new Map<string, Set<() => void>>();
  #unlisten: (() => void)[] = [];
  #stopped = false;

  constructor(notifier: Notifier) {
    super();
    this.#notifier = notifier;
  }

  protected async onStart(): Promise<void> {
    this.#stopped = false;
    this.#unlisten = [
      this.#notifier.on('ended', (jobId) => this.#wake(jobId)),
      this.#notifier.on('missed', () => this.#wakeAll()), // it may have rung meanwhile: everybody looks
    ];
  }

  protected async onStop(): Promise<void> {
    for (const stop of this.#unlisten) stop();
    this.#stopped = true;
    this.#wakeAll();
  }

  /**
   * Reads the job, and if `done` says that it has not ended waits for the notifier and reads again.
   * @param ms milliseconds to wait at most; a stop of this service ends the wait too
   * @returns what was read last
   */
  async waitFor<T>(
    jobId: string,
    ms: number,
    signal: AbortSignal,
    read: () => Promise<T>,
    done: (value: T) => boolean,
  ): Promise<T> {
    const until = performance.now() + ms;
    for (;;) {
      // Listens before it looks: what ends in between is not missed.
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiters = this.#waiting.get(jobId) ?? new Set();
      this.#waiting.set(jobId, waiters.add(resolve));
      const timer = setTimeout(resolve, Math.max(0, until - performance.now()));
      signal.addEventListener('abort', () => resolve(), { once: true });
      try {
        const value = await read();
        if (done(value) || this.#stopped || signal.aborted || performance.now() >= until) return value;
        await promise;
      } finally {
        clearTimeout(timer);
        waiters.delete(resolve);
        if (waiters.size === 0) this.#waiting.delete(jobId);
      }
    }
  }

  #wake(jobId: string): void {
    for (const resolve of this.#waiting.get(jobId) ?? []) resolve();
  }

  #wakeAll(): void {
    for (const jobId of this.#waiting.keys()) this.#wake(jobId);
  }
}

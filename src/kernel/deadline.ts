/** Thrown by {@link Deadline.race} when the time is up. `step` names the work that was not finished. */
export class DeadlineExceeded extends Error {
  readonly step: string;
  readonly limitMs: number;

  constructor(step: string, limitMs: number) {
    super(`${step} took longer than ${limitMs} ms`);
    this.name = 'DeadlineExceeded';
    this.step = step;
    this.limitMs = limitMs;
  }
}

/** A moment by which something has to be done. */
export class Deadline {
  readonly limitMs: number;
  readonly #startedAt = performance.now();

  /** @param limitMs milliseconds from now */
  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** Milliseconds left, never below 0. */
  get remainingMs(): number {
    return Math.max(0, this.limitMs - (performance.now() - this.#startedAt));
  }

  /** A deadline for one step, not later than this one. */
  within(limitMs: number): Deadline {
    return new Deadline(Math.min(limitMs, this.remainingMs));
  }

  /** Settles as `work` does, or rejects with {@link DeadlineExceeded}. `work` itself is not stopped. */
  async race<T>(step: string, work: Promise<T>): Promise<T> {
    work.catch(() => undefined); // it may fail after we stopped waiting
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new DeadlineExceeded(step, Math.round(this.limitMs))), this.remainingMs);
    timer.unref(); // it must not keep the process alive
    try {
      return await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const BRIEFLY_MS = 1_000;

/** For a stop: waits up to a second until `work` has ended, because it may wait for an answer that never comes. Ignores its failure. */
export async function waitBriefly(work: Promise<unknown>): Promise<void> {
  await new Deadline(BRIEFLY_MS).race('the end', work).catch(() => undefined);
}

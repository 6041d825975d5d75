/** Thrown by {@link Deadline.race} when time is up. `step` says what was being waited for. */
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

/** A moment by which something has to be done, kept by our own clock: what we wait for may never answer. */
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

  /** A deadline of its own for one step, never later than this one. */
  within(limitMs: number): Deadline {
    return new Deadline(Math.min(limitMs, this.remainingMs));
  }

  /** Settles as `work` does, or rejects with {@link DeadlineExceeded}. `work` itself is not stopped. */
  async race<T>(step: string, work: Promise<T>): Promise<T> {
    work.catch(() => undefined); // it may fail after we have stopped listening
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new DeadlineExceeded(step, Math.round(this.limitMs))), this.remainingMs);
    timer.unref(); // what we have given up on must not keep the process
    try {
      return await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Milliseconds. */
const BRIEFLY_MS = 1_000;

/**
 * For a stop: what is under way may end, and what is still to be said be said, if that takes no more than a
 * moment. It may be waiting for somebody who never answers. Whether it failed is for itself to tell.
 */
export async function waitBriefly(work: Promise<unknown>): Promise<void> {
  await new Deadline(BRIEFLY_MS).race('the end', work).catch(() => undefined);
}

/** Thrown when no place became free in time; its `code` is for those who only look at codes. */
class AcquireTimeout extends Error {
  readonly code = 'ACQUIRE_TIMEOUT';
}

/** So many at a time; the others wait in line, but not for ever. */
export class Semaphore {
  #free: number;
  readonly #places: number;
  readonly #waiting = new Set<() => void>();
  readonly #timeoutMs: number;

  /** @param timeoutMs milliseconds that each waits at most */
  constructor(places: number, timeoutMs: number) {
    this.#free = places;
    this.#places = places;
    this.#timeoutMs = timeoutMs;
  }

  get taken(): number {
    return this.#places - this.#free;
  }

  /** Does `work` as soon as there is a place. @throws AcquireTimeout if there is none in time */
  async run<T>(work: () => PromiseLike<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#wait();
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      if (next) {
        this.#waiting.delete(next); // now, or another that ends in this turn would give it a second place
        next();
      } else this.#free++;
    }
  }

  async #wait(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const timer = setTimeout(
      () => reject(new AcquireTimeout(`no place became free within ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    );
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(resolve);
    }
  }
}

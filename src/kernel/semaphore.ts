/** Thrown when no place became free in time; its `code` is for those who only look at codes. */
class AcquireTimeout extends Error {
  readonly code = 'ACQUIRE_TIMEOUT';
}

/** One who waits in line. */
interface Waiting {
  places: number;
  go: () => void;
}

/** So many at a time; the others wait in line, but not for ever. */
export class Semaphore {
  #free: number;
  readonly #places: number;
  readonly #waiting = new Set<Waiting>();
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

  get isIdle(): boolean {
    return this.taken === 0 && this.#waiting.size === 0;
  }

  /**
   * Does `work` as soon as there is a place, at once if there is one now.
   * @param places that it takes; all of them, if it wants more than there are
   * @throws AcquireTimeout if there are none in time
   */
  async run<T>(work: () => PromiseLike<T>, places = 1): Promise<T> {
    const taken = Math.min(places, this.#places);
    if (this.#waiting.size === 0 && this.#free >= taken) this.#free -= taken;
    else await this.#wait(taken);
    try {
      return await work();
    } finally {
      this.#free += taken;
      this.#admit();
    }
  }

  /** Nobody overtakes: who wants many places is not kept waiting by those who want one. */
  #admit(): void {
    for (const next of this.#waiting) {
      if (next.places > this.#free) return;
      this.#free -= next.places;
      this.#waiting.delete(next); // now, or another that ends in this turn would give it a second place
      next.go();
    }
  }

  async #wait(places: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { places, go: resolve };
    this.#waiting.add(waiting);
    const timer = setTimeout(() => {
      this.#waiting.delete(waiting);
      this.#admit(); // it may have been in the way of those behind it
      reject(new AcquireTimeout(`no place became free within ${this.#timeoutMs} ms`));
    }, this.#timeoutMs);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

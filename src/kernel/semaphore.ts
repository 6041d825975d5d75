/** Thrown when no place became free in time. */
class AcquireTimeout extends Error {
  readonly code = 'ACQUIRE_TIMEOUT';
}

interface Waiting {
  places: number;
  go: () => void;
}

/** Limits how much runs at a time. The rest waits in order, up to a time limit. */
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

  get waiting(): number {
    return this.#waiting.size;
  }

  get isIdle(): boolean {
    return this.taken === 0 && this.#waiting.size === 0;
  }

  /**
   * Runs `work` as soon as there are places.
   * @param places that it takes; all there are, if it wants more
   * @throws AcquireTimeout if they are not free in time
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

  /** In order, so that work that needs many places is not overtaken by work that needs one. */
  #admit(): void {
    for (const next of this.#waiting) {
      if (next.places > this.#free) return;
      this.#free -= next.places;
      this.#waiting.delete(next); // now, or it could be admitted twice in this turn
      next.go();
    }
  }

  async #wait(places: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { places, go: resolve };
    this.#waiting.add(waiting);
    const timer = setTimeout(() => {
      this.#waiting.delete(waiting);
      this.#admit(); // it may have blocked those after it
      reject(new AcquireTimeout(`no place became free within ${this.#timeoutMs} ms`));
    }, this.#timeoutMs);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

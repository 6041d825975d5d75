import { Semaphore } from './semaphore.ts';

/**
 * So many places for each party: whoever has them all waits in a line of its own, and makes nobody else
 * wait. Nothing is kept of a party that has none and waits for none.
 */
export class FairShares {
  readonly #parties = new Map<string, Semaphore>();
  readonly #each: number;
  readonly #timeoutMs: number;

  /**
   * @param each places of each party
   * @param timeoutMs milliseconds that each waits at most
   */
  constructor(each: number, timeoutMs: number) {
    this.#each = each;
    this.#timeoutMs = timeoutMs;
  }

  /** Parties that have a place, or wait for one. */
  get parties(): number {
    return this.#parties.size;
  }

  /** As {@link Semaphore.run}, with the places of `party`. */
  async run<T>(party: string, work: () => PromiseLike<T>, places = 1): Promise<T> {
    let semaphore = this.#parties.get(party);
    if (!semaphore) this.#parties.set(party, (semaphore = new Semaphore(this.#each, this.#timeoutMs)));
    try {
      return await semaphore.run(work, places);
    } finally {
      // Another of its last ones may have been first, and the party be back since.
      if (semaphore.isIdle && this.#parties.get(party) === semaphore) this.#parties.delete(party);
    }
  }

  /**
   * The same for what goes on elsewhere: resolves when there are places. They are given back when what
   * `end` returns, asked at that moment, resolves.
   */
  hold(party: string, end: () => Promise<void>, places = 1): Promise<void> {
    return new Promise((begin, failed) => {
      const held = () => {
        begin();
        return end();
      };
      this.run(party, held, places).catch(failed);
    });
  }
}

import { Semaphore } from './semaphore.ts';

/** A semaphore for each party: a party that has taken all its places waits, and no other party does. */
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

  /** Number of parties that have a place or wait for one. */
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
      // Another run may have removed it already, and the party may have a new one.
      if (semaphore.isIdle && this.#parties.get(party) === semaphore) this.#parties.delete(party);
    }
  }

  /** For work that runs elsewhere: resolves when there are places. Then calls `end`, and frees the places when that resolves. */
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

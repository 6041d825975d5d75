import { setTimeout as sleep } from 'node:timers/promises';
import { SingleFlight } from '../kernel/single-flight.ts';
import { Deadline } from '../kernel/deadline.ts';
import { openPool, type PoolOptions, type Queryable } from './pools.ts';
import { type Position, positionFault, type PositionFault, positionOf } from './position.ts';

/** Milliseconds between two looks at how far it is, while somebody waits for that. */
const POLL_MS = 3;

/** The connections to a standby, and how far it was when it was last asked. */
export class Standby {
  readonly #pool: ReturnType<typeof openPool>;
  /** Apart from the reads, which must not make it look slow. */
  readonly #probe: ReturnType<typeof openPool>;
  readonly #question: SingleFlight<Position>;
  #seen: Position | undefined;

  constructor(options: PoolOptions) {
    this.#pool = openPool(options);
    this.#probe = openPool({ ...options, max: 1, applicationName: `${options.applicationName} probe` });
    this.#question = new SingleFlight(() => positionOf(this.#probe.db));
  }

  /** Where it was last seen. */
  get position(): Position | undefined {
    return this.#seen;
  }

  /** Asks how far it is. @throws the driver's error */
  async look(): Promise<Position> {
    this.#seen = await this.#question.ask();
    return this.#seen;
  }

  /**
   * Waits for it to come as far as `needed`, up to `timeoutMs`.
   * @returns why it did not
   * @throws the driver's error
   */
  async catchUp(needed: Position, timeoutMs: number): Promise<PositionFault | undefined> {
    if (this.#seen && positionFault(this.#seen, needed) === undefined) return undefined;
    const deadline = new Deadline(timeoutMs);
    const late = sleep(timeoutMs, 'late' as const, { ref: false });
    for (;;) {
      const seen = await Promise.race([this.look(), late]);
      if (seen === 'late') return 'behind';
      const fault = positionFault(seen, needed);
      if (fault !== 'behind' || deadline.remainingMs === 0) return fault;
      await sleep(POLL_MS);
    }
  }

  /**
   * What `query` reads there, or why it may not be read there. Asked again in the same session: it
   * may have been restarted meanwhile, and then it is behind where it was, and an address may stand
   * for several standbys.
   * @throws what `query` throws
   */
  async read<T>(
    needed: Position,
    query: (db: Queryable) => Promise<T>,
  ): Promise<{ answer: T } | { fault: PositionFault }> {
    return this.#pool.db.transaction(async (tx) => {
      this.#seen = await positionOf(tx);
      const fault = positionFault(this.#seen, needed);
      return fault ? { fault } : { answer: await query(tx) };
    });
  }

  /** Closes every connection; what still runs on them fails. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.close(0), this.#probe.close(0)]);
  }
}

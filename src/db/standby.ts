import { setTimeout as sleep } from 'node:timers/promises';
import { SingleFlight } from '../kernel/single-flight.ts';
import { openPool, type Pool, type PoolOptions, type Queryable } from './pools.ts';
import { type Position, positionFault, type PositionFault, positionOf } from './position.ts';

/** Milliseconds between two checks of the position while a read waits for it. */
const POLL_MS = 3;

/** The connections to a standby, and its last known position. */
export class Standby {
  readonly #pool: Pool;
  /** A connection apart from the reads, so that slow reads do not delay the checks. */
  readonly #probe: Pool;
  readonly #check: SingleFlight<Position>;
  #position: Position | undefined;

  constructor(options: PoolOptions) {
    this.#pool = openPool(options);
    this.#probe = openPool({ ...options, max: 1, applicationName: `${options.applicationName} probe` });
    this.#check = new SingleFlight(() => positionOf(this.#probe.db));
  }

  /** The last known position. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Reads the present position. @throws the driver's error */
  async check(): Promise<Position> {
    this.#position = await this.#check.ask();
    return this.#position;
  }

  /**
   * Waits up to `timeoutMs` until the standby has replayed the log up to `needed`.
   * @returns undefined if it has
   * @throws the driver's error
   */
  async catchUp(needed: Position, timeoutMs: number): Promise<PositionFault | undefined> {
    if (this.#position && positionFault(this.#position, needed) === undefined) return undefined;
    const late = sleep(timeoutMs, 'late' as const, { ref: false });
    for (;;) {
      const position = await Promise.race([this.check(), late]);
      if (position === 'late') return 'behind';
      const fault = positionFault(position, needed);
      if (fault !== 'behind') return fault;
      await sleep(POLL_MS);
    }
  }

  /**
   * Runs `query` if the standby has replayed the log up to `needed`. The position is checked in the same transaction:
   * a restarted standby may be behind its last known position, and an address may lead to several standbys.
   * @throws what `query` throws
   */
  async read<T>(
    needed: Position,
    query: (db: Queryable) => Promise<T>,
  ): Promise<{ answer: T } | { fault: PositionFault }> {
    return this.#pool.db.transaction(async (tx) => {
      this.#position = await positionOf(tx);
      const fault = positionFault(this.#position, needed);
      return fault ? { fault } : { answer: await query(tx) };
    });
  }

  /** Closes every connection; queries that still run fail. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.close(0), this.#probe.close(0)]);
  }
}

import { SingleFlight } from '../kernel/single-flight.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError, systemCodeOf } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Events, ReplicaFault } from '../telemetry/events.ts';
import { Lag } from './lag.ts';
import { type Database, isDatabaseUnavailable, type PoolOptions, type Queryable } from './pools.ts';
import { mayEndInRecord, type Position, positionOf } from './position.ts';
import { Standby } from './standby.ts';

interface ReadRouterOptions {
  primary: Database;
  /** undefined: all reads go to the primary */
  replica: Omit<PoolOptions, 'statementTimeoutMs'> | undefined;
  events: Events;
}

const CHECK_EVERY_MS = 1_000;
/** Milliseconds for the answer to a read or a check; a slower replica is no longer used. */
const ANSWER_MS = 1_000;
/** Milliseconds for the replica to replay what a read needs; a slower replica is no longer used. */
const CATCH_UP_MS = 100;
/** The same at a position that no replica may reach yet; afterwards only this read goes to the primary. */
const CATCH_UP_IN_RECORD_MS = 10;
/** serialization_failure, deadlock_detected: a standby cancels queries that block its replay. That is no fault of it. */
const CONFLICTS = new Set(['40001', '40P01']);

/**
 * Reads that may go to the replica: listings, usage, statistics. A read shows every write that was acknowledged before
 * it, by any process: it first gets the primary's position, and the replica must have replayed the log up to there.
 * Without a replica, or if it lags, fails or does not answer, the primary answers, and no read waits for the replica
 * again until a check has succeeded.
 */
export class ReadRouter extends Lifecycle {
  readonly #primary: Database;
  readonly #replica: PoolOptions | undefined;
  readonly #events: Events;
  readonly #needed: SingleFlight<Position>;
  readonly #lag = new Lag();
  #standby: Standby | undefined;
  /** why the replica is not used; undefined: it is used */
  #fault: ReplicaFault | undefined = 'unknown';

  constructor({ primary, replica, events }: ReadRouterOptions) {
    super();
    this.#primary = primary;
    this.#replica = replica && { ...replica, statementTimeoutMs: ANSWER_MS };
    this.#events = events;
    // With a deadline, because the next callers wait for this answer.
    this.#needed = new SingleFlight(() => new Deadline(ANSWER_MS).race('asking the primary', positionOf(primary)));
    if (replica)
      events.metrics.watchReplica(() => ({ isHealthy: this.#fault === undefined, lagSeconds: this.#lag.seconds }));
  }

  /**
   * @param query only reads; it runs again on the primary if the replica fails
   * @throws what `query` throws on the primary, or a CodedError that it throws on either
   */
  async read<T>(query: (db: Queryable) => Promise<T>): Promise<T> {
    if (!this.#replica) return query(this.#primary);
    const standby = this.#fault === undefined ? this.#standby : undefined;
    const tried = standby && (await this.#readFrom(standby, query));
    if (tried && 'answer' in tried) {
      this.#events.replicaRead('replica');
      return tried.answer;
    }
    this.#events.replicaRead('primary');
    const answer = await query(this.#primary);
    // The primary could answer the same query: the replica is at fault.
    if (standby && tried) this.#leave(standby, 'failed', tried.error);
    return answer;
  }

  protected async onStart(): Promise<void> {
    if (!this.#replica) return;
    this.#standby = new Standby(this.#replica);
    await this.repeat(CHECK_EVERY_MS, () => this.#check());
  }

  protected override async onStop(): Promise<void> {
    this.#fault = 'unknown';
    await this.#standby?.close();
    this.#standby = undefined;
  }

  /** @returns the replica's answer; the error if the query may be its cause; undefined if the replica cannot be used */
  async #readFrom<T>(
    standby: Standby,
    query: (db: Queryable) => Promise<T>,
  ): Promise<{ answer: T } | { error: unknown } | undefined> {
    const needed = await this.#needed.ask().catch(() => undefined);
    if (!needed) return undefined; // the query on the primary will report the fault
    try {
      const isInRecord = mayEndInRecord(needed);
      const fault = await standby.catchUp(needed, isInRecord ? CATCH_UP_IN_RECORD_MS : CATCH_UP_MS);
      if (fault && !(fault === 'behind' && isInRecord)) this.#leave(standby, fault);
      if (fault) return undefined;
      const read = await new Deadline(ANSWER_MS).race('reading from the replica', standby.read(needed, query));
      return 'answer' in read ? read : undefined; // no answer: it was restarted, which is no reason to leave it
    } catch (error) {
      if (error instanceof CodedError) throw error;
      if (CONFLICTS.has(systemCodeOf(error) ?? '')) return undefined;
      if (!(error instanceof DeadlineExceeded || isDatabaseUnavailable(error))) return { error };
      this.#leave(standby, 'failed', error);
      return undefined;
    }
  }

  /** Uses the replica if it answers and keeps up, and leaves it otherwise. */
  async #check(): Promise<void> {
    const standby = this.#standby;
    if (!standby) return;
    const needed = await this.#needed.ask().catch(() => undefined);
    if (!needed) return; // without the primary's position the replica cannot be judged
    this.#lag.wrote(needed.lsn);
    try {
      await new Deadline(ANSWER_MS).race('asking the replica', standby.check());
      const fault = await standby.catchUp(needed, CATCH_UP_MS);
      if (standby.position) this.#lag.replayed(standby.position.lsn);
      if (fault === 'behind' && mayEndInRecord(needed) && this.#lag.seconds < CHECK_EVERY_MS / 1000) return;
      if (fault) this.#leave(standby, fault);
      else this.#use(standby);
    } catch (error) {
      this.#leave(standby, 'failed', error);
    }
  }

  #use(standby: Standby): void {
    if (standby !== this.#standby || this.#fault === undefined) return;
    this.#fault = undefined;
    this.#events.replicaUsed();
  }

  #leave(standby: Standby, fault: ReplicaFault, error?: unknown): void {
    if (standby !== this.#standby) return; // already replaced
    if (fault !== this.#fault) this.#events.replicaLeft({ fault, lagSeconds: this.#lag.seconds, err: error });
    this.#fault = fault;
    if (fault !== 'failed' || !this.#replica) return;
    // New connections: closing the old ones ends their waiting reads, and a vanished server never frees them.
    this.#standby = new Standby(this.#replica);
    standby.close().catch(() => undefined);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
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
  /** undefined: everything is read from the primary */
  replica: Omit<PoolOptions, 'statementTimeoutMs'> | undefined;
  events: Events;
}

/** Milliseconds between two looks at the replica. */
const CHECK_EVERY_MS = 1_000;
/** Milliseconds for an answer, to a read or a look; a replica that takes longer is left. */
const ANSWER_MS = 1_000;
/** Milliseconds for the replica to come as far as a read needs it; then it is left. */
const CATCH_UP_MS = 100;
/** Milliseconds where it may be unable to: then only this read goes to the primary. */
const CATCH_UP_IN_RECORD_MS = 10;
/** What a standby does to a query that is in the way of what it replays. No fault of its: it is asked of the primary. */
const CONFLICTS = new Set(['40001', '40P01']);

/**
 * Reads that may go to the replica: listings, usage, statistics. One that is asked for after a write
 * was acknowledged, by whatever process, shows that write: the primary is asked where it is after
 * the call came, and the replica must have come as far. If there is none, or it lags, fails or does
 * not answer, the primary is read instead, and nobody is asked to wait for it again before it was
 * seen to be well.
 */
export class ReadRouter extends Lifecycle {
  readonly #primary: Database;
  readonly #replica: PoolOptions | undefined;
  readonly #events: Events;
  readonly #needed: SingleFlight<Position>;
  readonly #lag = new Lag();
  #standby: Standby | undefined;
  /** why it is not used; undefined: it is used */
  #fault: ReplicaFault | undefined = 'unknown';
  #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor({ primary, replica, events }: ReadRouterOptions) {
    super();
    this.#primary = primary;
    this.#replica = replica && { ...replica, statementTimeoutMs: ANSWER_MS };
    this.#events = events;
    // With a deadline: those who ask next wait for this answer.
    this.#needed = new SingleFlight(() => new Deadline(ANSWER_MS).race('asking the primary', positionOf(primary)));
    if (replica) {
      events.metrics.watchReplica(() => ({
        isHealthy: this.#fault === undefined,
        lagSeconds: this.#lag.seconds,
      }));
    }
  }

  /**
   * @param query only reads; asked again of the primary if the replica fails
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
    // What the primary can answer, the replica should have.
    if (standby && tried) this.#leave(standby, 'failed', tried.error);
    return answer;
  }

  protected async onStart(): Promise<void> {
    if (!this.#replica) return;
    this.#stopping = new AbortController();
    this.#standby = new Standby(this.#replica);
    await this.#check();
    this.#loop = this.#watch();
  }

  protected async onStop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    this.#fault = 'unknown';
    await this.#standby?.close();
    this.#standby = undefined;
  }

  /** The answer of the replica; nothing if it is not the one to ask; the error if it may be the query's own. */
  async #readFrom<T>(
    standby: Standby,
    query: (db: Queryable) => Promise<T>,
  ): Promise<{ answer: T } | { error: unknown } | undefined> {
    let needed: Position;
    try {
      needed = await this.#needed.ask();
    } catch {
      return undefined; // the primary shall say itself what is wrong
    }
    try {
      const isInRecord = mayEndInRecord(needed);
      const late = await standby.catchUp(needed, isInRecord ? CATCH_UP_IN_RECORD_MS : CATCH_UP_MS);
      if (late === 'behind' && isInRecord) return undefined;
      if (late) {
        this.#leave(standby, late);
        return undefined;
      }
      const read = await new Deadline(ANSWER_MS).race('reading from the replica', standby.read(needed, query));
      if ('answer' in read) return read;
      return undefined; // restarted since it was last seen: not a moment to wait, but no reason to leave it
    } catch (error) {
      if (error instanceof CodedError) throw error;
      if (CONFLICTS.has(systemCodeOf(error) ?? '')) return undefined;
      if (!isAway(error)) return { error };
      this.#leave(standby, 'failed', error);
      return undefined;
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(CHECK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#check();
    }
  }

  /** Uses the replica if it answers and is near, leaves it if not. */
  async #check(): Promise<void> {
    const standby = this.#standby;
    if (!standby) return;
    let needed: Position;
    try {
      needed = await this.#needed.ask();
    } catch {
      return; // then nothing can be read, and nothing be known
    }
    this.#lag.wrote(needed.lsn);
    try {
      await new Deadline(ANSWER_MS).race('asking the replica', standby.look());
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
    if (standby !== this.#standby) return; // left already, for a new one
    if (fault !== this.#fault) this.#events.replicaLeft({ fault, lagSeconds: this.#lag.seconds, err: error });
    this.#fault = fault;
    if (fault !== 'failed' || !this.#replica) return;
    // Whoever waits for an answer shall not wait longer; and a peer that vanished never gives a connection back.
    this.#standby = new Standby(this.#replica);
    standby.close().catch(() => undefined);
  }
}

const isAway = (error: unknown) => error instanceof DeadlineExceeded || isDatabaseUnavailable(error);

import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { CodedError } from '../kernel/errors.ts';
import type { LinkKey } from './link-token.ts';
import { makeFirstLinkKey } from './rotate-link-keys.ts';

/** Milliseconds after which the keys are read again: another process may have made one, or an operator deleted one. */
const FRESH_MS = 60_000;
/** Milliseconds between two reads, however many ask. */
const PAUSE_MS = 1_000;
/** Requests that wait for the next read. */
const MAX_WAITING = 100;

/**
 * The keys of links, kept in memory. A key that another process has just made is unknown here: then the table is read
 * again, once a second at most, so that no flood of invented links reaches the database.
 */
export class LinkKeys {
  readonly #db: Database;
  #keys = new Map<number, LinkKey>();
  /** when the last read that succeeded began, as `performance.now()` has it */
  #readAt = -Infinity;
  /** when the last read began */
  #begunAt = -Infinity;
  #reading: Promise<void> | undefined;
  #waiting = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The newest, by which links are signed; the first one is made now. */
  async newest(): Promise<LinkKey> {
    if (!this.#isFresh || this.#keys.size === 0) await this.#read();
    if (this.#keys.size === 0) {
      await makeFirstLinkKey(this.#db);
      this.#begunAt = -Infinity; // no pause before the read that follows
      await this.#readAfter(performance.now());
    }
    const key = this.#keys.get(this.#highestId);
    if (!key) throw new CodedError('unavailable', 'there is no key for links at the moment', { retryAfterSeconds: 1 });
    return key;
  }

  /** @returns undefined if there is no such key @throws CodedError `unavailable` if too many ask for unknown ones */
  async find(id: number): Promise<LinkKey | undefined> {
    // Not awaited: what is known is answered from memory, also when the database is slow.
    if (!this.#isFresh && this.#keys.size > 0) void this.#read().catch(() => undefined);
    const known = this.#keys.get(id);
    if (known || id < this.#highestId) return known; // ids are given in order: it was deleted
    if (this.#waiting >= MAX_WAITING)
      throw new CodedError('unavailable', 'too many links are being checked; try again shortly', {
        retryAfterSeconds: 1,
      });
    this.#waiting++;
    try {
      await this.#readAfter(performance.now());
    } finally {
      this.#waiting--;
    }
    return this.#keys.get(id);
  }

  get #isFresh(): boolean {
    return performance.now() - this.#readAt < FRESH_MS;
  }

  get #highestId(): number {
    return Math.max(...this.#keys.keys());
  }

  /** Resolves after a read that began later than that: one under way may have missed what was committed meanwhile. */
  async #readAfter(time: number): Promise<void> {
    while (this.#readAt < time) await this.#read();
  }

  /** The read that is under way or, after the pause, the next one. */
  async #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #readNow(): Promise<void> {
    const pauseMs = this.#begunAt + PAUSE_MS - performance.now();
    if (pauseMs > 0) await sleep(pauseMs);
    const begunAt = performance.now();
    this.#begunAt = begunAt;
    const rows = await this.#db.execute<{ id: number; secret: Buffer }>(
      sql`select id, secret from pdfprompt_link_key order by id`,
    );
    this.#keys = new Map(rows.map(({ id, secret }) => [id, { id, secret }]));
    this.#readAt = begunAt;
  }
}

import { sql } from 'drizzle-orm';
import { Deadline } from '../kernel/deadline.ts';
import { Condition } from '../kernel/health.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Events } from '../telemetry/events.ts';
import type { Database } from './pools.ts';

/** Milliseconds between two checks. */
const PAUSE_MS = { ok: 1_000, failing: 250 };
const ANSWER_MS = 2_000;
/** Failures in a row that make an outage: one slow answer is none. */
const FAILURES = 3;
/** Unanswered checks at most: each occupies a connection of the pool. */
const MAX_UNANSWERED = 3;

interface DatabaseWatchOptions {
  db: Database;
  events: Pick<Events, 'databaseUnavailable' | 'databaseAvailable'>;
}

/** Checks again and again whether the database can be written, so that health probes answer from memory. */
export class DatabaseWatch extends Lifecycle<DatabaseWatchOptions> {
  readonly condition = new Condition('database');
  #failures = 0;
  #unanswered = 0;

  protected async onStart(): Promise<void> {
    const pauseMs = () => (this.#failures === 0 ? PAUSE_MS.ok : PAUSE_MS.failing);
    void this.repeat(pauseMs, async () => this.#record(await this.#check()));
  }

  #record(fault: string | undefined): void {
    this.#failures = fault === undefined ? 0 : this.#failures + 1;
    const wasOk = this.condition.isOk;
    if (fault === undefined) this.condition.set(undefined);
    else if (this.#failures >= FAILURES) this.condition.set(fault);
    const { events } = this.options;
    if (wasOk && !this.condition.isOk) events.databaseUnavailable({ reason: fault ?? '' });
    if (!wasOk && this.condition.isOk) events.databaseAvailable();
  }

  /** @returns the fault, if there is one */
  async #check(): Promise<string | undefined> {
    const silence = 'the database does not answer';
    if (this.#unanswered >= MAX_UNANSWERED) return silence;
    this.#unanswered++;
    const answer = Promise.resolve(
      this.options.db.execute<{ is_read_only: boolean }>(
        sql`select current_setting('transaction_read_only')::boolean as is_read_only`,
      ),
    ).finally(() => this.#unanswered--);
    try {
      const [row] = await new Deadline(ANSWER_MS).race('checking the database', answer);
      return row?.is_read_only ? 'the database is read-only' : undefined;
    } catch {
      return silence;
    }
  }
}

import type { Client } from '../../src/db/driver.ts';

/**
 * A clock that is moved on. What waits for a time in the database is moved back by as much: pauses of deliveries, and
 * since when an endpoint fails.
 */
export class MovedClock {
  readonly #startedAt = performance.now();
  #movedSeconds = 0;
  /** seconds by which it was moved at a time, lately: so exact is a comparison of two times */
  stepSeconds = 0;

  /** Since it was made. */
  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000 + this.#movedSeconds;
  }

  async move(sql: Client, seconds: number): Promise<void> {
    this.stepSeconds = seconds;
    await sql`update pdfprompt_delivery set due_at = due_at - ${seconds} * interval '1 second' where status = 'waiting'`;
    await sql`update pdfprompt_webhook set failing_since = failing_since - ${seconds} * interval '1 second' where failing_since is not null`;
    this.#movedSeconds += seconds;
    await sql`notify pdfprompt_deliveries`;
  }
}

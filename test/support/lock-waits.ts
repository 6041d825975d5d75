import type { Sql } from 'postgres';

/**
 * Whether a session of this database waits for a lock.
 * `sql` is a pool and no transaction: in one, pg_stat_activity shows what it showed at its first look.
 * @param query what its statement is like
 * @param event what it waits for, as in `wait_event`: `tuple`, `transactionid`, `relation`
 */
export async function isWaitingForLock(sql: Sql, { query = '%', event = '%' } = {}): Promise<boolean> {
  const rows = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    and query like ${query} and wait_event like ${event}`;
  return rows.length > 0;
}

import { createRequire } from 'node:module';
import { sql } from 'drizzle-orm';
import { insertJobs } from 'pg-boss/dist/plans.js';
import type { Database } from '../db/pools.ts';

/*
 * Jobs are put into the queue by a function in the database, so that `pdfprompt_submit` can do it (sql/0021_submit.sql).
 * Its body is pg-boss's own statement, so it is created again whenever another pg-boss has another statement.
 */

export const QUEUE = 'pdf';

/** The function's signature. */
export const ENQUEUE = 'pdfprompt_enqueue(uuid, integer, integer)';

/** Of the pinned pg-boss, by which a newer release knows our function from its own. */
const { version: BOSS_VERSION } = createRequire(import.meta.url)('pg-boss/package.json') as { version: string };

/** Whether the function is there and is ours, or that of a newer pg-boss, which runs on the same tables. */
export async function hasEnqueue(db: Database): Promise<boolean> {
  const [row] = await db.execute<{ body: string }>(
    sql`select prosrc as body from pg_proc where oid = to_regprocedure(${ENQUEUE})`,
  );
  if (!row) return false;
  const [, version] = /^-- pg-boss ([\d.]+)$/m.exec(row.body) ?? [];
  const isNewer = version !== undefined && compareVersions(version, BOSS_VERSION) > 0;
  return isNewer || row.body === (await bodyOf(db));
}

export async function createEnqueue(db: Database): Promise<void> {
  // Where the tables are, which need not be the first schema that the user looks in.
  const [found] = await db.execute<{ schema: string }>(
    sql`select coalesce(
      (select relnamespace::regnamespace::text from pg_class where oid = to_regclass('pdfprompt_job')),
      quote_ident(current_schema())) as schema`,
  );
  const name = `${found?.schema}.pdfprompt_enqueue`;
  await db.execute(
    sql.raw(`
      create or replace function ${name}(id uuid, priority integer, expire_seconds integer) returns void
        language plpgsql set search_path = pg_catalog, pg_temp as $enqueue$${await bodyOf(db)}$enqueue$`),
  );
  await db.execute(
    sql`comment on function ${sql.raw(name)} is 'Puts a job into the queue: the highest priority is served first. A claim that lasts longer than expire_seconds ends. Error: PDF04 the queue has the job already.'`,
  );
  // Postgres lets everybody call a new function (sql/0033_sql_client.sql).
  await db.execute(sql`revoke execute on function ${sql.raw(name)} from public`);
}

/** pg-boss passes jobs as a JSON array, in which each has the names of its options. */
async function bodyOf(db: Database): Promise<string> {
  const [queue] = await db.execute<{ table: string }>(
    sql`select table_name as table from pgboss.queue where name = ${QUEUE}`,
  );
  if (!queue) throw new Error(`pg-boss has no queue ${QUEUE}`);
  const [before, after, ...more] = insertJobs('pgboss', { table: queue.table, name: QUEUE }).split('$1::text::json');
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error('pg-boss inserts jobs in another way than was expected');
  return `
-- pg-boss ${BOSS_VERSION}
#variable_conflict use_column
declare
  enqueued uuid;
begin
  ${before.trim()}json_build_array(json_build_object(
    'id', pdfprompt_enqueue.id,
    'priority', pdfprompt_enqueue.priority,
    'expireInSeconds', pdfprompt_enqueue.expire_seconds
  ))${after.trim()} into enqueued;
  if enqueued is null then
    raise exception 'the queue has the job % already', pdfprompt_enqueue.id using errcode = 'PDF04';
  end if;
end `;
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

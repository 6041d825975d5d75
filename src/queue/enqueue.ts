import { createRequire } from 'node:module';
import { sql } from 'drizzle-orm';
import { insertJobs } from 'pg-boss/dist/plans.js';
import type { Database } from '../db/pools.ts';

/*
 * Jobs are put into the queue by a function in the database, so that `pdfprompt_submit` can do it (sql/0021_submit.sql).
 * Its body is pg-boss's own statement, so it is created again whenever another pg-boss has another statement.
 */

export const QUEUE = 'pdf';

/** The functions' signatures: for one job, and for many. */
export const ENQUEUE = 'pdfprompt_enqueue(uuid, integer, integer)';
const ENQUEUE_ALL = 'pdfprompt_enqueue_all(json)';

/** Of the pinned pg-boss, by which a newer release knows our function from its own. */
const { version: BOSS_VERSION } = createRequire(import.meta.url)('pg-boss/package.json') as { version: string };

/** Whether the functions are there and are ours, or those of a newer pg-boss, which runs on the same tables. */
export async function hasEnqueue(db: Database): Promise<boolean> {
  for (const { signature, body } of await functions(db)) {
    const [row] = await db.execute<{ body: string }>(
      sql`select prosrc as body from pg_proc where oid = to_regprocedure(${signature})`,
    );
    if (!row) return false;
    const [, version] = /^-- pg-boss ([\d.]+)$/m.exec(row.body) ?? [];
    const isNewer = version !== undefined && compareVersions(version, BOSS_VERSION) > 0;
    if (!isNewer && row.body !== body) return false;
  }
  return true;
}

export async function createEnqueue(db: Database): Promise<void> {
  // Where the tables are, which need not be the first schema that the user looks in.
  const [found] = await db.execute<{ schema: string }>(
    sql`select coalesce(
      (select relnamespace::regnamespace::text from pg_class where oid = to_regclass('pdfprompt_job')),
      quote_ident(current_schema())) as schema`,
  );
  for (const { name, parameters, body, comment } of await functions(db)) {
    const qualified = sql.raw(`${found?.schema}.${name}`);
    await db.execute(sql`
      create or replace function ${qualified}(${sql.raw(parameters)}) returns void
        language plpgsql set search_path = pg_catalog, pg_temp as ${sql.raw(`$enqueue$${body}$enqueue$`)}`);
    await db.execute(sql`comment on function ${qualified} is ${sql.raw(`'${comment}'`)}`);
    // Postgres lets everybody call a new function (sql/0033_sql_client.sql).
    await db.execute(sql`revoke execute on function ${qualified} from public`);
  }
}

/** pg-boss passes jobs as a JSON array, in which each has the names of its options. */
async function functions(db: Database) {
  const [queue] = await db.execute<{ table: string }>(
    sql`select table_name as table from pgboss.queue where name = ${QUEUE}`,
  );
  if (!queue) throw new Error(`pg-boss has no queue ${QUEUE}`);
  const [before, after, ...more] = insertJobs('pgboss', { table: queue.table, name: QUEUE }).split('$1::text::json');
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error('pg-boss inserts jobs in another way than was expected');
  const one = `json_build_array(json_build_object(
    'id', pdfprompt_enqueue.id,
    'priority', pdfprompt_enqueue.priority,
    'expireInSeconds', pdfprompt_enqueue.expire_seconds
  ))`;
  return [
    {
      name: 'pdfprompt_enqueue',
      signature: ENQUEUE,
      parameters: 'id uuid, priority integer, expire_seconds integer',
      comment:
        'Puts a job into the queue: the highest priority is served first. A claim that lasts longer than expire_seconds ends. Error: PDF04 the queue has the job already.',
      body: `
-- pg-boss ${BOSS_VERSION}
#variable_conflict use_column
declare
  enqueued uuid;
begin
  ${before.trim()}${one}${after.trim()} into enqueued;
  if enqueued is null then
    raise exception 'the queue has the job % already', pdfprompt_enqueue.id using errcode = 'PDF04';
  end if;
end `,
    },
    {
      name: 'pdfprompt_enqueue_all',
      signature: ENQUEUE_ALL,
      parameters: 'jobs json',
      comment:
        'Puts many jobs into the queue: an array of objects with id, priority and expireInSeconds, as pdfprompt_enqueue has them. Error: PDF04 the queue has one of them already.',
      body: `
-- pg-boss ${BOSS_VERSION}
#variable_conflict use_column
declare
  enqueued integer;
begin
  with enqueued as (${before.trim()}pdfprompt_enqueue_all.jobs${after.trim()})
    select count(*) into enqueued from enqueued;
  if enqueued <> json_array_length(pdfprompt_enqueue_all.jobs) then
    raise exception 'the queue has one of the jobs already' using errcode = 'PDF04';
  end if;
end `,
    },
  ];
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

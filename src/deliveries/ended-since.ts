import { type SQL, sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Queryable } from '../db/pools.ts';
import { forTenant } from '../db/tenant.ts';
import { endedBatches, toOwnedBatch } from './batch-events.ts';
import { type Ended, positionOf } from './ended.ts';
import { OVERLAP_MS } from './event-position.ts';
import { endedJobs, toOwned } from './job-events.ts';

/** Jobs or batches of a page; each may have 100 KB of metadata. */
const PAGE = 50;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** After what a page begins: when it ended, as Postgres writes it, and its id. */
interface Cursor {
  at: string;
  id: string;
}

/** Whose: of one tenant, under row-level security, or of these users. */
type Owner = { tenant: string } | { users: readonly string[] };

type Read = <T>(work: (db: Queryable) => Promise<T>) => Promise<T>;

/**
 * Jobs and batches that ended since a moment, and those that ended in {@link OVERLAP_MS} before it, in the order of their
 * ends, page by page.
 * @param sinceMs Unix time in milliseconds
 * @param read runs the query of each page
 */
export async function* endedSince(sinceMs: number, owner: Owner, read: Read): AsyncGenerator<Ended[]> {
  const jobs = each(pagesOf(JOBS, sinceMs, owner, read));
  const batches = each(pagesOf(BATCHES, sinceMs, owner, read));
  let job: IteratorResult<Ended> | undefined;
  let batch: IteratorResult<Ended> | undefined;
  for (let page: Ended[] = [], isOver = false; !isOver; page = []) {
    while (!isOver && page.length < PAGE) {
      // Not before there is room: what is read ahead is in no tenant's share of memory.
      job ??= await jobs.next();
      batch ??= await batches.next();
      if (!batch.done && (job.done || timeOf(batch.value) < timeOf(job.value))) {
        page.push(batch.value);
        batch = undefined;
      } else if (!job.done) {
        page.push(job.value);
        job = undefined;
      } else isOver = true;
    }
    yield page;
  }
}

const timeOf = (ended: Ended) => positionOf(ended).atMs;

/** Of either kind, which reads its own columns only. */
type Row = Parameters<typeof toOwned>[0] & Parameters<typeof toOwnedBatch>[0];

interface Kind {
  /** with the name by which its columns are known here */
  table: SQL;
  alias: SQL;
  ended: (which: SQL, inOrder: SQL) => SQL;
  toOwned: (row: Row) => Ended;
}
const JOBS: Kind = { table: sql`pdfprompt_job j`, alias: sql`j`, ended: endedJobs, toOwned };
const BATCHES: Kind = { table: sql`pdfprompt_batch b`, alias: sql`b`, ended: endedBatches, toOwned: toOwnedBatch }; // prettier-ignore

async function* pagesOf(kind: Kind, sinceMs: number, owner: Owner, read: Read): AsyncGenerator<Ended[]> {
  let after: Cursor | undefined = { at: new Date(sinceMs - OVERLAP_MS).toISOString(), id: FIRST_ID };
  while (after) {
    const from: Cursor = after;
    const rows = await read((db) => readPage(db, kind, owner, from));
    yield rows.map(kind.toOwned);
    const last = rows.at(-1);
    after = last && rows.length === PAGE ? { at: last.completed_at, id: last.id } : undefined;
  }
}

async function* each(pages: AsyncIterable<Ended[]>): AsyncGenerator<Ended> {
  for await (const page of pages) yield* page;
}

async function readPage(
  db: Queryable,
  { table, alias: e, ended }: Kind,
  owner: Owner,
  { at, id }: Cursor,
): Promise<Row[]> {
  const isAfter = sql`${e}.completed_at >= ${at}::timestamptz and (${e}.completed_at, ${e}.id) > (${at}::timestamptz, ${id}::uuid)`;
  const inOrder = sql`order by ${e}.completed_at, ${e}.id limit ${PAGE}`;
  const which =
    'tenant' in owner
      ? sql`${forTenant(owner.tenant)} and ${e}.user_id = ${owner.tenant} and ${isAfter}`
      : // For each user by the index: otherwise those of all users that have ended meanwhile would be read.
        sql`${e}.id = any (array(
          select ${e}.id from unnest(${arrayLiteral(owner.users)}::uuid[]) as u (id) cross join lateral (
            select ${e}.id, ${e}.completed_at from ${table} where ${e}.user_id = u.id and ${isAfter} ${inOrder}
          ) as ${e} ${inOrder}))`;
  return db.execute<Row>(ended(which, inOrder));
}

/** Unix time in milliseconds, by the database's clock. */
export async function databaseTime(db: Queryable): Promise<number> {
  const [row] = await db.execute<{ ms: string }>(sql`select (extract(epoch from now()) * 1000)::bigint as ms`);
  return Number(row?.ms);
}

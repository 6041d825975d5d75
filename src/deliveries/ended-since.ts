import { sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Queryable } from '../db/pools.ts';
import { forTenant } from '../db/tenant.ts';
import { OVERLAP_MS } from './event-position.ts';
import { endedJobs, type OwnedJob, toOwned } from './job-events.ts';

/** Jobs of a page; each may have 100 KB of metadata. */
const PAGE = 50;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** After which job a page begins: when it ended, as Postgres writes it, and its id. */
interface Cursor {
  at: string;
  id: string;
}

/** Whose jobs: of one tenant, under row-level security, or of these users. */
type Owner = { tenant: string } | { users: readonly string[] };

/**
 * Jobs that ended since a moment, and those that ended in {@link OVERLAP_MS} before it, in the order of their ends, page
 * by page.
 * @param sinceMs Unix time in milliseconds
 * @param read runs the query of each page
 */
export async function* endedSince(
  sinceMs: number,
  owner: Owner,
  read: (work: (db: Queryable) => Promise<Row[]>) => Promise<Row[]>,
): AsyncGenerator<OwnedJob[]> {
  let after: Cursor | undefined = { at: new Date(sinceMs - OVERLAP_MS).toISOString(), id: FIRST_ID };
  while (after) {
    const from: Cursor = after;
    const rows = await read((db) => readPage(db, owner, from));
    yield rows.map(toOwned);
    const last = rows.at(-1);
    after = last && rows.length === PAGE ? { at: last.completed_at, id: last.id } : undefined;
  }
}

type Row = Parameters<typeof toOwned>[0];

async function readPage(db: Queryable, owner: Owner, { at, id }: Cursor): Promise<Row[]> {
  const isAfter = sql`j.completed_at >= ${at}::timestamptz and (j.completed_at, j.id) > (${at}::timestamptz, ${id}::uuid)`;
  const inOrder = sql`order by j.completed_at, j.id limit ${PAGE}`;
  const which =
    'tenant' in owner
      ? sql`${forTenant(owner.tenant)} and j.user_id = ${owner.tenant} and ${isAfter}`
      : // For each user by the index: otherwise the jobs of all users that have ended meanwhile would be read.
        sql`j.id = any (array(
          select j.id from unnest(${arrayLiteral(owner.users)}::uuid[]) as u (id) cross join lateral (
            select j.id, j.completed_at from pdfprompt_job j where j.user_id = u.id and ${isAfter} ${inOrder}
          ) as j ${inOrder}))`;
  return db.execute<Row>(sql`${endedJobs(which)} ${inOrder}`);
}

/** Unix time in milliseconds, by the database's clock. */
export async function databaseTime(db: Queryable): Promise<number> {
  const [row] = await db.execute<{ ms: string }>(sql`select (extract(epoch from now()) * 1000)::bigint as ms`);
  return Number(row?.ms);
}

import { sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import { notify } from '../db/notifier.ts';
import type { Database, Queryable } from '../db/pools.ts';
import type { JobQueue } from '../queue/boss.ts';
import { IS_PAUSED } from './pauses.ts';
import { retryAfterDeadlock } from './retry-after-deadlock.ts';

/*
 * A job of somebody who is paused has no place in the queue, so that nobody reads past it. The table of pauses decides:
 * a claim looks there, and takes away the place of a job that it finds paused. What follows does the same ahead of the
 * claims, so that the figures are right, and makes the places again when a pause has ended.
 */

/** Rows of the queue that one transaction looks at, and jobs that it changes. */
const WINDOW = 5_000;
const PIECE = 1_000;

/** A place in the order of the queue. */
interface Place {
  rank: number;
  id: string;
}

interface Piece {
  jobs: number;
  /** where to go on; undefined: the end is reached */
  last: Place | undefined;
}

interface Deps {
  db: Database;
  queue: JobQueue;
}

const FRONT: Place = { rank: -(2 ** 31), id: '00000000-0000-0000-0000-000000000000' };

/** Rows of jobs `j` in the order of the queue, after a place. */
const windowAfter = ({ rank, id }: Place, isPaused: boolean) => sql`
  select id, rank, user_id, tier from pdfprompt_job
  where is_queued and paused_at is ${sql.raw(isPaused ? 'not null' : 'null')} and (rank, id) > (${rank}::integer, ${id}::uuid)
  order by rank, id limit ${WINDOW}`;

/** Of jobs that the caller has claimed: takes away the places of those that are paused. @returns their ids */
export async function setAsideClaimed(tx: Queryable, queue: JobQueue, ids: readonly string[]): Promise<string[]> {
  const rows = await tx.execute<{ id: string }>(sql`
    update pdfprompt_job j set paused_at = coalesce(paused_at, now())
    where id = any (${arrayLiteral(ids)}::uuid[]) and is_queued and ${IS_PAUSED} returning id`);
  const paused = rows.map(({ id }) => id);
  if (paused.length > 0) await queue.forget(tx, paused);
  return paused;
}

/** Takes away the places of the next jobs that are paused. Waits for nobody: what others have in hand is theirs. */
export async function setAsideNext(tx: Queryable, queue: JobQueue, after = FRONT): Promise<Piece> {
  const { ids, ...piece } = await findNext(tx, { after, isPaused: false });
  if (ids.length > 0) {
    await tx.execute(sql`update pdfprompt_job set paused_at = now() where id = any (${arrayLiteral(ids)}::uuid[])`);
    await queue.forgetFree(tx, ids);
  }
  return piece;
}

/**
 * Makes the places of the next jobs again that are paused no longer, where they were. The time of the pause is no time
 * that they have waited.
 */
async function resumeNext(tx: Queryable, queue: JobQueue, after: Place): Promise<Piece> {
  const { ids, ...piece } = await findNext(tx, { after, isPaused: true });
  if (ids.length === 0) return piece;
  const array = sql`${arrayLiteral(ids)}::uuid[]`;
  await tx.execute(sql`
    update pdfprompt_job set paused_at = null, accepted_at = coalesce(accepted_at, created_at),
      created_at = created_at + (now() - paused_at)
    where id = any (${array})`);
  // Somebody may have it in hand who claimed it before it lost its place.
  const gone = await tx.execute<{ id: string }>(
    sql`select j.id from unnest(${array}) as j (id) where not ${queue.has(sql`j.id`)}`,
  );
  await queue.restore(
    tx,
    gone.map(({ id }) => id),
    sql`select id, -rank as priority, pdfprompt_claim_seconds(request) as seconds from pdfprompt_job
      where id = any (${arrayLiteral(gone.map(({ id }) => id))}::uuid[])`,
  );
  await notify(tx, 'queued');
  return piece;
}

/** Locks the jobs that are to be changed. @param isPaused whether they have been without a place until now */
async function findNext(
  tx: Queryable,
  { after, isPaused }: { after: Place; isPaused: boolean },
): Promise<Piece & { ids: string[] }> {
  const rows = await tx.execute<{ id: string; rank: number; rows: number; is_wanted: boolean }>(sql`
    with looked as materialized (${windowAfter(after, isPaused)}),
      wanted as materialized (
        select id, rank from looked j where ${isPaused ? sql`not ${IS_PAUSED}` : IS_PAUSED} order by rank, id limit ${PIECE})
    select id, rank, true as is_wanted, (select count(*)::integer from looked) as rows from wanted
    union all
    (select id, rank, false, (select count(*)::integer from looked) from looked order by rank desc, id desc limit 1)`);
  const wanted = rows.filter((row) => row.is_wanted);
  const end = rows.find((row) => !row.is_wanted);
  const isCut = wanted.length === PIECE;
  const isFull = end?.rows === WINDOW;
  const last = isCut ? wanted.at(-1) : isFull ? end : undefined;
  const state = sql.raw(isPaused ? 'not null' : 'null');
  const locked =
    wanted.length === 0
      ? []
      : await tx.execute<{ id: string }>(sql`
          select id from pdfprompt_job j
          where id = any (${arrayLiteral(wanted.map(({ id }) => id))}::uuid[]) and is_queued and paused_at is ${state}
            and ${isPaused ? sql`not ${IS_PAUSED}` : IS_PAUSED}
          order by id for update skip locked`);
  const ids = locked.map(({ id }) => id);
  return { ids, jobs: ids.length, last: last && { rank: last.rank, id: last.id } };
}

/**
 * Brings all queued jobs in line with the pauses, piece by piece. What is left, and what comes meanwhile, the workers do.
 * @param withinMs milliseconds after which it ends between two pieces
 * @returns how many jobs lost their place, and how many have it again
 */
export async function settlePauses(
  { db, queue }: Deps,
  { withinMs = Infinity, until }: { withinMs?: number; until?: AbortSignal } = {},
): Promise<{ paused: number; resumed: number }> {
  const end = performance.now() + withinMs;
  const settled = { paused: 0, resumed: 0 };
  const [state] = await db.execute<{ is_any: boolean; has_paused: boolean }>(sql`
    select exists (select from pdfprompt_pause) as is_any,
      coalesce((select true from pdfprompt_job where is_queued and paused_at is not null limit 1), false) as has_paused`);
  const pass = async (next: (tx: Queryable, after: Place) => Promise<Piece>) => {
    let jobs = 0;
    for (let after: Place | undefined = FRONT; after && performance.now() <= end && until?.aborted !== true;) {
      const from: Place = after;
      const piece = await retryAfterDeadlock(() => db.transaction((tx) => next(tx, from)));
      jobs += piece.jobs;
      after = piece.last;
    }
    return jobs;
  };
  if (state?.has_paused) settled.resumed = await pass((tx, after) => resumeNext(tx, queue, after));
  if (state?.is_any) settled.paused = await pass((tx, after) => setAsideNext(tx, queue, after));
  return settled;
}

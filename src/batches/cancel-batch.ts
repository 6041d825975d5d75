import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import { notifySql } from '../db/notifier.ts';
import type { Database, Transaction } from '../db/pools.ts';
import { retryAfterDeadlock } from '../jobs/retry-after-deadlock.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';

/** Items in one transaction, so that it holds its locks only briefly. */
const CHUNK = 250;

/** Milliseconds until the next pass over items that were locked, as by a worker that writes a result. */
const AGAIN_MS = 50;

export interface CancelDeps {
  db: Database;
  queue: JobQueue;
  events: { bulk: Pick<Events['bulk'], 'batchCancelled'> };
}

interface CancelInput {
  userId: string;
  batchId: string;
  requestId?: string | undefined;
  traceId?: string | undefined;
}

/** Runs a transaction in its turn. */
type Turn = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Cancels a batch that has not ended: at once its row, then its open items, piece by piece, and the job that merges
 * them. What has ended stays. If the process stops, any worker continues.
 * @param withinMs milliseconds after which the rest is left to the workers
 */
export async function cancelBatch(
  deps: CancelDeps,
  { userId, batchId, ...about }: CancelInput,
  { withinMs = Infinity, turn = (work) => work() }: { withinMs?: number; turn?: Turn } = {},
): Promise<void> {
  const marked = await turn(() =>
    deps.db.execute(sql`
      update pdfprompt_batch set status = 'cancelled'
      where id = ${batchId} and user_id = ${userId} and completed_at is null and status <> 'cancelled' returning 1`),
  );
  const items = await cancelItems(deps, batchId, { until: performance.now() + withinMs, turn });
  if (marked.length > 0 || items > 0) deps.events.bulk.batchCancelled({ userId, batchId, items, ...about });
}

/** Cancels what is open of a batch that is cancelled, and ends it if nothing is. @returns how many items */
async function cancelItems(
  { db, queue }: CancelDeps,
  batchId: string,
  { until, turn }: { until: number; turn: Turn },
): Promise<number> {
  const transaction = <T>(work: (tx: Transaction) => Promise<T>) =>
    turn(() => retryAfterDeadlock(() => db.transaction(work)));
  let sum = 0;
  for (let after: number | undefined = 0; performance.now() <= until;) {
    const from: number = after;
    const chunk = await transaction((tx) => cancelChunk(tx, queue, { batchId, after: from }));
    sum += chunk.count;
    after = chunk.last;
    if (after !== undefined) continue;
    if (await transaction((tx) => endIfOver(tx, batchId))) break;
    await sleep(AGAIN_MS);
    after = 0;
  }
  return sum;
}

/**
 * Waits for no row of a job nor of the queue, and locks the counters first: so nobody who ends, claims or requeues a job
 * can wait for it while it waits for them. What others have locked is left to the next pass.
 * @returns how many items; the row to go on after, undefined: this was the last chunk
 */
async function cancelChunk(
  tx: Transaction,
  queue: JobQueue,
  { batchId, after }: { batchId: string; after: number },
): Promise<{ count: number; last: number | undefined }> {
  const open = sql`status in ('queued', 'processing')`;
  await tx.execute(sql`select from pdfprompt_batch_count where batch_id = ${batchId} order by shard for no key update`);
  // Only now: it may have ended meanwhile, and its items been retried, which changes the counters too.
  const [batch] = await tx.execute(
    sql`select from pdfprompt_batch where id = ${batchId} and status = 'cancelled' and completed_at is null`,
  );
  if (!batch) return { count: 0, last: undefined };
  const items = await tx.execute<{ id: string; row: number }>(sql`
    select id, batch_row as row from pdfprompt_job
    where batch_id = ${batchId} and batch_row > ${after} and ${open} order by batch_row limit ${CHUNK}`);
  const last = items.length < CHUNK ? undefined : items.at(-1)?.row;
  const closing =
    last === undefined
      ? await tx.execute<{ id: string }>(
          sql`select id from pdfprompt_job where batch_id = ${batchId} and batch_row is null and ${open}`,
        )
      : [];
  const wanted = [...items, ...closing].map(({ id }) => id);
  if (wanted.length === 0) return { count: 0, last };
  const locked = await tx.execute<{ id: string }>(sql`
    select id from pdfprompt_job where id = any (${arrayLiteral(wanted)}::uuid[]) and ${open} for update skip locked`);
  const ids = locked.map(({ id }) => id);
  if (ids.length === 0) return { count: 0, last };
  const array = sql`${arrayLiteral(ids)}::uuid[]`;
  await tx.execute(sql`
    update pdfprompt_job set status = 'cancelled', worker_id = null, completed_at = now() where id = any (${array})`);
  await tx.execute(sql`
    update pdfprompt_job_attempt set ended_at = now(), outcome = 'cancelled'
    where job_id = any (${array}) and ended_at is null`);
  await queue.cancel(tx, ids);
  await tx.execute(sql`select ${notifySql('ended', sql`id::text`)} from unnest(${array}) as id`);
  const isItem = new Set(items.map(({ id }) => id));
  return { count: ids.filter((id) => isItem.has(id)).length, last };
}

/** Whether a batch that is cancelled has nothing left to cancel; then it has ended. */
async function endIfOver(tx: Transaction, batchId: string): Promise<boolean> {
  const [left] = await tx.execute<{ is_closing: boolean; is_open: boolean }>(sql`
    select exists (select from pdfprompt_batch_count where batch_id = b.id and open > 0) as is_open,
      exists (
        select from pdfprompt_job where batch_id = b.id and batch_row is null and status in ('queued', 'processing')
      ) as is_closing
    from pdfprompt_batch b where id = ${batchId} and status = 'cancelled' and completed_at is null`);
  if (!left) return true;
  if (left.is_open || left.is_closing) return false;
  await tx.execute(sql`select pdfprompt_end_batch(${batchId})`);
  return true;
}

/** Goes on with cancellations that were interrupted. @returns how many batches */
export async function finishCancelling(deps: CancelDeps): Promise<number> {
  const batches = await deps.db.execute<{ id: string; user_id: string }>(sql`
    select id, user_id from pdfprompt_batch where completed_at is null and status = 'cancelled' limit 10`);
  for (const { id, user_id: userId } of batches) await cancelBatch(deps, { userId, batchId: id }, { withinMs: 60_000 });
  return batches.length;
}

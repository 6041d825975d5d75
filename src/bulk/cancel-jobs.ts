import { sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import { notifySql } from '../db/notifier.ts';
import type { Transaction } from '../db/pools.ts';
import type { FoundId } from '../jobs/search-jobs.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';

export interface CancelJobsDeps {
  queue: JobQueue;
  events: Pick<Events, 'jobCancelled'>;
}

/** A job that was cancelled, for the log. */
export interface CancelledJob {
  jobId: string;
  userId: string;
  batchId: string | undefined;
  row: number | undefined;
}

/** Cancels what has not ended of some jobs: as {@link cancelJob} of each, in one transaction. */
export async function cancelJobs(
  tx: Transaction,
  queue: JobQueue,
  found: readonly FoundId[],
): Promise<{ results: { cancelled: number; ended: number }; cancelled: CancelledJob[] }> {
  const rows = await tx.execute<{ id: string; user_id: string; batch_id: string | null; batch_row: number | null }>(sql`
    update pdfprompt_job set status = 'cancelled', worker_id = null, completed_at = now()
    where id = any (${arrayLiteral(found.map(({ id }) => id))}::uuid[]) and status in ('scheduled', 'queued', 'processing')
    returning id, user_id, batch_id, batch_row`);
  const ids = rows.map(({ id }) => id);
  if (ids.length > 0) {
    const array = sql`${arrayLiteral(ids)}::uuid[]`;
    await tx.execute(sql`
      update pdfprompt_job_attempt set ended_at = now(), outcome = 'cancelled'
      where job_id = any (${array}) and ended_at is null`);
    await queue.cancel(tx, ids);
    await tx.execute(sql`select ${notifySql('ended', sql`id::text`)} from unnest(${array}) as id`);
  }
  const cancelled = rows.map((row) => ({
    jobId: row.id,
    userId: row.user_id,
    batchId: row.batch_id ?? undefined,
    row: row.batch_row ?? undefined,
  }));
  return { results: { cancelled: ids.length, ended: found.length - ids.length }, cancelled };
}

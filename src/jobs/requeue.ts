import { and, inArray, sql } from 'drizzle-orm';
import { notify } from '../db/notifier.ts';
import type { Database } from '../db/pools.ts';
import { job } from '../db/schema.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { RunAbout } from '../telemetry/about.ts';
import { LOST_COLUMNS, toRunAbout, undoRun } from './lost-jobs.ts';

/** Jobs at the front of the queue that are checked. Jobs that are not in the queue stay while others go, so they get there. */
const FRONT = 500;

/** Seconds since a job was accepted or begun. Before, its transaction may still be under way. */
const SETTLED_SECONDS = 5;

const isNotPaused = sql`not (${job.isQueued} and ${job.pausedAt} is not null)`;

interface RequeueDeps {
  db: Database;
  queue: JobQueue;
}

/**
 * Requeues jobs that are queued or processing by their row, but missing in the queue: the queue deletes jobs that have
 * waited for a month, and somebody may have deleted rows. They keep their rank. A job that was being rendered begins
 * again, and no attempt is counted. Those that are paused have no place on purpose.
 */
export async function requeueStranded(
  { db, queue }: RequeueDeps,
  { settledSeconds = SETTLED_SECONDS } = {},
): Promise<RunAbout[]> {
  const suspects = await findStranded({ db, queue }, settledSeconds);
  if (suspects.length === 0) return [];
  return db.transaction(async (tx) => {
    // Checked again with the rows locked, so that nobody can submit, claim or end these jobs meanwhile.
    const locked = await tx
      .select({ id: job.id })
      .from(job)
      .where(and(inArray(job.id, suspects), inArray(job.status, ['queued', 'processing']), isNotPaused))
      .for('update', { skipLocked: true });
    if (locked.length === 0) return [];
    const lockedIds = locked.map(({ id }) => id);
    const stranded = await tx
      .select({ ...LOST_COLUMNS, status: job.status })
      .from(job)
      .where(and(inArray(job.id, lockedIds), sql`not ${queue.has(sql`${job.id}`)}`));
    if (stranded.length === 0) return [];
    for (const { id, status } of stranded)
      // If a worker still renders it, its result is rejected: there is no claim to complete.
      if (status === 'processing')
        await undoRun(tx, { jobId: id, outcome: 'lost', reason: 'its place in the queue was lost' });
    const ids = stranded.map(({ id }) => id);
    await queue.restore(
      tx,
      ids,
      sql`select id, -rank as priority, pdfprompt_claim_seconds(request) as seconds from ${job} where ${inArray(job.id, ids)}`,
    );
    await notify(tx, 'queued');
    return stranded.map(toRunAbout);
  });
}

/** In one snapshot of jobs and queue, so that no transaction under way looks like a stranded job. */
async function findStranded({ db, queue }: RequeueDeps, settledSeconds: number): Promise<string[]> {
  const since = sql`now() - ${settledSeconds} * interval '1 second'`;
  const rows = await db.execute<{ id: string }>(sql`
    select id from (
      select id, created_at from pdfprompt_job where is_queued and paused_at is null order by rank, id limit ${sql.raw(String(FRONT))}
    ) as front where created_at < ${since} and not ${queue.has(sql`front.id`)}
    union all
    select id from (
      select id, status, started_at from pdfprompt_job where worker_id is not null offset 0
    ) as running where status = 'processing' and started_at < ${since} and not ${queue.has(sql`running.id`)}
    union all
    select id from pdfprompt_job as unassigned
    where status = 'processing' and worker_id is null and started_at < ${since} and not ${queue.has(sql`unassigned.id`)}`);
  return rows.map(({ id }) => id);
}

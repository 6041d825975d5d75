import { and, eq, inArray, sql } from 'drizzle-orm';
import { notify } from '../db/notifier.ts';
import type { Database, Transaction } from '../db/pools.ts';
import { job } from '../db/schema.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { LostAbout } from '../telemetry/events.ts';
import { endAttempt } from './attempts.ts';
import { BACK_IN_QUEUE, LOST, toLost } from './lost-jobs.ts';
import { CLAIM_MARGIN_SECONDS } from './submit.ts';

/** Jobs at the front of the queue that are looked at: a job without a place stays when others go, so it gets there. */
const FRONT = 500;

/** Seconds since a job was accepted or begun: before, somebody is at it. */
const SETTLED_SECONDS = 5;

interface RequeueDeps {
  db: Database;
  queue: JobQueue;
}

/**
 * Puts jobs back into the queue whose row says that they are in it, while it does not have them: it drops what has
 * waited for a month, and somebody may have deleted rows of it. They keep their place. A job that was being rendered
 * begins again, uncounted.
 * @returns which jobs those were
 */
export async function requeueStranded(
  { db, queue }: RequeueDeps,
  { settledSeconds = SETTLED_SECONDS } = {},
): Promise<LostAbout[]> {
  const suspects = await findStranded({ db, queue }, settledSeconds);
  if (suspects.length === 0) return [];
  return db.transaction(async (tx) => {
    // Looked at again under their locks: nobody can submit, claim or end them meanwhile.
    const locked = await tx
      .select({ id: job.id })
      .from(job)
      .where(and(inArray(job.id, suspects), inArray(job.status, ['queued', 'processing'])))
      .for('update', { skipLocked: true });
    const ids = locked.map(({ id }) => id);
    if (ids.length === 0) return [];
    const stranded = await tx
      .select({ ...LOST, status: job.status })
      .from(job)
      .where(and(inArray(job.id, ids), sql`not ${queue.has(sql`${job.id}`)}`));
    for (const { id, status } of stranded) if (status === 'processing') await giveUpRun(tx, id);
    await restore(
      tx,
      queue,
      stranded.map(({ id }) => id),
    );
    return stranded.map(toLost);
  });
}

/** One snapshot of both: what is in it is in no transaction that is under way. */
async function findStranded({ db, queue }: RequeueDeps, settledSeconds: number): Promise<string[]> {
  const since = sql`now() - ${settledSeconds} * interval '1 second'`;
  const rows = await db.execute<{ id: string }>(sql`
    select id from (
      select id, created_at from pdfprompt_job where is_queued order by rank, id limit ${sql.raw(String(FRONT))}
    ) as front where created_at < ${since} and not ${queue.has(sql`front.id`)}
    union all
    select id from (
      select id, status, started_at from pdfprompt_job where worker_id is not null offset 0
    ) as running where status = 'processing' and started_at < ${since} and not ${queue.has(sql`running.id`)}
    union all
    select id from pdfprompt_job as nobodys
    where status = 'processing' and worker_id is null and started_at < ${since} and not ${queue.has(sql`nobodys.id`)}`);
  return rows.map(({ id }) => id);
}

/** Whoever is at it finds the result fenced off, as there is no claim to complete. */
async function giveUpRun(tx: Transaction, id: string): Promise<void> {
  await endAttempt(tx, { jobId: id, outcome: 'lost', reason: 'its place in the queue was lost' });
  await tx
    .update(job)
    .set({ ...BACK_IN_QUEUE, attempts: sql`greatest(${job.attempts} - 1, 0)` })
    .where(eq(job.id, id));
}

async function restore(tx: Transaction, queue: JobQueue, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await queue.restore(
    tx,
    ids,
    sql`select id, -rank as priority,
      ceil((request ->> 'timeoutMs')::double precision / 1000)::integer + ${CLAIM_MARGIN_SECONDS}::integer as "expireInSeconds"
      from ${job} where ${inArray(job.id, ids)}`,
  );
  await notify(tx, 'queued');
}

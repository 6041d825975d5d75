import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import type { JobQueue } from '../queue/boss.ts';

/** Jobs that are queued at a time. */
const PIECE = 1_000;

/**
 * What was under way when the backup was made is not any longer: the workers are gone, and so are their leases. Jobs that
 * were being rendered are queued again, and no attempt is counted. The queue is made from the jobs' rows. Those that are
 * paused stay so: they have no place in it.
 * @param hasPauses whether the backup's release knew pauses
 * @returns how many jobs are in the queue
 */
export async function settleRestored(db: Queryable, queue: JobQueue, hasPauses: boolean): Promise<number> {
  await db.execute(sql`
    update pdfprompt_job_attempt set ended_at = now(), outcome = 'interrupted', reason = 'restored from a backup'
    where ended_at is null`);
  await db.execute(sql`
    update pdfprompt_job set status = 'queued', started_at = null, worker_id = null, attempts = greatest(attempts - 1, 0)
    where status = 'processing'`);
  await db.execute(sql`update pdfprompt_worker set ended_at = now() where ended_at is null`);
  await db.execute(sql`update pdfprompt_lease set expires_at = now() where expires_at > now()`);

  const hasPlace = hasPauses ? sql`is_queued and paused_at is null` : sql`is_queued`;
  let last = '00000000-0000-0000-0000-000000000000';
  for (let queued = 0; ;) {
    const rows = await db.execute<{ id: string }>(sql`
      select id from pdfprompt_job where ${hasPlace} and id > ${last} order by id limit ${PIECE}`);
    const ids = rows.map(({ id }) => id);
    const [from, to] = [ids[0], ids.at(-1)];
    if (from === undefined || to === undefined) return queued;
    await queue.restore(
      db,
      ids,
      sql`select id, -rank as priority, pdfprompt_claim_seconds(request) as seconds
        from pdfprompt_job where ${hasPlace} and id between ${from} and ${to}`,
    );
    queued += ids.length;
    last = to;
  }
}

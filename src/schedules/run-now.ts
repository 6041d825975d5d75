import { sql } from 'drizzle-orm';
import type { Limiter } from '../accounts/limits.ts';
import type { Database } from '../db/pools.ts';
import { ofRequest, refusalOf } from '../jobs/refusals.ts';
import { type RunAbout, type RunRow, toAbout } from './run-due.ts';
import { noSchedule } from './schedule.ts';

/**
 * Runs a schedule at once, whether it is paused or not. Its times stay as they are.
 * @returns the run, which has a job
 * @throws CodedError `not_found`; LimitReached
 */
export async function runNow(
  { db, limiter }: { db: Database; limiter: Limiter },
  { userId, name }: { userId: string; name: string },
): Promise<RunAbout> {
  try {
    return await db.transaction(async (tx) => {
      const [found] = await tx.execute<{ id: string }>(sql`
        select id from pdfprompt_schedule where user_id = ${userId} and name = ${name} for no key update`);
      if (!found) throw noSchedule(name);
      // The next millisecond that has no run: history is read by it.
      const [run] = await tx.execute<RunRow>(sql`
        select run.* from (
          select greatest(date_trunc('milliseconds', clock_timestamp()),
            max(r.planned_at) filter (where r.asked) + interval '1 millisecond') as at
          from pdfprompt_schedule_run r where r.schedule_id = ${found.id} and r.planned_at >= now()
        ) as free, pdfprompt_run_schedule(${found.id}, free.at, true) as run`);
      if (!run) throw new Error('a time that was free is taken');
      return toAbout(run);
    });
  } catch (error) {
    throw ofRequest(refusalOf(error, { limiter, userId })) ?? error;
  }
}

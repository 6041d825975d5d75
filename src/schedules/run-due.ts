import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import type { Missed, RunStatus } from '../domain/schedule.ts';
import { planRuns } from './plan-runs.ts';

/** What became of a time of a schedule. */
export interface RunAbout {
  scheduleId: string;
  userId: string;
  /** ISO 8601, UTC */
  plannedAt: string;
  status: RunStatus;
  /** undefined unless submitted */
  jobId: string | undefined;
  /** of a problem, unless submitted */
  code: string | undefined;
}

interface DueSchedule extends Record<string, unknown> {
  id: string;
  userId: string;
  cron: string;
  timezone: string;
  missed: Missed;
  nextAt: string;
  at: string;
}

/** Of `pdfprompt_run_schedule`. */
export interface RunRow extends Record<string, unknown> {
  schedule_id: string;
  user_id: string;
  planned_at: string;
  status: RunStatus;
  job_id: string | null;
  error_code: string | null;
}

interface RunDueDeps {
  db: Database;
  /** instead of the database's clock, in a test */
  now?: Date | undefined;
  /** the times of a schedule could not be found out: it stands still */
  onBroken: (scheduleId: string, error: unknown) => void;
}

/**
 * Runs one schedule that is due and that no other process has in hand: its job, the record of it, and its next time are
 * one transaction.
 * @returns what became of its times; undefined: none is due
 */
export async function runDue({ db, now, onBroken }: RunDueDeps): Promise<RunAbout[] | undefined> {
  const present = now?.toISOString() ?? null;
  return db.transaction(async (tx) => {
    const [due] = await tx.execute<DueSchedule>(sql`
      select id, user_id as "userId", cron, timezone, missed, next_at as "nextAt", coalesce(${present}::timestamptz, now()) as at
      from pdfprompt_schedule where next_at <= coalesce(${present}::timestamptz, now())
      order by next_at limit 1 for no key update skip locked`);
    if (!due) return undefined;
    const { id, userId } = due;
    let plan: ReturnType<typeof planRuns>;
    try {
      plan = planRuns(due, { due: new Date(due.nextAt), at: new Date(due.at), missed: due.missed });
    } catch (error) {
      onBroken(id, error);
      plan = { run: undefined, skipped: undefined, next: undefined };
    }
    const { run, skipped, next } = plan;
    const done: RunAbout[] = [];
    if (skipped) {
      const plannedAt = skipped.first.toISOString();
      await tx.execute(sql`select pdfprompt_skip_runs(${id}, ${plannedAt}, ${skipped.count})`);
      done.push({ scheduleId: id, userId, plannedAt, status: 'skipped', jobId: undefined, code: undefined });
    }
    if (run) {
      const rows = await tx.execute<RunRow>(
        sql`select * from pdfprompt_run_schedule(${id}, ${run.toISOString()}, false, ${present}::timestamptz)`,
      );
      done.push(...rows.map(toAbout));
    }
    await tx.execute(
      sql`update pdfprompt_schedule set next_at = ${next?.toISOString() ?? null}::timestamptz where id = ${id}`,
    );
    return done;
  });
}

/** Tries a run again that was refused for a while. @returns undefined: none is due */
export async function retryRun({ db, now }: Omit<RunDueDeps, 'onBroken'>): Promise<RunAbout[] | undefined> {
  const rows = await db.execute<RunRow>(
    sql`select * from pdfprompt_retry_run(${now?.toISOString() ?? null}::timestamptz)`,
  );
  return rows.length > 0 ? rows.map(toAbout) : undefined;
}

/** Milliseconds until something is due; undefined: nothing is. */
export async function untilDue(db: Database): Promise<number | undefined> {
  const [row] = await db.execute<{ ms: number | null }>(sql`
    select extract(epoch from least(
      (select min(next_at) from pdfprompt_schedule where next_at is not null),
      (select min(retry_at) from pdfprompt_schedule_run where status = 'waiting')) - clock_timestamp())::double precision * 1000 as ms`);
  return row?.ms ?? undefined;
}

export const toAbout = (row: RunRow): RunAbout => ({
  scheduleId: row.schedule_id,
  userId: row.user_id,
  plannedAt: new Date(row.planned_at).toISOString(),
  status: row.status,
  jobId: row.job_id ?? undefined,
  code: row.error_code ?? undefined,
});

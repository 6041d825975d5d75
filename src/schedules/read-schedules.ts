import { and, asc, eq, gt, sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { schedule } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { nextTimes, noSchedule, type Schedule, scheduleColumns, type ScheduleRow, type ScheduleRun, toSchedule, type WholeSchedule } from './schedule.ts'; // prettier-ignore

/** JSON, in this order, of a row `r` of pdfprompt_schedule_run, as {@link ScheduleRun}. */
const RUN_JSON = sql`json_build_object(
  'plannedAt', pdfprompt_time_text(r.planned_at), 'asked', r.asked, 'status', r.status, 'skipped', r.skipped,
  'job', (select json_build_object('id', j.id, 'status', j.status) from pdfprompt_job j where j.id = r.job_id),
  'error', case when r.error_code is not null then
    json_build_object('code', r.error_code, 'message', r.error_message) end,
  'startedAt', pdfprompt_time_text(r.created_at))`;

const lastRun = sql<ScheduleRun | null>`(
  select ${RUN_JSON} from pdfprompt_schedule_run r where r.schedule_id = pdfprompt_schedule.id
  order by r.planned_at desc, r.asked desc limit 1)`;

const ofUser = (userId: string) => and(forTenant(userId), eq(schedule.userId, userId));

/** @param mayWrite whether the request is shown @throws CodedError `not_found`, for another tenant's too */
export async function getSchedule(
  db: Queryable,
  { userId, name, mayWrite }: { userId: string; name: string; mayWrite: boolean },
): Promise<WholeSchedule> {
  const [row] = await db
    .select({ ...scheduleColumns, request: schedule.request, lastRun })
    .from(schedule)
    .where(and(ofUser(userId), eq(schedule.name, name)));
  if (!row) throw noSchedule(name);
  const { request, ...rest } = row;
  return { ...toSchedule(rest), nextTimes: nextTimes(row), request: mayWrite ? request : null };
}

/** A page of a tenant's schedules, by name, without their requests. `cursor` is the last name of the page before. */
export async function listSchedules(
  db: Queryable,
  { userId, limit, cursor }: { userId: string; limit: number; cursor?: string | undefined },
): Promise<{ data: Schedule[]; nextCursor: string | null }> {
  const rows: ScheduleRow[] = await db
    .select({ ...scheduleColumns, lastRun })
    .from(schedule)
    .where(and(ofUser(userId), cursor === undefined ? undefined : gt(schedule.name, cursor)))
    .orderBy(asc(schedule.name))
    .limit(limit + 1);
  const data = rows.slice(0, limit).map(toSchedule);
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.name ?? null) : null };
}

/**
 * A page of the runs of a schedule, newest first. `cursor` is the time of the last one of the page before.
 * @throws CodedError `not_found`
 */
export async function listRuns(
  db: Queryable,
  { userId, name, limit, cursor }: { userId: string; name: string; limit: number; cursor?: string | undefined },
): Promise<{ data: ScheduleRun[]; nextCursor: string | null }> {
  const [found] = await db
    .select({ id: schedule.id })
    .from(schedule)
    .where(and(ofUser(userId), eq(schedule.name, name)));
  if (!found) throw noSchedule(name);
  const rows = await db.execute<{ run: ScheduleRun }>(sql`
    select ${RUN_JSON} as run from pdfprompt_schedule_run r
    where ${forTenant(userId)} and r.schedule_id = ${found.id}
      and r.planned_at < ${cursor ?? 'infinity'}::timestamptz
    order by r.planned_at desc, r.asked desc limit ${limit + 1}`);
  const data = rows.slice(0, limit).map(({ run }) => run);
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.plannedAt ?? null) : null };
}

import { type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Schedule } from './schedule.ts';

/** A schedule in a list over all tenants. Never its request, which may hold credentials. Times are ISO 8601 in UTC. */
export interface ListedSchedule extends Schedule {
  id: string;
  userId: string;
  email: string;
}

interface SearchInput {
  userId?: string | undefined;
  limit: number;
  /** `next` of the page before */
  cursor?: string | undefined;
}

/** JSON of a row `r` of pdfprompt_schedule_run, as its owner sees it. */
const RUN = sql`json_build_object(
  'plannedAt', pdfprompt_time_text(r.planned_at), 'asked', r.asked, 'status', r.status, 'skipped', r.skipped,
  'job', (select json_build_object('id', j.id, 'status', j.status) from pdfprompt_job j where j.id = r.job_id),
  'error', case when r.error_code is not null then json_build_object('code', r.error_code, 'message', r.error_message) end,
  'startedAt', pdfprompt_time_text(r.created_at))`;

const LAST_RUN = sql`(
  select ${RUN} from pdfprompt_schedule_run r where r.schedule_id = s.id order by r.planned_at desc, r.asked desc limit 1)`;

function listed(db: Queryable, which: SQL, limit: number): Promise<ListedSchedule[]> {
  return db.execute<ListedSchedule & Record<string, unknown>>(sql`
    select s.id, s.user_id as "userId", u.email, s.name, s.cron, s.timezone, s.missed, s.paused,
      pdfprompt_time_text(s.next_at) as "nextAt", pdfprompt_time_text(s.created_at) as "createdAt",
      pdfprompt_time_text(s.updated_at) as "updatedAt", ${LAST_RUN} as "lastRun"
    from (select * from pdfprompt_schedule s where ${which} order by s.id desc limit ${sql.raw(String(limit))}) as s
      join pdfprompt_user u on u.id = s.user_id
    order by s.id desc`);
}

/** A page of the schedules of all tenants, or of one, the newest first. */
export async function searchSchedules(
  db: Queryable,
  { userId, limit, cursor }: SearchInput,
): Promise<{ schedules: ListedSchedule[]; next: string | null }> {
  const which = sql`${userId === undefined ? sql`true` : sql`s.user_id = ${userId}`}
    and ${cursor === undefined ? sql`true` : sql`s.id < ${cursor}`}`;
  const rows = await listed(db, which, limit + 1);
  const schedules = rows.slice(0, limit);
  return { schedules, next: rows.length > limit ? (schedules.at(-1)?.id ?? null) : null };
}

/** A schedule of any tenant. @throws CodedError `not_found` */
export async function findSchedule(db: Queryable, id: string): Promise<ListedSchedule> {
  const [row] = isUuid(id) ? await listed(db, sql`s.id = ${id}`, 1) : [];
  if (!row) throw new CodedError('not_found', 'there is no such schedule');
  return row;
}

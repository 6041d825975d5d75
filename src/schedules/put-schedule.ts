import { and, eq, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { type Database, type Transaction } from '../db/pools.ts';
import { schedule, user } from '../db/schema.ts';
import { templateNameProblem } from '../domain/template-name.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { checkRequest, type CheckRequestDeps } from './check-request.ts';
import { nextTime } from './cron.ts';
import type { ScheduleFields } from './schedule.ts';

/** Of one tenant. */
const MAX_SCHEDULES = 100;

interface PutScheduleInput {
  userId: string;
  name: string;
  fields: ScheduleFields;
}

/**
 * Saves a schedule. If its times are as before, one that is due and has not been run yet is still run.
 * @throws CodedError that names what is not valid; `schedule_limit_reached`
 */
export async function putSchedule(
  deps: CheckRequestDeps & { db: Database },
  { userId, name, fields }: PutScheduleInput,
): Promise<{ isNew: boolean }> {
  const problem = templateNameProblem(name);
  if (problem !== undefined) throw invalidFields([{ field: 'name', message: problem }]);
  await checkRequest(deps, { userId, request: fields.request });
  return deps.db.transaction((tx) => save(tx, { userId, name, fields }));
}

async function save(tx: Transaction, { userId, name, fields }: PutScheduleInput): Promise<{ isNew: boolean }> {
  // One after the other, so that the count is right.
  const [owner] = await tx
    .select({ erasedAt: user.erasedAt, present: sql<string>`clock_timestamp()` })
    .from(user)
    .where(eq(user.id, userId))
    .for('no key update');
  if (!owner || owner.erasedAt) throw new CodedError('unauthenticated', 'the user is being erased');
  const { cron, timezone, missed, paused, request } = fields;
  const next = nextTime({ cron, timezone }, new Date(owner.present));
  if (!next) throw invalidFields([{ field: 'cron', message: 'there is no such time; allowed: one that comes' }]);
  const nextAt = paused ? null : next;
  const values = { cron, timezone, missed, paused, request: sql`${JSON.stringify(request)}::text::jsonb` };
  const [known] = await tx
    .select({ id: schedule.id, cron: schedule.cron, timezone: schedule.timezone, paused: schedule.paused })
    .from(schedule)
    .where(and(eq(schedule.userId, userId), eq(schedule.name, name)))
    .for('no key update');
  if (known) {
    const isAsBefore = known.cron === cron && known.timezone === timezone && known.paused === paused;
    await tx
      .update(schedule)
      .set({ ...values, ...(!isAsBefore && { nextAt }), updatedAt: sql`now()` })
      .where(eq(schedule.id, known.id));
    return { isNew: false };
  }
  if ((await tx.$count(schedule, eq(schedule.userId, userId))) >= MAX_SCHEDULES)
    throw new CodedError('schedule_limit_reached', `you have ${MAX_SCHEDULES} schedules; allowed: no more`);
  await tx.insert(schedule).values({ ...values, id: uuidv7(), userId, name, nextAt });
  return { isNew: true };
}

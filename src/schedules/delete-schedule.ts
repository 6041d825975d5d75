import { and, eq } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { schedule } from '../db/schema.ts';
import { noSchedule } from './schedule.ts';

/** Deletes a schedule and its history; its jobs stay. @throws CodedError `not_found` */
export async function deleteSchedule(db: Database, { userId, name }: { userId: string; name: string }): Promise<void> {
  const deleted = await db
    .delete(schedule)
    .where(and(eq(schedule.userId, userId), eq(schedule.name, name)))
    .returning({ id: schedule.id });
  if (deleted.length === 0) throw noSchedule(name);
}

import { desc, lt, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import { backup } from '../db/schema.ts';

/** A backup that `pdfprompt backup` has made. */
export interface MadeBackup {
  /** the time of what is in it */
  takenAt: Date;
  /** compressed */
  bytes: number;
  /** from outside of the database */
  files: number;
  /** the release that made it */
  version: string;
}

/** @returns undefined if none was made in the last year */
export async function readLastBackup(db: Queryable): Promise<MadeBackup | undefined> {
  const { takenAt, bytes, files, version } = backup;
  const [row] = await db.select({ takenAt, bytes, files, version }).from(backup).orderBy(desc(takenAt)).limit(1);
  return row;
}

/** Also forgets those of more than a year ago. */
export async function recordBackup(db: Queryable, made: MadeBackup): Promise<void> {
  await db.insert(backup).values({ id: uuidv7(), endedAt: sql`clock_timestamp()`, ...made });
  await db.delete(backup).where(lt(backup.takenAt, sql`now() - interval '1 year'`));
}

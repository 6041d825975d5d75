import { type SQL, sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Database, Queryable } from '../db/pools.ts';
import { file, fileLeft, job, unownedFile } from '../db/schema.ts';
import type { StoredAt, Stores } from '../storage/stores.ts';

/*
 * Bytes outside the database are there before the row that names them, and for a moment after it is gone. Meanwhile
 * they are in the table of unowned files:
 *
 * - Before a put there is a row with the job and the run, which the transaction that finishes the job deletes.
 *   It cannot be committed once the job is no longer processed in that run. So from then on the put is abandoned: the
 *   row loses its job, and with that the transaction, if there is one, finds no row to delete and is rolled back.
 * - A trigger adds the bytes of expired and of deleted files.
 *
 * Bytes are removed only after the commit that says so, and never inside a transaction: a store may hang.
 */

/** Files handled in one statement, and removed in one call of a store. */
const BATCH = 200;
/** Batches in one pass; the next pass continues. */
const MAX_BATCHES = 50;

/** Seconds that one process has to remove a batch, before another takes it. A call of a store may take 30. */
const LEASE_SECONDS = 120;

/** Days to wait for a process that can reach the store. */
const UNREACHED_DAYS = 30;

export interface UnownedDeps {
  db: Database;
  stores: Stores;
}

export interface UnownedFile extends StoredAt, Record<string, unknown> {
  id: string;
}

/** Abandons every put whose run is over, and removes its bytes. @returns how many puts */
export async function removeAbandonedPuts(deps: UnownedDeps): Promise<number> {
  const over = sql`not exists (select 1 from ${job} where ${job.id} = ${unownedFile.jobId}
    and ${job.status} = 'processing' and ${job.runs} = ${unownedFile.run})`;
  const abandoned = await abandonPuts(deps.db, sql`${unownedFile.jobId} is not null and ${over}`);
  await removeBytes(deps, abandoned);
  return abandoned.length;
}

/**
 * Abandons puts: no transaction can name their bytes any longer. The rows stay for a while, and the bytes are removed
 * once more at the end: a worker that hung may have put them there late.
 * @returns at most {@link BATCH}
 */
export async function abandonPuts(db: Queryable, which: SQL): Promise<UnownedFile[]> {
  return db.execute<UnownedFile>(sql`
    update ${unownedFile} set job_id = null, run = null
    where id = any (array(select ${unownedFile.id} from ${unownedFile} where ${which} limit ${BATCH} for update skip locked))
    returning id, store, location`);
}

/** Removes what is due, as far as this process can reach the stores. @returns how many files */
export async function removeUnownedFiles({ db, stores }: UnownedDeps): Promise<number> {
  await adoptLeftFiles(db);
  const unreached = new Set<string>();
  let removed = 0;
  for (let count = 0; count < MAX_BATCHES; count++) {
    const due = await lease(db, [...unreached]);
    if (due.length === 0) break;
    const failed = await removeBytes({ db, stores }, due);
    for (const each of failed) unreached.add(each.location ?? each.store);
    const done = due.filter((each) => each.isGivenUp || !failed.includes(each));
    await forget(db, done);
    const others = failed.filter((each) => !done.includes(each)).map(({ id }) => id);
    await db.execute(
      sql`update ${unownedFile} set remove_after = now() where id = any (${arrayLiteral(others)}::uuid[])`,
    );
    removed += due.length - failed.length;
  }
  return removed;
}

/** Removes the bytes of files that this process has disowned. What cannot be reached now is left to the workers. */
export async function removeDisowned(deps: UnownedDeps, files: UnownedFile[]): Promise<void> {
  const failed = await removeBytes(deps, files);
  await forget(deps.db, files.filter((each) => !failed.includes(each))); // prettier-ignore
}

/** @returns those whose store this process cannot reach */
export async function removeBytes<T extends UnownedFile>({ db, stores }: UnownedDeps, files: T[]): Promise<T[]> {
  const failed: T[] = [];
  for (const [store, its] of Map.groupBy(files, (each) => stores.of(each))) {
    try {
      if (!store) throw new Error('no such store');
      for (let at = 0; at < its.length; at += BATCH)
        await store.remove(db, its.slice(at, at + BATCH).map(({ id }) => id)); // prettier-ignore
    } catch {
      failed.push(...its);
    }
  }
  return failed;
}

/** What is due now; for other processes it is due later. @param unreached locations to leave out */
async function lease(db: Database, unreached: string[]): Promise<(UnownedFile & { isGivenUp: boolean })[]> {
  return db.execute<UnownedFile & { isGivenUp: boolean }>(sql`
    update ${unownedFile} set remove_after = now() + ${LEASE_SECONDS} * interval '1 second'
    where id = any (array(
      select id from ${unownedFile}
      where job_id is null and remove_after <= now() and coalesce(location, store) <> all (${arrayLiteral(unreached)}::text[])
      order by remove_after limit ${BATCH} for update skip locked))
    returning id, store, location, since < now() - ${UNREACHED_DAYS} * interval '1 day' as "isGivenUp"`);
}

async function forget(db: Database, files: UnownedFile[]): Promise<void> {
  if (files.length === 0) return;
  await db.execute(sql`
    delete from ${unownedFile} where job_id is null and id = any (${arrayLiteral(files.map(({ id }) => id))}::uuid[])`);
}

/** The last release has a list of its own of PDFs that it could not reach. */
async function adoptLeftFiles(db: Database): Promise<void> {
  await db.execute(sql`
    with gone as (delete from ${fileLeft} where id = any (array(
      select id from ${fileLeft} limit ${BATCH} for update skip locked)) returning id, store, left_at)
    insert into ${unownedFile} (id, store, since) select id, store, left_at from gone on conflict do nothing`);
}

/** Fills in where the files are that the last release wrote into this process's directory. @returns how many, at most a batch */
export async function locateFiles({ db, stores: { current } }: UnownedDeps): Promise<number> {
  if (current.kind !== 'file') return 0; // no other kind did the last release know outside the database
  const rows = await db.execute(sql`
    update ${file} set location = ${current.location}
    where id = any (array(
      select id from ${file} where location is null and store <> 'postgres' and expired_at is null and store = 'file'
      limit ${BATCH} for update skip locked))
    returning 1`);
  return rows.length;
}

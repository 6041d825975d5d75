import { type SQL, sql } from 'drizzle-orm';
import { NIL as NO_FILE } from 'uuid';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Database, Queryable } from '../db/pools.ts';
import { file, fileLeft, job, unownedFile } from '../db/schema.ts';
import type { Store } from '../storage/store.ts';
import type { StoredAt, Stores } from '../storage/stores.ts';
import type { Events } from '../telemetry/events.ts';

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

/** Seconds until a file is tried again that its store did not remove, though it removes others. */
const STUCK_SECONDS = 600;
/** After so many of them in a row a store is left alone until the next pass. */
const MOST_STUCK = 10;

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

/**
 * Removes what is due, as far as this process can reach the stores. The first failure of each is reported.
 * @returns how many files
 */
export async function removeUnownedFiles({
  db,
  stores,
  events,
}: UnownedDeps & { events: Pick<Events, 'backgroundFailed'> }): Promise<number> {
  await adoptLeftFiles(db);
  const unreached = new Set<string>();
  const reported = new Set<Store>();
  let removed = 0;
  for (let count = 0; count < MAX_BATCHES; count++) {
    const due = await lease(db, [...unreached]);
    if (due.length === 0) break;
    for (const [store, its] of Map.groupBy(due, (each) => stores.of(each))) {
      const { stuck, left, failure }: Removal = store ? await removeFrom(store, db, its) : { stuck: [], left: its };
      for (const each of left) unreached.add(each.location ?? each.store);
      const kept = new Set([...stuck, ...left]);
      await forget(db, its.filter((each) => each.isGivenUp || !kept.has(each))); // prettier-ignore
      await postpone(db, left, 0);
      await postpone(db, stuck, STUCK_SECONDS);
      removed += its.length - kept.size;
      if (!store || failure === undefined || reported.has(store)) continue;
      reported.add(store);
      events.backgroundFailed(`removing PDFs from ${store.location}`, failure);
    }
  }
  return removed;
}

interface Removal {
  /** the store does not remove them, though it removes others */
  stuck: LeasedFile[];
  /** not removed, because the store cannot be reached, or not yet */
  left: LeasedFile[];
  /** the first */
  failure?: unknown;
}

/** Removes files together, and if that fails one by one: a file that cannot be removed costs only itself. */
async function removeFrom(store: Store, db: Database, files: LeasedFile[]): Promise<Removal> {
  const latest = performance.now() + LEASE_SECONDS * 1_000;
  const failureOf = (ids: string[]) =>
    store.remove(db, ids).then(
      () => undefined,
      (error: unknown) => error,
    );
  // Where not even a file can be removed that is not there, no other one is to blame.
  const isReached = async () => (await failureOf([NO_FILE])) === undefined;

  const together = await failureOf(files.map(({ id }) => id));
  if (together === undefined) return { stuck: [], left: [] };
  if (!(await isReached())) return { stuck: [], left: files, failure: together };
  const stuck: LeasedFile[] = [];
  let failure: Error | undefined;
  let inARow = 0;
  for (const [at, each] of files.entries()) {
    const rest = files.slice(at);
    if (inARow === MOST_STUCK || performance.now() > latest) return { stuck, left: rest, failure: failure ?? together };
    const cause = await failureOf([each.id]);
    inARow = cause === undefined ? 0 : inARow + 1;
    if (cause === undefined) continue;
    failure ??= new Error(`the PDF ${each.id} cannot be removed`, { cause });
    if (!(await isReached())) return { stuck, left: rest, failure };
    stuck.push(each);
  }
  return { stuck, left: [], failure };
}

/** Removes the bytes of files that this process has disowned. What cannot be reached now is left to the workers. */
export async function removeDisowned(deps: UnownedDeps, files: UnownedFile[]): Promise<void> {
  const failed = await removeBytes(deps, files);
  await forget(deps.db, files.filter((each) => !failed.includes(each))); // prettier-ignore
}

/** @returns those of every store that failed, or that this process cannot reach: their rows stay */
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

interface LeasedFile extends UnownedFile {
  /** it has waited long enough */
  isGivenUp: boolean;
}

/** What is due now; for other processes it is due later. @param unreached locations to leave out */
async function lease(db: Database, unreached: string[]): Promise<LeasedFile[]> {
  return db.execute<LeasedFile>(sql`
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

async function postpone(db: Database, files: UnownedFile[], seconds: number): Promise<void> {
  if (files.length === 0) return;
  await db.execute(sql`
    update ${unownedFile} set remove_after = now() + ${seconds} * interval '1 second'
    where id = any (${arrayLiteral(files.map(({ id }) => id))}::uuid[])`);
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

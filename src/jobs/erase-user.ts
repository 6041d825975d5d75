import { setTimeout as sleep } from 'node:timers/promises';
import { type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import { z } from 'zod';
import { arrayLiteral } from '../db/array-literal.ts';
import { notifySql } from '../db/notifier.ts';
import type { Database, Queryable, Transaction } from '../db/pools.ts';
import { checkInput } from '../domain/check-input.ts';
import { emailSchema } from '../domain/email.ts';
import { isFinal, type JobStatus } from '../domain/job.ts';
import { CodedError } from '../kernel/errors.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Stores } from '../storage/stores.ts';
import { retryAfterDeadlock } from './retry-after-deadlock.ts';
import { abandonPuts, removeBytes, removeDisowned, type UnownedFile } from './unowned-files.ts';

/** Jobs in one transaction, so that it holds its locks only briefly. */
const BATCH = 200;

/** Milliseconds until the next pass over jobs that were locked, as by a worker that writes a result. */
const AGAIN_MS = 50;

/** Seconds after which an erasure that was begun is taken for interrupted. */
const SETTLED_SECONDS = 60;

export interface EraseDeps {
  db: Database;
  queue: JobQueue;
  stores: Stores;
}

export interface ErasedUser {
  id: string;
  /** jobs erased by this call */
  jobs: number;
  /** false: the time was not enough; the workers erase the rest */
  isDone: boolean;
}

/**
 * Erases a user with their keys, sessions, webhooks, jobs, PDFs and places in the queue. After the first transaction no
 * key is valid, no job that ends is reported to a webhook, and no schedule runs. Jobs accepted before it are erased too, even while they are rendered. Usage is kept only as sums over all erased users. If
 * the process stops, any worker continues.
 * @param withinMs milliseconds after which the rest is left to the workers
 * @throws CodedError `not_found`; `invalid_request` if the email is not valid
 */
export async function eraseUser(
  deps: EraseDeps,
  which: { id: string } | { email: string },
  { withinMs = Infinity } = {},
): Promise<ErasedUser> {
  const id = await beginErasing(deps.db, which);
  return { id, ...(await eraseAll(deps, id, performance.now() + withinMs)) };
}

/** Continues interrupted erasures. @returns the users erased */
export async function finishErasing(deps: EraseDeps, { settledSeconds = SETTLED_SECONDS } = {}): Promise<ErasedUser[]> {
  const users = await deps.db.execute<{ id: string }>(sql`
    select id from pdfprompt_user
    where erased_at is not null and erased_at < now() - ${settledSeconds} * interval '1 second'
    order by erased_at limit 10`);
  const erased: ErasedUser[] = [];
  for (const { id } of users) erased.push({ id, ...(await eraseAll(deps, id, Infinity)) });
  return erased;
}

/** Marks the user as erased and frees the email at once. */
async function beginErasing(db: Database, which: { id: string } | { email: string }): Promise<string> {
  const { email } = 'email' in which ? checkInput(z.object({ email: emailSchema }), which) : {};
  const id = 'id' in which && isUuid(which.id) ? which.id : null;
  return db.transaction(async (tx) => {
    const [row] = await tx.execute<{ id: string; email: string }>(sql`
      select id, email from pdfprompt_user where id = ${id}::uuid or email = ${email ?? null}::text for update`);
    if (!row) {
      const name = 'id' in which ? which.id.slice(0, 100) : email;
      throw new CodedError('not_found', `there is no user ${name}`);
    }
    await tx.execute(sql`
      update pdfprompt_user set erased_at = coalesce(erased_at, now()), email = id || '@erased.invalid'
      where id = ${row.id}`);
    await deleteKeys(tx, row.id);
    await deleteActions(tx, row);
    await tx.execute(
      sql`update pdfprompt_webhook set deleted_at = now() where user_id = ${row.id} and deleted_at is null`,
    );
    return row.id;
  });
}

/** A trigger notifies every process; the console's sessions are deleted by cascade. */
async function deleteKeys(tx: Transaction, userId: string): Promise<void> {
  await tx.execute(sql`delete from pdfprompt_api_key where user_id = ${userId}`);
}

/** Ended actions on many jobs whose filter names the user. A running one is deleted some time after its end. */
async function deleteActions(tx: Transaction, { id, email }: { id: string; email: string }): Promise<void> {
  await tx.execute(sql`
    delete from pdfprompt_bulk_action
    where ended_at is not null and (lower(filter ->> 'user') = ${id} or starts_with(${email}, filter ->> 'email'))`);
}

async function eraseAll(deps: EraseDeps, userId: string, until: number): Promise<Omit<ErasedUser, 'id'>> {
  // Not while the user is locked: what runs a schedule locks that first, and then the user.
  await deps.db.execute(sql`update pdfprompt_schedule set paused = true, next_at = null where user_id = ${userId}`);
  for (let jobs = 0; ; await sleep(AGAIN_MS)) {
    // First of all, so that none is ended and reported by its last items.
    if (!(await eraseBatches(deps.db, userId, until))) return { jobs, isDone: false };
    // Queued and running jobs first, to save their rendering.
    for (const isUnderWay of [true, false]) {
      for (let batch: Batch | undefined; !batch || batch.last !== undefined;) {
        if (performance.now() > until) return { jobs, isDone: false };
        const after = batch?.last;
        batch = await retryAfterDeadlock(() => eraseBatch(deps, { userId, isUnderWay, after }));
        jobs += batch.count;
      }
    }
    if (await hasJobs(deps.db, userId)) continue; // locked, as by a worker that writes a result: they name files
    if (!(await eraseFiles(deps, userId, until))) return { jobs, isDone: false };
    if (await eraseRow(deps.db, userId)) return { jobs, isDone: true };
  }
}

/** @returns false: the time is over */
async function eraseBatches(db: Database, userId: string, until: number): Promise<boolean> {
  for (let count = BATCH; count === BATCH;) {
    if (performance.now() > until) return false;
    const rows = await retryAfterDeadlock(() =>
      db.execute(sql`
        delete from pdfprompt_batch where id = any (array(
          select id from pdfprompt_batch where user_id = ${userId} order by id limit ${BATCH}))
        returning 1`),
    );
    count = rows.length;
  }
  return true;
}

interface Batch {
  count: number;
  /** the id of its last job; undefined: this was the last batch */
  last: string | undefined;
}

interface ErasedJob extends Record<string, unknown> {
  id: string;
  status: JobStatus;
}

async function eraseBatch(
  { db, queue, stores }: EraseDeps,
  { userId, isUnderWay, after }: { userId: string; isUnderWay: boolean; after: string | undefined },
): Promise<Batch> {
  const { count, last, files, puts } = await db.transaction(async (tx) => {
    await deleteKeys(tx, userId); // one may have been created while the first transaction deleted them
    const which = isUnderWay ? sql`and status in ('scheduled', 'queued', 'processing')` : sql``;
    const jobs = await tx.execute<ErasedJob>(sql`
      select id, status from pdfprompt_job
      where user_id = ${userId} and id > ${after ?? '00000000-0000-0000-0000-000000000000'} ${which}
      order by id limit ${BATCH} for update skip locked`);
    if (jobs.length === 0) return { count: 0, last: undefined, files: [], puts: [] };
    const ids = jobs.map(({ id }) => id);
    const idArray = arrayLiteral(ids);
    // Not by `expired_at` as well: the planner might read all files that are kept.
    const kept = await tx.execute<UnownedFile & { isExpired: boolean }>(sql`
      select id, store, location, expired_at is not null as "isExpired"
      from pdfprompt_file where job_id = any (${idArray}::uuid[])`);
    await queue.forget(tx, ids);
    await tx.execute(sql`delete from pdfprompt_job where id = any (${idArray}::uuid[])`);
    const ended = jobs.filter(({ status }) => !isFinal(status)).map(({ id }) => id);
    await tx.execute(sql`select ${notifySql('ended', sql`id`)} from unnest(${arrayLiteral(ended)}::text[]) as id`);
    return {
      count: jobs.length,
      last: jobs.length < BATCH ? undefined : jobs.at(-1)?.id,
      files: kept.filter((each) => !each.isExpired && stores.of(each)?.isInDatabase !== true), // those in the database are gone
      puts: await abandonPuts(tx, sql`job_id = any (${idArray}::uuid[])`),
    };
  });
  await removeDisowned({ db, stores }, files);
  await removeBytes({ db, stores }, puts);
  return { count, last };
}

async function hasJobs(db: Queryable, userId: string): Promise<boolean> {
  return (await db.execute(sql`select 1 from pdfprompt_job where user_id = ${userId} limit 1`)).length > 0;
}

/** Deletes schedules, webhooks, templates, and then the files of documents with their bytes. @returns false: the time is over */
async function eraseFiles({ db, stores }: EraseDeps, userId: string, until: number): Promise<boolean> {
  const inBatches = async (batch: () => Promise<number>) => {
    for (let count = BATCH; count === BATCH;) {
      if (performance.now() > until) return false;
      count = await batch();
    }
    return true;
  };
  const which = (table: SQL) =>
    sql`${table} where id = any (array(select id from ${table} where user_id = ${userId} limit ${BATCH}))`;
  const deleted = (rest: SQL) => async () => (await db.execute(sql`delete from ${rest} returning 1`)).length;
  const areOthersGone =
    // Their tests, and the ends of batches; everything else that was sent there has gone with its job.
    (await inBatches(
      deleted(sql`pdfprompt_delivery where id = any (array(
        select d.id from pdfprompt_webhook w join pdfprompt_delivery d on d.webhook_id = w.id
        where w.user_id = ${userId} limit ${BATCH}))`),
    )) &&
    // Their runs by cascade.
    (await inBatches(deleted(which(sql`pdfprompt_schedule`)))) &&
    (await inBatches(deleted(which(sql`pdfprompt_webhook`)))) &&
    (await inBatches(deleted(which(sql`pdfprompt_template`))));
  if (!areOthersGone) return false;
  return inBatches(async () => {
    const rows = await db.execute<UnownedFile>(
      sql`delete from ${which(sql`pdfprompt_asset`)} returning id, store, location`,
    );
    await removeDisowned({ db, stores }, rows.filter((each) => stores.of(each)?.isInDatabase !== true)); // prettier-ignore
    return rows.length;
  });
}

/**
 * Deletes the user's row, with the rows that refer to it. The lock on it keeps new jobs out.
 * @returns false if there still are jobs: accepted meanwhile, or locked before
 */
async function eraseRow(db: Database, userId: string): Promise<boolean> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select 1 from pdfprompt_user where id = ${userId} for update`);
    if (await hasJobs(tx, userId)) return false; // not under this lock: the worker of a job may be waiting for it
    await tx.execute(sql`
      with charged as (delete from pdfprompt_usage_history where user_id = ${userId} returning day, completed, pages, bytes)
      insert into pdfprompt_usage_erased as sum select day, completed, pages, bytes from charged
      on conflict (day) do update set completed = sum.completed + excluded.completed,
        pages = sum.pages + excluded.pages, bytes = sum.bytes + excluded.bytes`);
    await tx.execute(sql`delete from pdfprompt_user where id = ${userId}`);
    return true;
  });
}

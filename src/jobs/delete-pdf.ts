import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import { notify } from '../db/notifier.ts';
import type { Database, Transaction } from '../db/pools.ts';
import { delivery, file, job, part } from '../db/schema.ts';
import { isFinal } from '../domain/job.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Stores } from '../storage/stores.ts';
import type { Events } from '../telemetry/events.ts';
import { notReady } from './read.ts';
import { REDACTED_REQUEST, WITHOUT_DOCUMENT } from './redacted-request.ts';
import { retryAfterDeadlock } from './retry-after-deadlock.ts';
import { removeDisowned, type UnownedFile } from './unowned-files.ts';

interface DeletePdfDeps {
  db: Database;
  stores: Stores;
  events: Pick<Events, 'pdfDeleted'>;
}

interface DeletePdfInput {
  /** the job's owner */
  userId: string;
  jobId: string;
  requestId?: string | undefined;
  traceId?: string | undefined;
}

/**
 * Deletes all files of a job that has ended before their time: it answers 410 from now on, and so do its links. What is shown
 * of its source is erased too, the document that is kept of one that failed or was cancelled, and what allowed its upload. Usage stays. The same again changes nothing. Bytes that a store
 * does not remove now are removed later by a worker.
 * @returns how many files there still were
 * @throws CodedError `not_found`, for another tenant's job too; `job_not_ready` if the job has not ended
 */
export async function deletePdf({ db, stores, events }: DeletePdfDeps, input: DeletePdfInput): Promise<number> {
  const { userId, jobId } = input;
  // Who ends a delivery locks the reports of an upload in an order of its own.
  const files = await retryAfterDeadlock(() =>
    db.transaction(async (tx) => {
      await eraseShown(tx, { userId, jobId });
      // The job's files first: before ANALYZE, Postgres would go through all files that are kept.
      const gone: UnownedFile[] = await tx
        .update(file)
        .set({ expiredAt: sql`now()` })
        .where(
          and(
            sql`${file.id} = any (array(select f.id from pdfprompt_file f where f.job_id = ${jobId}))`,
            isNull(file.expiredAt),
          ),
        )
        .returning({ id: file.id, store: file.store, location: file.location });
      for (const [store, its] of Map.groupBy(gone, (each) => stores.of(each)))
      if (store?.isInDatabase) await store.remove(tx, its.map(({ id }) => id)); // prettier-ignore
      await forgetUploads(tx, [jobId]);
      await notify(tx, 'ended', jobId); // every process forgets what it knows of the job
      return gone;
    }),
  );
  // After the commit: a store may hang.
  await removeDisowned({ db, stores }, files.filter((each) => stores.of(each)?.isInDatabase !== true)); // prettier-ignore
  events.pdfDeleted({ ...input, files: files.length });
  return files.length;
}

/** @throws CodedError */
async function eraseShown(tx: Transaction, { userId, jobId }: { userId: string; jobId: string }): Promise<void> {
  const own = and(eq(job.id, jobId), eq(job.userId, userId));
  const [row] = isUuid(jobId)
    ? await tx.select({ status: job.status, keepsParts: job.keepsParts }).from(job).where(own).for('no key update')
    : [];
  if (!row) throw new CodedError('not_found', 'there is no such job');
  if (!isFinal(row.status)) throw notReady(row.status);
  // As an expiry does.
  await tx.update(job).set({ html: null, url: null, keepsParts: false, request: REDACTED_REQUEST }).where(own);
  if (row.keepsParts)
    await tx.execute(sql`update ${part} set ${WITHOUT_DOCUMENT}, shown = null where job_id = ${jobId}`);
}

/** Erases what allowed uploads that have ended, and their reports. */
export async function forgetUploads(tx: Transaction, jobIds: readonly string[]): Promise<void> {
  await tx
    .update(delivery)
    .set({ headers: null, url: sql`split_part(url, '?', 1)` })
    .where(
      and(
        inArray(delivery.jobId, [...jobIds]),
        sql`kind <> 'webhook' and (headers is not null or position('?' in url) > 0) and ended_at is not null`,
      ),
    );
}

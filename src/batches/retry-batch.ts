import { sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import { allowances, limitsOf, LimitReached, type TierUse } from '../accounts/limits.ts';
import { postgresErrorOf } from '../db/pools.ts';
import { traceIdOf } from '../domain/trace-context.ts';
import type { SubmitDeps, SubmitInput } from '../jobs/submit.ts';
import { CodedError } from '../kernel/errors.ts';
import { batchRefusalOf } from './batch-refusals.ts';
import { getBatch } from './read-batch.ts';
import type { SubmittedBatch } from './submit-batch.ts';

interface RetryBatchInput extends Pick<SubmitInput, 'principal' | 'requestId' | 'traceparent'> {
  batchId: string;
}

/** Items that are made in one statement. */
const PIECE = 2_000;

/** Errors of `pdfprompt_reopen_batch` in the database. */
const NO_BATCH = 'PDF13';
const NOT_ENDED = 'PDF11';
const NOTHING = 'PDF12';

type Reopened = TierUse & { total: number };

/**
 * Does again what failed or was cancelled of a batch that has ended, by new jobs in the places of the old ones; or merges
 * it again, if only that failed. It counts towards the limits like so many items. Of several at a time one is done.
 * @throws CodedError `not_found`, for another tenant's batch too; `batch_not_retryable` if it has not ended, or nothing of
 *   it can be done again
 * @throws LimitReached
 */
export async function retryBatch(deps: SubmitDeps, input: RetryBatchInput): Promise<SubmittedBatch> {
  const { batchId, principal, requestId, traceparent } = input;
  const { userId, tier } = principal;
  const about = { userId, tier: tier.name, requestId, traceId: traceIdOf(traceparent) };
  if (!isUuid(batchId)) throw notFound();
  try {
    const reopened = await deps.db.transaction(async (tx) => {
      const [row] = await tx.execute<Reopened>(sql`
        select * from pdfprompt_reopen_batch(id => ${batchId}, user_id => ${userId},
          request_id => ${requestId ?? null}, traceparent => ${traceparent ?? null})`);
      if (!row) throw new Error('the database returned no row for a function that returns one');
      for (let done = 0; done < row.total;) {
        const [piece] = await tx.execute<{ made: number }>(
          sql`select pdfprompt_retry_items(${batchId}, ${done}, ${PIECE}) as made`,
        );
        if (!piece?.made) throw notRetryable('documents of its items were deleted just now, as they are kept no longer; try again'); // prettier-ignore
        done += piece.made;
      }
      return row;
    });
    deps.events.bulk.batchRetried({ batchId, ...about, items: reopened.total });
    const batch = await getBatch(deps.reads, { userId, batchId });
    return { batch, created: true, allowances: allowances(limitsOf(reopened), reopened) };
  } catch (error) {
    const { code, message = '' } = postgresErrorOf(error) ?? {};
    if (code === NO_BATCH) throw notFound();
    if (code === NOT_ENDED) throw notRetryable(`${message}; allowed: one that has ended`);
    if (code === NOTHING)
      throw notRetryable('no item of the batch failed or was cancelled, or their documents are no longer kept');
    const items = async () => {
      const { failed, cancelled } = (await getBatch(deps.reads, { userId, batchId })).items;
      return failed + cancelled;
    };
    const reached = (await batchRefusalOf(error, { limiter: deps.limiter, userId, items })) ?? error;
    if (reached instanceof LimitReached) deps.events.rateLimited({ ...about, limit: reached.limit });
    throw reached;
  }
}

const notFound = () => new CodedError('not_found', 'there is no such batch');
const notRetryable = (message: string) => new CodedError('batch_not_retryable', message);

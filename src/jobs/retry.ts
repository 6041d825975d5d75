import { and, eq } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import { job } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { parsePdfRequest } from '../domain/pdf-request.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { storedRequest } from './stored-request.ts';
import { type SubmitDeps, submitJob, type SubmitInput, type Submitted } from './submit.ts';

interface RetryInput extends Omit<SubmitInput, 'request'> {
  jobId: string;
}

/**
 * Asks again for what did not become a PDF: a new job with the same request, which is counted and limited
 * as any other. The old one stays as it is.
 * @throws CodedError `not_found`, for another's job too; `job_not_retryable` unless it failed or was
 *   cancelled and its document is still kept; and what submitting throws
 */
export async function retryJob(deps: SubmitDeps, { jobId, ...input }: RetryInput): Promise<Submitted> {
  const { userId } = input.principal;
  const [row] = isUuid(jobId)
    ? await deps.reads
        .select({
          status: job.status,
          request: job.request,
          html: job.html,
          url: job.url,
          filename: job.filename,
          metadata: job.metadata,
        })
        .from(job)
        .where(and(forTenant(userId), eq(job.id, jobId), eq(job.userId, userId)))
    : [];
  if (!row) throw new CodedError('not_found', 'there is no such job');
  if (row.status !== 'failed' && row.status !== 'cancelled')
    throw new CodedError('job_not_retryable', `the job is ${row.status}; allowed: a job that failed or was cancelled`);
  if (row.html === null && row.url === null)
    throw new CodedError('job_not_retryable', "the job's document is no longer kept; submit it again");
  // It may have been stored by an older version: checked again, it has every default of this one.
  const parsed = parsePdfRequest(storedRequest(row));
  if (!parsed.ok)
    throw new CodedError(
      'job_not_retryable',
      `the job's request is no longer valid: ${invalidFields(parsed.fields).message}`,
    );
  return submitJob(deps, { ...input, request: parsed.request });
}

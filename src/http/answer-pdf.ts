import { rateLimitHeaders } from '../accounts/limits.ts';
import { isFinal } from '../domain/job.ts';
import type { Submitted } from '../jobs/submit.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { jobAnswer } from './job-answer.ts';
import type { AppContext, AppDeps } from './route.ts';
import { sendByAccept } from './send-by-accept.ts';

export const DEFAULT_WAIT_SECONDS = 30;
export const MAX_WAIT_SECONDS = 300;

/**
 * Waits for a submitted job, and answers with its PDF, or all files as a zip; 202 if it takes longer than `Prefer: wait=N`.
 * @throws CodedError the job's own if it failed
 */
export async function answerPdf(
  c: AppContext,
  deps: AppDeps,
  { job: submitted, allowances }: Submitted,
  waitMs: number,
): Promise<Response> {
  const { userId } = c.var.principal;
  const { id } = submitted;
  const read = () => c.var.underWay.reading(userId, () => deps.jobs.get({ userId, jobId: id }));
  const job = await deps.waiters.waitFor(id, waitMs, c.req.raw.signal, read, (value) => isFinal(value.status));
  const headers = { 'X-Job-Id': id, ...rateLimitHeaders(allowances) };
  if (job.status === 'completed') {
    const response = await sendByAccept(c, deps, { userId, jobId: id, disposition: 'attachment' });
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    return response;
  }
  if (job.status === 'failed')
    throw new CodedError(job.error?.code ?? 'job_failed', `${job.error?.message ?? 'the job failed'} (job ${id})`, { headers }); // prettier-ignore
  if (job.status === 'cancelled') throw new CodedError('job_failed', `the job was cancelled (job ${id})`, { headers });
  return c.json(jobAnswer(job, deps.stores), 202, { ...headers, Location: `/v1/jobs/${id}` });
}

/** Milliseconds of `Prefer: wait=N`. @throws CodedError `invalid_request` */
export function waitMsOf(prefer: string | undefined): number {
  const wait = /(?:^|[,;\s])wait\s*=\s*"?([^",;\s]*)/i.exec(prefer ?? '')?.[1];
  if (wait === undefined) return DEFAULT_WAIT_SECONDS * 1000;
  const seconds = /^\d{1,6}$/.test(wait) ? Number(wait) : Number.NaN;
  if (!(seconds <= MAX_WAIT_SECONDS))
    throw invalidFields([{ field: 'Prefer', message: `allowed: wait=0 to wait=${MAX_WAIT_SECONDS}, in seconds` }]);
  return seconds * 1000;
}

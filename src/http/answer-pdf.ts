import { rateLimitHeaders } from '../accounts/limits.ts';
import { isFinal } from '../domain/job.ts';
import { getJobFile } from '../jobs/read.ts';
import type { Submitted } from '../jobs/submit.ts';
import type { Ends } from '../jobs/waiters.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { jobAnswer } from './job-answer.ts';
import type { AppContext, AppDeps } from './route.ts';
import { prefersZip, sendByAccept } from './send-by-accept.ts';

export const DEFAULT_WAIT_SECONDS = 30;
export const MAX_WAIT_SECONDS = 300;

interface Wait {
  waitMs: number;
  /** heard of since before the job was submitted */
  ends?: Ends;
}

/**
 * Waits for a submitted job, and answers with its PDF, or all files as a zip; 202 if it takes longer than `Prefer: wait=N`.
 * @throws CodedError the job's own if it failed
 */
export async function answerPdf(
  c: AppContext,
  deps: AppDeps,
  { job: submitted, allowances }: Submitted,
  { waitMs, ends }: Wait,
): Promise<Response> {
  const { userId } = c.var.principal;
  const { id } = submitted;
  const which = { userId, jobId: id };
  const isZip = prefersZip(c);
  /** Of a completed job only its file is read, and a small one's bytes with it. */
  const read = () =>
    c.var.underWay.reading(userId, async () => {
      const file = isZip
        ? undefined
        : await getJobFile(deps.reads, { ...which, position: 0, isSent: true }).catch(unlessReady);
      return file ? { file } : { job: await deps.jobs.get(which) };
    });
  const isDone = (seen: Awaited<ReturnType<typeof read>>) => 'file' in seen || isFinal(seen.job.status);
  const early = ends?.jobId === id ? ends : undefined; // an earlier request may have made the job
  const seen = await deps.waiters.waitFor(id, waitMs, c.req.raw.signal, read, isDone, early);
  const headers = { 'X-Job-Id': id, ...rateLimitHeaders(allowances) };
  const { file, job } = { file: undefined, job: undefined, ...seen };
  if (file || job?.status === 'completed') {
    const response = await sendByAccept(c, deps, { ...which, file, disposition: 'attachment' });
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    return response;
  }
  if (job.status === 'failed')
    throw new CodedError(job.error?.code ?? 'job_failed', `${job.error?.message ?? 'the job failed'} (job ${id})`, { headers }); // prettier-ignore
  if (job.status === 'cancelled') throw new CodedError('job_failed', `the job was cancelled (job ${id})`, { headers });
  return c.json(jobAnswer(job, deps.stores), 202, { ...headers, Location: `/v1/jobs/${id}` });
}

/** @throws CodedError but that the job has not ended, or not well */
function unlessReady(error: unknown): undefined {
  if (!(error instanceof CodedError && error.code === 'job_not_ready')) throw error;
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

import { setTimeout as sleep } from 'node:timers/promises';
import type { Conversion } from '../../compat/conversion.ts';
import { isDatabaseUnavailable } from '../../db/pools.ts';
import { type FieldNames, messageWithNames, nameOfField } from '../../domain/field-names.ts';
import { isFinal, type Job } from '../../domain/job.ts';
import { parsePdfRequest, requestFiles } from '../../domain/pdf-request.ts';
import { cancelJob } from '../../jobs/cancel.ts';
import { submitJob, type Submitted } from '../../jobs/submit.ts';
import { CodedError, type FieldProblem, invalidFields } from '../../kernel/errors.ts';
import { putRequestFiles, withUploaded } from '../request-files.ts';
import { aboutOf, type AppContext, type AppDeps } from '../route.ts';
import { admit, idempotencyKeyOf, submitFrom } from '../routes/submit-job.ts';
import { type FormFile, toUpload } from './receive-form.ts';

/**
 * Submits a translated request as a job.
 * @throws CodedError as `POST /v1/jobs`, with the fields named as the caller names them
 */
export async function submitConversion(c: AppContext, deps: AppDeps, conversion: Conversion): Promise<Submitted> {
  const { underWay, principal } = c.var;
  const { userId } = principal;
  const { request, files: named = {}, fields = {}, sameAs } = conversion;
  await admit(c, deps);
  const uploads = Object.entries(named).map(([path, file]) => toUpload(file as FormFile, path));
  const parsed = parsePdfRequest(withUploaded(request, uploads));
  if (!parsed.ok) throw invalidFields(parsed.fields.map((problem) => renamed(problem, fields)));
  const files = await putRequestFiles(underWay, deps, { userId, files: requestFiles(parsed.request), uploads });
  const sent = sameAs ?? parsed.sent;
  return underWay.writing(userId, () =>
    submitFrom(c, (input) => submitJob(deps, { ...input, ...parsed, sent, files })),
  );
}

/** A problem of a field of ours, named as the caller names it. */
const renamed = (problem: FieldProblem, fields: FieldNames) => ({
  ...problem,
  field: nameOfField(problem.field, fields),
});

/** Milliseconds between two looks at a job while the service stops. */
const STOPPING_MS = 250;

/** A request took longer than its limit. */
export class TookTooLong extends CodedError {
  constructor(jobId: string, ms: number) {
    super('unavailable', `the request took longer than its limit of ${ms / 1_000} s (job ${jobId})`, {
      retryAfterSeconds: 1,
    });
  }
}

/**
 * Waits until a submitted job has ended; an outage of the database meanwhile is waited through. If that takes too long, or
 * the caller hangs up, the job is cancelled, as nobody will ask for its result; one with an `Idempotency-Key` continues,
 * as the same request may come again.
 * @param ms milliseconds, at most
 * @param fields what the caller calls fields of the request; for messages
 * @returns the completed job
 * @throws CodedError the job's own if it failed; TookTooLong if it has not ended
 */
export async function waitForResult(
  c: AppContext,
  deps: AppDeps,
  { job }: Submitted,
  ms: number,
  fields: FieldNames = {},
): Promise<Job> {
  const { userId } = c.var.principal;
  const { id: jobId } = job;
  const read = () => c.var.underWay.reading(userId, () => deps.jobs.get({ userId, jobId }));
  const readOrWait = () =>
    read().catch((error: unknown) => {
      if (isDatabaseUnavailable(error)) return job; // the notifier wakes those who wait when it is back
      throw error;
    });
  const { signal } = c.req.raw;
  const until = performance.now() + ms;
  let seen = await deps.waiters.waitFor(jobId, ms, signal, readOrWait, ({ status }) => isFinal(status));
  // When the service stops, nothing wakes a request any more. It may still be answered within the time of the stop.
  while (!isFinal(seen.status) && !signal.aborted && performance.now() < until) {
    await sleep(STOPPING_MS, undefined, { signal }).catch(() => undefined);
    seen = await readOrWait();
  }
  if (isFinal(seen.status)) return resultOf(seen, fields);
  if (idempotencyKeyOf(c) === undefined) {
    await cancelJob(deps, { ...aboutOf(c), userId, jobId });
    const last = await read();
    if (last.status !== 'cancelled' && isFinal(last.status)) return resultOf(last, fields); // it was faster
  }
  if (signal.aborted) throw new CodedError('client_closed_request', `the caller hung up (job ${jobId})`);
  throw new TookTooLong(jobId, ms);
}

/** @throws CodedError of a job that has made nothing */
function resultOf(job: Job, fields: FieldNames): Job {
  const { id, status, error } = job;
  if (status === 'completed') return job;
  if (status === 'cancelled') throw new CodedError('job_failed', `the job was cancelled (job ${id})`);
  throw new CodedError(error?.code ?? 'job_failed', messageWithNames(error?.message ?? 'the job failed', fields));
}

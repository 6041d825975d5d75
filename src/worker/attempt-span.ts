import { traceIdOf } from '../domain/trace-context.ts';
import type { ClaimedJob } from '../jobs/claim.ts';
import type { AttemptAbout } from '../telemetry/about.ts';
import type { Span } from '../telemetry/span.ts';
import type { Tracing } from '../telemetry/tracing.ts';

/** When jobs were claimed, by `performance.now()`. */
export interface ClaimTime {
  from: number;
  until: number;
}

/** What the log says of an attempt. */
export function aboutOf(
  { id, userId, tier, requestId, batch, attempt, run, waitedMs }: ClaimedJob,
  span: Span,
): AttemptAbout {
  const traceId = traceIdOf(span.traceparent);
  const of = batch && { batchId: batch.id, row: batch.row };
  return { jobId: id, userId, tier, requestId, traceId, ...of, attempt, run, waitedMs };
}

/** The span of an attempt, in the trace of the request that made the job. For the first run also the span of the wait. */
export function beginSpan(tracing: Tracing, job: ClaimedJob, { from, until }: ClaimTime): Span {
  const { id, userId, tier, requestId, traceparent, attempt, run, waitedMs } = job;
  const attributes = {
    'pdfprompt.job.id': id,
    'pdfprompt.user.id': userId,
    'pdfprompt.tier': tier,
    'pdfprompt.request.id': requestId,
    'pdfprompt.attempt': attempt,
    'pdfprompt.run': run,
  };
  const span = tracing.begin('job', { kind: 'consumer', parent: traceparent, startedAt: from, attributes });
  // It ended by our clock, and lasted by the database's. Without a trace of the request it is in the attempt's.
  if (run === 1)
    tracing
      .begin('queue.wait', { parent: traceparent ?? span.traceparent, startedAt: from - waitedMs })
      .end({ at: from });
  span.child('claim', from).end({ at: until });
  return span;
}

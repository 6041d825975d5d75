import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { messageWithNames } from '../domain/field-names.ts';
import type { EndedJob } from '../domain/job-event.ts';
import { fillReport, type ReportValues, statusOfReport } from '../domain/report.ts';
import type { ClaimedDelivery } from './claim.ts';
import type { PreparedRequest } from './prepared-request.ts';

interface ReportDeps {
  db: Database;
  /** milliseconds that a receiver has to answer */
  webhookMs: number;
}

type Reported = Pick<ClaimedDelivery, 'id' | 'reportOn' | 'options' | 'claimedAt'>;

/** The message that says how an upload has ended: with the end that is reported, whatever became of it since. */
export async function reportRequest(
  { db, webhookMs }: ReportDeps,
  { id, reportOn, options, claimedAt }: Reported,
  job: EndedJob,
): Promise<PreparedRequest> {
  const { method = 'POST', body, statuses, fields = {} } = options;
  const [upload] = await db.execute<{ ended_at: string | null; error: string | null }>(sql`
    select to_json(r.upload_ended_at) #>> '{}' as ended_at, coalesce(a.error, 'it answered ' || a.status) as error
    from pdfprompt_delivery r left join pdfprompt_delivery_attempt a on a.delivery_id = r.after and a.number = r.upload_attempt
    where r.id = ${id}`);
  const error = reportOn === 'delivered' ? undefined : (errorOf(job) ?? uploadFailed(upload?.error ?? undefined));
  const values: ReportValues = {
    status: error ? statusOfReport(error.code, statuses) : null,
    code: error?.code ?? null,
    message: error ? messageWithNames(error.message, fields) : null,
    job: job.id,
    timestamp: (upload?.ended_at ? new Date(upload.ended_at) : claimedAt).toISOString(), // its job may be gone by now
  };
  const bytes = Buffer.from(JSON.stringify(fillReport(body ?? {}, values)));
  return { method, headers: { 'Content-Type': 'application/json' }, body: bytes, size: bytes.byteLength, totalMs: webhookMs }; // prettier-ignore
}

/** Why there is no file. */
function errorOf({ status, error }: EndedJob): EndedJob['error'] | undefined {
  if (status === 'cancelled') return { code: 'job_cancelled', message: 'the job was cancelled' };
  return error ?? undefined;
}

const uploadFailed = (why = '') => ({
  code: 'upload_failed',
  message: `the file could not be delivered${why && `: ${why}`}`,
});

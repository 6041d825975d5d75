import { isFinal, type Job } from '../domain/job.ts';
import { systemCodeOf } from '../kernel/errors.ts';
import { type HttpClient, type HttpRequest, type HttpResponse, jsonOf } from './http-client.ts';

/** `kind` is the counter that it belongs to. Times are milliseconds, from the scheduled time unless they say otherwise. */
export type PdfOutcome = { acceptedMs?: number; jobId?: string } & (
  | {
      kind: 'completed';
      /** by the job's own timings */
      queuedMs: number;
      /** by the job's own timings */
      generationMs: number;
      /** of the last request alone */
      downloadMs: number;
      turnaroundMs: number;
      bytes: number;
    }
  /** 429: the tier's limit was reached */
  | { kind: 'limitsHit' }
  /** the job ended without a PDF */
  | { kind: 'failed'; code: string }
  | { kind: 'errors'; what: string; isUnanswered: boolean }
  /** the load test ended first */
  | { kind: 'unfinished' }
);

interface Order {
  key: string;
  /** JSON */
  body: Buffer;
  /** by performance.now() */
  scheduledAt: number;
  /** milliseconds from then on */
  timeoutMs: number;
  onResponse: () => void;
}

/** Seconds of one long poll for the end of a job, at most. */
const WAIT_SECONDS = 20;

/** Requests one PDF, waits for it and downloads it, as a client would. Never throws: every error is an outcome. */
export async function fetchPdf(client: HttpClient, order: Order): Promise<PdfOutcome> {
  const accepted: { acceptedMs?: number; jobId?: string } = {};
  const elapsed = () => performance.now() - order.scheduledAt;
  const send = async (request: Omit<HttpRequest, 'key' | 'timeoutMs'>) => {
    const response = await client.send({ ...request, key: order.key, timeoutMs: order.timeoutMs - elapsed() });
    order.onResponse();
    return response;
  };
  try {
    const posted = await send({ method: 'POST', path: '/v1/jobs', body: order.body });
    const { id, code } = (jsonOf(posted) ?? {}) as { id?: string; code?: string };
    if (posted.status === 429 && code === 'rate_limited') return { kind: 'limitsHit' };
    if ((posted.status !== 202 && posted.status !== 200) || id === undefined) return refused(posted);
    accepted.acceptedMs = elapsed();
    accepted.jobId = id;
    for (;;) {
      const left = Math.floor((order.timeoutMs - elapsed()) / 1000);
      const wait = Math.max(1, Math.min(WAIT_SECONDS, left));
      const polled = await send({ method: 'GET', path: `/v1/jobs/${id}?wait=${wait}` });
      const job = jsonOf(polled) as Job | undefined;
      if (polled.status !== 200 || job === undefined) return { ...accepted, ...refused(polled) };
      if (!isFinal(job.status)) continue;
      if (job.status !== 'completed') return { ...accepted, kind: 'failed', code: job.error?.code ?? job.status };
      const from = performance.now();
      const pdf = await send({ method: 'GET', path: `/v1/jobs/${id}/pdf` });
      if (pdf.status !== 200) return { ...accepted, ...refused(pdf) };
      if (pdf.head.toString('latin1', 0, 5) !== '%PDF-' || pdf.size !== job.file?.size)
        return { ...accepted, kind: 'errors', what: 'not the PDF that was promised', isUnanswered: false };
      const { queued, total } = job.timings ?? { queued: 0, total: 0 };
      return {
        ...accepted,
        kind: 'completed',
        queuedMs: queued,
        generationMs: total - queued,
        downloadMs: performance.now() - from,
        turnaroundMs: elapsed(),
        bytes: pdf.size,
      };
    }
  } catch (error) {
    const { name } = error as Error;
    if (name === 'AbortError') return { ...accepted, kind: 'unfinished' };
    const what = name === 'TimeoutError' ? 'timeout' : (systemCodeOf(error) ?? 'connection lost');
    return { ...accepted, kind: 'errors', what, isUnanswered: true };
  }
}

function refused({ status, head }: HttpResponse): PdfOutcome {
  const { code } = (jsonOf({ head }) ?? {}) as { code?: unknown };
  const isCode = typeof code === 'string' && /^\w{1,40}$/.test(code);
  return { kind: 'errors', what: `HTTP ${status}${isCode ? ` ${code}` : ''}`, isUnanswered: false };
}

import { isFinal, type Job } from '../domain/job.ts';
import { systemCodeOf } from '../kernel/errors.ts';
import { type Answer, AnswerTimeout, type HttpClient, jsonOf, RequestAborted } from './http-client.ts';

/** Milliseconds; those of `completed` that are not by the job's own timings are counted from when it was to be sent. */
export type PdfOutcome = { acceptedMs?: number; jobId?: string } & (
  | {
      kind: 'completed';
      queuedMs: number;
      generationMs: number;
      downloadMs: number;
      turnaroundMs: number;
      bytes: number;
    }
  /** the tier's limit was reached: an answer, not an error */
  | { kind: 'limited' }
  /** the service says that the job failed */
  | { kind: 'failed'; code: string }
  | { kind: 'error'; what: string; isUnanswered: boolean }
  /** the test ended before it did */
  | { kind: 'unfinished' }
);

interface Order {
  key: string;
  /** JSON */
  body: Buffer;
  /** by performance.now(), when it was to be sent */
  intendedAt: number;
  /** milliseconds from then on until it is given up */
  timeoutMs: number;
  onAnswer: () => void;
}

/** Seconds that the service is asked to wait for a job's end, at most: then it is asked again. */
const WAIT_SECONDS = 20;

/** Of a PDF: enough to see that it is one, or why there is none. */
const KEEP_BYTES = 2_000;

/** Asks for one PDF, waits for it and fetches it, as a client would. Whatever happens is an outcome. */
export async function fetchPdf(client: HttpClient, order: Order): Promise<PdfOutcome> {
  const so: { acceptedMs?: number; jobId?: string } = {};
  const sinceIntended = () => performance.now() - order.intendedAt;
  const ask = async (request: Omit<Parameters<HttpClient['ask']>[0], 'key' | 'timeoutMs'>): Promise<Answer> => {
    const timeoutMs = order.timeoutMs - sinceIntended();
    if (timeoutMs <= 0) throw new AnswerTimeout('no time is left');
    const answer = await client.ask({ ...request, key: order.key, timeoutMs });
    order.onAnswer();
    return answer;
  };
  try {
    const posted = await ask({ method: 'POST', path: '/v1/jobs', body: order.body });
    const { id, code } = (jsonOf(posted) ?? {}) as { id?: string; code?: string };
    if (posted.status === 429 && code === 'rate_limited') return { kind: 'limited' };
    if ((posted.status !== 202 && posted.status !== 200) || id === undefined) return refused(posted);
    so.acceptedMs = sinceIntended();
    so.jobId = id;
    for (;;) {
      const left = (order.timeoutMs - sinceIntended()) / 1000;
      const wait = Math.max(1, Math.min(WAIT_SECONDS, Math.floor(left)));
      const asked = await ask({ method: 'GET', path: `/v1/jobs/${id}?wait=${wait}` });
      const job = jsonOf(asked) as Job | undefined;
      if (asked.status !== 200 || job === undefined) return { ...so, ...refused(asked) };
      if (!isFinal(job.status)) continue;
      if (job.status !== 'completed') return { ...so, kind: 'failed', code: job.error?.code ?? job.status };
      const from = performance.now();
      const pdf = await ask({ method: 'GET', path: `/v1/jobs/${id}/pdf`, keep: KEEP_BYTES });
      if (pdf.status !== 200) return { ...so, ...refused(pdf) };
      if (pdf.head.toString('latin1', 0, 5) !== '%PDF-' || pdf.size !== job.file?.size)
        return { ...so, kind: 'error', what: 'not the PDF that was promised', isUnanswered: false };
      const { queued, total } = job.timings ?? { queued: 0, total: 0 };
      return {
        ...so,
        kind: 'completed',
        queuedMs: queued,
        generationMs: total - queued,
        downloadMs: performance.now() - from,
        turnaroundMs: sinceIntended(),
        bytes: pdf.size,
      };
    }
  } catch (error) {
    if (error instanceof RequestAborted) return { ...so, kind: 'unfinished' };
    const what = error instanceof AnswerTimeout ? 'timeout' : (systemCodeOf(error) ?? 'connection lost');
    return { ...so, kind: 'error', what, isUnanswered: true };
  }
}

function refused(answer: Answer): PdfOutcome {
  const { code } = (jsonOf(answer) ?? {}) as { code?: unknown };
  return {
    kind: 'error',
    what:
      typeof code === 'string' && /^\w{1,40}$/.test(code) ? `HTTP ${answer.status} ${code}` : `HTTP ${answer.status}`,
    isUnanswered: false,
  };
}

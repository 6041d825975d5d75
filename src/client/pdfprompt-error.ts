import type { FieldProblem, Problem } from './api-types.ts';

/** Why a call failed. `code` says which error it is; `message` is for people. */
export class PdfpromptError extends Error {
  override readonly name = 'PdfpromptError';
  /** as the API's documentation lists it; `unreachable`: no answer came; `timeout`: not in time */
  readonly code: string;
  /** of the HTTP answer; 0: there was none */
  readonly status: number;
  /** which fields of the request are wrong, and what is allowed */
  readonly fields: readonly FieldProblem[];
  /** the log of the service lists the request by it */
  readonly requestId: string | undefined;
  /** seconds after which the same request may succeed */
  readonly retryAfter: number | undefined;
  /** of the job that failed, or that is still under way */
  readonly jobId: string | undefined;

  constructor(code: string, message: string, about: ErrorAbout = {}) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.code = code;
    this.status = about.status ?? 0;
    this.fields = about.fields ?? [];
    this.requestId = about.requestId;
    this.retryAfter = about.retryAfter;
    this.jobId = about.jobId;
  }
}

interface ErrorAbout {
  status?: number | undefined;
  fields?: readonly FieldProblem[] | undefined;
  requestId?: string | undefined;
  retryAfter?: number | undefined;
  jobId?: string | undefined;
  cause?: unknown;
}

/** The same error with the job that it is about, unless it names one. */
export function withJobId(error: PdfpromptError, jobId: string | undefined): PdfpromptError {
  if (error.jobId !== undefined || jobId === undefined) return error;
  const { code, message, status, fields, requestId, retryAfter, cause } = error;
  return new PdfpromptError(code, message, { status, fields, requestId, retryAfter, jobId, cause });
}

/** The error of an answer that is no success. It reads the body. */
export async function errorOf(response: Response, jobId?: string): Promise<PdfpromptError> {
  const { status, headers } = response;
  const text = await response.text().catch(() => '');
  const problem = problemIn(text);
  return new PdfpromptError(problem.code ?? 'unexpected_answer', problem.detail ?? `the service answered ${status}`, {
    status,
    fields: problem.errors,
    requestId: problem.requestId ?? headers.get('x-request-id') ?? undefined,
    retryAfter: retryAfterOf(headers),
    jobId: jobId ?? headers.get('x-job-id') ?? undefined,
  });
}

/** A proxy in between answers with a page of its own. */
function problemIn(text: string): Partial<Problem> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? json : {};
  } catch {
    return {};
  }
}

/** Seconds of `Retry-After`, which is a number or a date. */
function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

interface ErrorKind {
  status: number;
  title: string;
}

const JOB_ERRORS = {
  navigation_failed: { status: 422, title: 'The page could not be loaded' },
  egress_denied: { status: 422, title: 'Documents may not connect there' },
  document_status: { status: 422, title: 'The page answered with an error status' },
  resource_failed: { status: 422, title: 'A resource of the page could not be loaded' },
  selector_not_found: { status: 422, title: 'The awaited selector did not appear' },
  function_not_true: { status: 422, title: 'The awaited function did not become true' },
  function_failed: { status: 422, title: 'The awaited function failed' },
  console_error: { status: 422, title: 'A script of the page logged an error' },
  page_too_tall: { status: 422, title: 'The content is too high for a single page' },
  page_ranges_invalid: { status: 422, title: 'The page ranges fit no page of the document' },
  print_failed: { status: 422, title: 'The page could not be printed' },
  pdf_too_large: { status: 422, title: 'The PDF is larger than allowed' },
  too_many_pages: { status: 422, title: 'The PDF has more pages than allowed' },
  too_many_resources: { status: 422, title: 'The document loads more resources than allowed' },
  memory_exceeded: { status: 422, title: 'The document needs more memory than allowed' },
  document_crashed: { status: 422, title: 'The document crashed the browser' },
  render_timeout: { status: 422, title: 'The document took longer than its time limit' },
  template_failed: { status: 422, title: 'The template could not be filled in' },
  data_invalid: { status: 422, title: 'The data does not fit the template' },
  markdown_failed: { status: 422, title: 'The markdown could not be printed' },
  pdf_refused: { status: 422, title: 'The PDF was refused' },
  finishing_invalid: { status: 422, title: 'What finishing asks for does not fit the PDF' },
  not_conformant: { status: 422, title: 'The PDF does not conform' },
  job_failed: { status: 422, title: 'The job failed' },
  poison: { status: 422, title: 'Every worker that took the job was lost' },
} as const satisfies Record<string, ErrorKind>;

/** Every error that a caller can see. The code is stable and public; `status` is its HTTP status, `title` the one of RFC 9457. */
export const ERROR_CODES = {
  // the request
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_request: { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'A valid API key is required' },
  missing_scope: { status: 403, title: 'The API key lacks a scope' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'This method is not allowed here' },
  request_timeout: { status: 408, title: 'The request was not received in time' },
  job_not_ready: { status: 409, title: 'The job has no PDF yet' },
  batch_not_ready: { status: 409, title: 'The batch has no such result' },
  job_not_retryable: { status: 409, title: 'The job cannot be retried' },
  batch_not_retryable: { status: 409, title: 'The batch cannot be retried' },
  user_exists: { status: 409, title: 'The user exists already' },
  tier_in_use: { status: 409, title: 'The tier is in use' },
  key_not_rotatable: { status: 409, title: 'The API key cannot be rotated now' },
  asset_limit_reached: { status: 403, title: 'Your files take more room than allowed' },
  template_limit_reached: { status: 403, title: 'You have more templates than allowed' },
  link_expired: { status: 410, title: 'The link has expired' },
  webhook_limit_reached: { status: 403, title: 'You have more webhooks than allowed' },
  schedule_limit_reached: { status: 403, title: 'You have more schedules than allowed' },
  webhook_off: { status: 409, title: 'The webhook is off' },
  delivery_not_replayable: { status: 409, title: 'This cannot be sent again' },
  file_expired: { status: 410, title: 'The PDF has expired' },
  body_too_large: { status: 413, title: 'The body is too large' },
  range_not_satisfiable: { status: 416, title: 'The PDF has no such bytes' },
  unsupported_media_type: { status: 415, title: 'The media type or encoding is not supported' },
  rate_limited: { status: 429, title: "The tier's limit is reached" },
  too_much_under_way: { status: 429, title: 'Too much of yours is under way' },
  too_many_failures: { status: 429, title: 'Too many invalid API keys' },
  idempotency_mismatch: { status: 422, title: 'The Idempotency-Key was used with another body' },
  client_closed_request: { status: 499, title: 'The caller hung up before there was an answer' },
  ...JOB_ERRORS,
  // the service
  internal: { status: 500, title: 'An internal error' },
  browser_failed: { status: 500, title: 'The browser failed' },
  finishing_failed: { status: 500, title: 'A step after print failed' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** What a job can fail with, besides failures of the service. */
export const JOB_ERROR_CODES = Object.keys(JOB_ERRORS) as (keyof typeof JOB_ERRORS)[];

/** One field of a request that was refused. `field` is a path such as `options.margin.top`, as domain/field-path.ts writes it. */
export interface FieldProblem {
  field: string;
  message: string;
  /** of a batch, from 1 */
  row?: number;
}

interface CodedErrorOptions {
  cause?: unknown;
  fields?: FieldProblem[];
  /** after which the same request may succeed */
  retryAfterSeconds?: number;
  /** of the HTTP answer, in addition to those of every error */
  headers?: Record<string, string>;
}

/** An error with a code of {@link ERROR_CODES}. The caller gets `message`, which names the field and what is allowed; `cause` is only logged. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly fields: FieldProblem[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.fields = options.fields;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers ?? {};
  }
}

/** The error for fields that were refused. */
export function invalidFields(fields: FieldProblem[]): CodedError {
  return new CodedError(
    'invalid_request',
    fields
      .map(({ field, message }) => `${field}: ${message}`)
      .join('; ')
      .slice(0, 2_000),
    { fields: fields.slice(0, 50) },
  );
}

/** A mistake of the operator (a setting, a missing program): printed without a stack. */
export class OperatorError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'OperatorError';
  }
}

/** An {@link OperatorError} in the command line or the settings: exit code 2 instead of 1. */
export class UsageError extends OperatorError {
  override name = 'UsageError';
}

/** The cause of a DrizzleQueryError, whose own message quotes the whole statement and its values. Other errors stay as they are. */
export function withoutQuery(error: unknown): unknown {
  const isOfDrizzle = error instanceof Error && 'query' in error && 'params' in error;
  return isOfDrizzle && error.cause !== undefined ? error.cause : error;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  const known = withoutQuery(error);
  return known instanceof Error ? known.message : String(known);
}

/** The first `code` in the chain of causes, as Node, Postgres and their drivers set it. */
export function systemCodeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return undefined;
}

import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { type CodedError, ERROR_CODES, JOB_ERROR_CODES } from '../../../kernel/errors.ts';
import { toCodedError } from '../../problem.ts';
import type { AppContext } from '../../route.ts';
import { TookTooLong } from '../run-conversion.ts';

/** Whose clients a route is for: it says how errors and HTML are answered. */
export type Dialect = 'browserless' | 'cloudflare';

const JOB_ERRORS = new Set<string>(JOB_ERROR_CODES);
/** Cloudflare's number for a token that is not valid. */
const CLOUDFLARE_UNAUTHENTICATED = 10_000;

/** Answers an error as the other service does: browserless in plain text, Cloudflare in JSON. */
export function answerError(c: AppContext, dialect: Dialect, error: unknown): Response {
  const coded = toCodedError(error);
  const status = statusOf(coded, dialect) as ContentfulStatusCode;
  c.header('Cache-Control', 'no-store');
  if (coded.retryAfterSeconds !== undefined) c.header('Retry-After', String(coded.retryAfterSeconds));
  for (const [name, value] of Object.entries(coded.headers)) c.header(name, value);
  if (coded.code === 'body_too_large' || coded.code === 'unsupported_media_type') c.header('Connection', 'close'); // the rest is not read
  if (dialect === 'browserless') return c.text(`${coded.message}\n`, status);
  const code = coded.code === 'unauthenticated' ? CLOUDFLARE_UNAUTHENTICATED : status;
  return c.json({ success: false, result: null, errors: [{ code, message: coded.message }], messages: [] }, status);
}

/**
 * What a document does wrong is 400 for browserless, which has no better one, and 422 for Cloudflare. It is no 5xx: nothing
 * is wrong with the service.
 */
function statusOf(error: CodedError, dialect: Dialect): number {
  const { code } = error;
  if (error instanceof TookTooLong || code === 'render_timeout') return 408;
  const { status } = ERROR_CODES[code];
  if (dialect === 'cloudflare') return status;
  if (code === 'egress_denied') return 403;
  return JOB_ERRORS.has(code) || [409, 410, 413, 415, 416, 422].includes(status) ? 400 : status;
}

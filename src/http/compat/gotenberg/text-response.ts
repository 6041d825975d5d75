import { errorAnswer } from '../../../compat/gotenberg/statuses.ts';
import { type CodedError, ERROR_CODES } from '../../../kernel/errors.ts';

/** Of every answer in plain text. */
export const TEXT = 'text/plain; charset=UTF-8';

/** An error as Gotenberg's callers get it. */
export function textResponse(error: CodedError): Response {
  const { code, retryAfterSeconds, headers } = error;
  const { status, text } = errorAnswer(error, ERROR_CODES[code].status);
  return new Response(text, {
    status,
    headers: {
      'Content-Type': TEXT,
      'Cache-Control': 'no-store',
      'X-Error-Code': code,
      ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
      // The rest of the body is not read.
      ...((code === 'body_too_large' || code === 'unsupported_media_type') && { Connection: 'close' }),
      ...headers,
    },
  });
}

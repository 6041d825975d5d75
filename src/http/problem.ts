import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { isDatabaseUnavailable } from '../db/pools.ts';
import { CodedError, ERROR_CODES, type ErrorCode } from '../kernel/errors.ts';
import { PROBLEM_EXAMPLE } from './examples.ts';

/** RFC 9457, with a stable `code` and the id under which the log lists the request. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'Where the error is explained', example: '/docs#invalid_request' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]).meta({ id: 'ErrorCode' }),
    requestId: z.string(),
    errors: z
      .array(
        z
          .object({
            field: z.string().meta({ description: 'Its path', examples: ['options.margin.top', 'files["a.css"]'] }),
            message: z.string(),
            row: z.int().optional().meta({ description: 'Of a batch, from 1' }),
          })
          .meta({ id: 'FieldProblem' }),
      )
      .optional(),
  })
  .meta({ id: 'Problem', description: 'An error (RFC 9457)', examples: [PROBLEM_EXAMPLE] });

/** The error that the caller sees. It contains nothing of an unexpected error. */
export function toCodedError(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  if (isDatabaseUnavailable(error))
    return new CodedError('unavailable', 'the database is unavailable; try again shortly', {
      cause: error,
      retryAfterSeconds: 1,
    });
  return new CodedError('internal', 'something went wrong in the service; search its log for the requestId', {
    cause: error,
  });
}

/** Typed for hono, which does not know 499 (nginx's status for a client that hung up). */
export function statusOf(code: ErrorCode): ContentfulStatusCode {
  return ERROR_CODES[code].status as ContentfulStatusCode;
}

/** @param members more fields of the answer (RFC 9457, 3.2) */
export function problemResponse(
  { code, message, fields, retryAfterSeconds, headers }: CodedError,
  requestId: string,
  members: Record<string, unknown> = {},
): Response {
  const { status, title } = ERROR_CODES[code];
  const problem: z.infer<typeof problemSchema> = {
    type: `/docs#${code}`,
    title,
    status,
    detail: message,
    code,
    requestId,
    ...(fields && { errors: fields }),
  };
  return new Response(JSON.stringify({ ...problem, ...members }), {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
      ...(code === 'unauthenticated' && { 'WWW-Authenticate': 'Bearer realm="pdfprompt"' }),
      ...(code === 'missing_scope' && { 'WWW-Authenticate': 'Bearer realm="pdfprompt", error="insufficient_scope"' }),
      // The rest of the body is not read.
      ...((code === 'body_too_large' || code === 'unsupported_media_type') && { Connection: 'close' }),
      ...headers,
    },
  });
}

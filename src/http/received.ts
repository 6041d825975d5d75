import { CodedError } from '../kernel/errors.ts';
import type { AppContext } from './route.ts';

/**
 * The chunks of a body. Node's own stream is read because it costs half as much as the web stream.
 * @throws CodedError `body_too_large`; `client_closed_request` if it ends early: elsewhere its system codes (ECONNRESET)
 *   mean an outage
 */
export async function* received(c: AppContext, maxBytes: number): AsyncIterable<Buffer> {
  if (announcedBytes(c) > maxBytes) throw tooLarge('(body)', maxBytes);
  // The stream is not destroyed on an error: the answer is sent on the same connection.
  const chunks = c.env.incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  let size = 0;
  try {
    for await (const chunk of chunks) {
      size += chunk.byteLength;
      if (size > maxBytes) break;
      yield chunk;
    }
  } catch (error) {
    throw new CodedError('client_closed_request', 'the connection was closed before the whole body had arrived', {
      cause: error,
    });
  }
  if (size > maxBytes) throw tooLarge('(body)', maxBytes);
}

/** Bytes of the body by its Content-Length; 0 without one. */
export function announcedBytes(c: AppContext): number {
  return Number(c.req.header('content-length') ?? 0);
}

/** @param field `(body)` or a part of it */
export function tooLarge(field: string, maxBytes: number): CodedError {
  return new CodedError(
    'body_too_large',
    `${field}: it is larger than ${maxBytes} bytes, which is the most that is allowed`,
  );
}

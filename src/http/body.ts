import { isAscii, isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { checkInput } from '../domain/check-input.ts';
import { parsePdfRequest, type PdfRequest, REQUEST_BOUNDS } from '../domain/pdf-request.ts';
import { CodedError, invalidFields, messageOf } from '../kernel/errors.ts';
import type { AppContext } from './route.ts';

/** Reads and checks the body of a request for a PDF. @throws CodedError that names every wrong field */
export async function readPdfRequest(c: AppContext): Promise<PdfRequest> {
  const parsed = parsePdfRequest(await readJson(c));
  if (!parsed.ok) throw invalidFields(parsed.fields);
  return parsed.request;
}

/**
 * Reads and checks any other body. With `isOptional` no body is an empty object.
 * @throws CodedError that names every wrong field
 */
export async function readBody<T extends z.ZodType>(
  c: AppContext,
  schema: T,
  { isOptional = false } = {},
): Promise<z.output<T>> {
  const { headers } = c.req.raw;
  const hasBody = headers.has('transfer-encoding') || Number(headers.get('content-length') ?? 0) > 0;
  return checkInput(schema, hasBody || !isOptional ? await readJson(c) : {});
}

/** Bytes of a form: a key and a path, or less. */
const FORM_BYTES = 8_192;

/** Reads what a form of a page of ours sends. @throws CodedError `unsupported_media_type`, `body_too_large` */
export async function readForm(c: AppContext): Promise<URLSearchParams> {
  const { headers } = c.req.raw;
  const type = headers.get('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type))
    throw new CodedError('unsupported_media_type', 'Content-Type: allowed: application/x-www-form-urlencoded');
  const bytes = await readBytes(c.env.incoming, Number(headers.get('content-length') ?? 0), FORM_BYTES);
  return new URLSearchParams(bytes.toString('utf8'));
}

async function readJson(c: AppContext): Promise<unknown> {
  const { headers } = c.req.raw;
  const type = headers.get('content-type') ?? '';
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type))
    throw new CodedError(
      'unsupported_media_type',
      `Content-Type: ${JSON.stringify(type.slice(0, 100))} is not supported; allowed: application/json`,
    );
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity')
    throw new CodedError(
      'unsupported_media_type',
      `Content-Encoding: ${JSON.stringify(encoding.slice(0, 100))} is not supported; allowed: identity`,
    );

  const announced = Number(headers.get('content-length') ?? 0);
  const bytes = await readBytes(c.env.incoming, announced, REQUEST_BOUNDS.bodyBytes);
  if (!isUtf8(bytes)) throw new CodedError('invalid_json', '(body): the body is not UTF-8');
  const text = bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CodedError(
      'invalid_json',
      `(body): ${text === '' ? 'the body is empty; allowed: a JSON object' : messageOf(error).slice(0, 200)}`,
      { cause: error },
    );
  }
}

/** From Node's own stream, which costs half of what the web's does; counted there: a Content-Length may be missing or a lie. */
async function readBytes(body: Readable, announced: number, maxBytes: number): Promise<Buffer> {
  const tooLarge = () =>
    new CodedError(
      'body_too_large',
      `(body): the body is larger than ${maxBytes} bytes, which is the most that is allowed`,
    );
  if (announced > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of received(body)) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/**
 * What comes of a body.
 * @throws CodedError `client_closed_request` if it ends too early: the same system codes mean an outage elsewhere
 */
async function* received(body: Readable): AsyncIterable<Buffer> {
  // Not destroyed when we give up: the answer goes out on the same connection.
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  try {
    yield* chunks;
  } catch (error) {
    throw new CodedError('client_closed_request', 'the connection was closed before the body was there', {
      cause: error,
    });
  }
}

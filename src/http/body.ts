import type { Readable } from 'node:stream';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { z } from 'zod';
import type { Principal } from '../accounts/principals.ts';
import { checkInput, MAX_DATA_VALUES } from '../domain/check-input.ts';
import { parsePdfRequest, type ParsedRequest, REQUEST_BOUNDS } from '../domain/pdf-request.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { parseJson } from './parse-json.ts';
import type { AppContext } from './route.ts';
import { LARGE_BODY_BYTES } from './under-way.ts';

/**
 * Reads and checks the body of a request for a PDF, and runs `work` with it within the tenant's share.
 * @param admit throws if the request is refused regardless of its body. It is called before the body is read,
 *   and for a large body again before the work
 * @throws CodedError that names every invalid field; `too_much_under_way`
 */
export async function withPdfRequest<T>(
  c: AppContext,
  admit: () => Promise<void>,
  work: (parsed: Extract<ParsedRequest, { ok: true }>) => Promise<T>,
): Promise<T> {
  const { underWay, principal } = c.var;
  checkHeaders(c);
  await admit();
  return withBytes(c, REQUEST_BOUNDS.bodyBytes, async (bytes) => {
    const parse = () => {
      const parsed = parsePdfRequest(parseJson(bytes, { maxData: MAX_DATA_VALUES }));
      if (!parsed.ok) throw invalidFields(parsed.fields);
      return parsed;
    };
    if (bytes.byteLength <= LARGE_BODY_BYTES) return underWay.writing(principal.userId, async () => work(parse()));
    return underWay.writingLarge(principal.userId, async () => {
      await admit(); // earlier requests may have reached the limit meanwhile
      const parsed = parse();
      await yieldToEventLoop(); // parsing took long, and the work will
      return work(parsed);
    });
  });
}

/**
 * Reads and checks any other JSON body. With `isOptional` a missing body counts as `{}`.
 * @throws CodedError that names every invalid field
 */
export async function readBody<T extends z.ZodType>(
  c: AppContext,
  schema: T,
  { isOptional = false } = {},
): Promise<z.output<T>> {
  const { headers } = c.req.raw;
  const hasBody = headers.has('transfer-encoding') || Number(headers.get('content-length') ?? 0) > 0;
  if (!hasBody && isOptional) return checkInput(schema, {});
  checkHeaders(c);
  return withBytes(c, REQUEST_BOUNDS.bodyBytes, async (bytes) => checkInput(schema, parseJson(bytes)));
}

/** Bytes of a form, at most: it has a key and a path. */
const FORM_BYTES = 8_192;

/** Reads a form of the console. @throws CodedError `unsupported_media_type`, `body_too_large` */
export async function readForm(c: AppContext): Promise<URLSearchParams> {
  const { headers } = c.req.raw;
  const type = headers.get('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type))
    throw new CodedError('unsupported_media_type', 'Content-Type: allowed: application/x-www-form-urlencoded');
  return withBytes(c, FORM_BYTES, async (bytes) => new URLSearchParams(bytes.toString('utf8')));
}

/** @throws CodedError `unsupported_media_type` */
function checkHeaders(c: AppContext): void {
  const { headers } = c.req.raw;
  const refuse = (header: string, value: string, allowed: string) => {
    const shown = JSON.stringify(value.slice(0, 100));
    throw new CodedError('unsupported_media_type', `${header}: ${shown} is not supported; allowed: ${allowed}`);
  };
  const type = headers.get('content-type') ?? '';
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) refuse('Content-Type', type, 'application/json');
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') refuse('Content-Encoding', encoding, 'identity');
}

/**
 * Reads the body and runs `work` with it. Its bytes are counted until the work is done. A large body is read only
 * when its tenant may hold that many bytes; without a Content-Length the largest allowed size is reserved.
 * Node's own stream is read because it costs half as much as the web stream.
 * @throws CodedError `body_too_large`, `too_much_under_way`, `unavailable`
 */
async function withBytes<T>(c: AppContext, maxBytes: number, work: (bytes: Buffer) => Promise<T>): Promise<T> {
  const { underWay } = c.var;
  const holder = (c.var.principal as Principal | undefined)?.userId ?? ''; // a sign-in form has no principal yet
  const announced = Number(c.req.header('content-length') ?? 0);
  const tooLarge = () =>
    new CodedError(
      'body_too_large',
      `(body): the body is larger than ${maxBytes} bytes, which is the most that is allowed`,
    );
  if (announced > maxBytes) throw tooLarge();
  const { promise: end, resolve: release } = Promise.withResolvers<void>();
  let isHeld = false;
  const hold = async (bytes: number) => {
    isHeld = true;
    await underWay.holdBody(holder, bytes, end);
  };
  let size = 0;
  try {
    if (announced > LARGE_BODY_BYTES) await hold(announced);
    const chunks: Buffer[] = [];
    // Chunks are copied as they arrive: joining 10 MB at once would block. Untouched pages take no memory.
    const whole = isHeld ? Buffer.allocUnsafeSlow(announced) : undefined;
    for await (const chunk of received(c.env.incoming)) {
      if (size + chunk.byteLength > maxBytes) throw tooLarge();
      underWay.addBodyBytes(chunk.byteLength);
      if (whole) chunk.copy(whole, size);
      else chunks.push(chunk);
      size += chunk.byteLength;
      if (size > LARGE_BODY_BYTES && !isHeld) await hold(maxBytes);
    }
    return await work(whole ? whole.subarray(0, size) : Buffer.concat(chunks, size));
  } finally {
    underWay.removeBodyBytes(size);
    release();
  }
}

/**
 * The chunks of a body.
 * @throws CodedError `client_closed_request` if it ends early; elsewhere its system codes (ECONNRESET) mean an outage
 */
async function* received(body: Readable): AsyncIterable<Buffer> {
  // The stream is not destroyed on an error: the answer is sent on the same connection.
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  try {
    yield* chunks;
  } catch (error) {
    throw new CodedError('client_closed_request', 'the connection was closed before the whole body had arrived', {
      cause: error,
    });
  }
}

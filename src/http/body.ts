import type { Readable } from 'node:stream';
import { setImmediate as breathe } from 'node:timers/promises';
import type { z } from 'zod';
import type { Principal } from '../accounts/principals.ts';
import { checkInput } from '../domain/check-input.ts';
import { parsePdfRequest, type ParsedRequest, REQUEST_BOUNDS } from '../domain/pdf-request.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { parseJson } from './parse-json.ts';
import type { AppContext } from './route.ts';
import { LARGE_BODY_BYTES } from './under-way.ts';

/**
 * Reads and checks the body of a request for a PDF, and does `work` with it, in its tenant's turn.
 * @param admit throws what refuses the request whatever its body is: asked before a large body is read, and
 *   again before it is worked on
 * @throws CodedError that names every wrong field, or what is too much under way
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
      const parsed = parsePdfRequest(parseJson(bytes));
      if (!parsed.ok) throw invalidFields(parsed.fields);
      return parsed;
    };
    if (bytes.byteLength <= LARGE_BODY_BYTES) return underWay.writing(principal.userId, async () => work(parse()));
    return underWay.writingLarge(principal.userId, async () => {
      await admit(); // what came before it may have reached the limit
      const parsed = parse();
      await breathe(); // that took its time, and what follows will
      return work(parsed);
    });
  });
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
  return withBytes(c, FORM_BYTES, async (bytes) => new URLSearchParams(bytes.toString('utf8')));
}

async function readJson(c: AppContext): Promise<unknown> {
  checkHeaders(c);
  return withBytes(c, REQUEST_BOUNDS.bodyBytes, async (bytes) => parseJson(bytes));
}

/** @throws CodedError `unsupported_media_type` */
function checkHeaders(c: AppContext): void {
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
}

/**
 * Reads the body and does `work` with it; until that is done its bytes are counted. A large one is not
 * read before its tenant may hold as much. From Node's own stream, which costs half of what the web's does;
 * counted there: a Content-Length may be missing, and then it may be as large as it may be.
 * @throws CodedError `body_too_large`, `too_much_under_way`, `unavailable`
 */
async function withBytes<T>(c: AppContext, maxBytes: number, work: (bytes: Buffer) => Promise<T>): Promise<T> {
  const { underWay } = c.var;
  const holder = (c.var.principal as Principal | undefined)?.userId ?? ''; // a form comes from nobody yet
  const announced = Number(c.req.header('content-length') ?? 0);
  const tooLarge = () =>
    new CodedError(
      'body_too_large',
      `(body): the body is larger than ${maxBytes} bytes, which is the most that is allowed`,
    );
  if (announced > maxBytes) throw tooLarge();
  const { promise: end, resolve: letGo } = Promise.withResolvers<void>();
  let isHeld = false;
  const hold = async (bytes: number) => {
    isHeld = true;
    await underWay.holdBody(holder, bytes, end);
  };
  let size = 0;
  try {
    if (announced > LARGE_BODY_BYTES) await hold(announced);
    const chunks: Buffer[] = [];
    // Put together as it comes: 10 MB at once would take their time. What has not come takes no memory.
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
    letGo();
  }
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

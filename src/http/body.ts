import { createReadStream } from 'node:fs';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { z } from 'zod';
import type { Principal } from '../accounts/principals.ts';
import type { PutAssetDeps } from '../assets/put-asset.ts';
import type { RequestAssets } from '../assets/put-sent-files.ts';
import { checkInput, MAX_DATA_VALUES } from '../domain/check-input.ts';
import { parsePdfRequest, type ParsedRequest, requestFiles } from '../domain/pdf-request.ts';
import { REQUEST_BOUNDS } from '../domain/print-fields.ts';
import type { FileInput } from '../domain/source.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { parseJson } from '../jobs/parse-json.ts';
import { hasUploads, type Upload, withUploads } from './receive-uploads.ts';
import { announcedBytes, received } from './received.ts';
import { putFiles, putRequestFiles, withUploaded } from './request-files.ts';
import type { AppContext } from './route.ts';
import { LARGE_BODY_BYTES } from './under-way.ts';
import type { UploadSpace } from './upload-space.ts';

/** What a body with files needs. */
export type BodyDeps = PutAssetDeps & { uploads: UploadSpace };

/** What was sent, checked. */
export type CheckedRequest = Extract<ParsedRequest, { ok: true }> & {
  /** assets that the files of `requestFiles` are, by their paths; lower-case hex */
  files: RequestAssets;
};

/**
 * Reads and checks the body of a request for a PDF, stores its files, and runs `work` with it within the tenant's share.
 * @param admit throws if the request is refused regardless of its body. It is called before the body is read,
 *   and for a large body again before the work
 * @param check of the JSON, if it is not a request of ours yet; it may throw
 * @throws CodedError that names every invalid field; `too_much_under_way`
 */
export async function withPdfRequest<T>(
  c: AppContext,
  deps: BodyDeps,
  admit: () => Promise<void>,
  work: (checked: CheckedRequest) => Promise<T>,
  check: (json: unknown) => ParsedRequest = parsePdfRequest,
): Promise<T> {
  const { underWay, principal } = c.var;
  const { userId } = principal;
  const read = async (bytes: Buffer, uploads: readonly Upload[]) => {
    const parse = () => {
      const parsed = check(withUploaded(parseJson(bytes, { maxData: MAX_DATA_VALUES }), uploads));
      if (!parsed.ok) throw invalidFields(parsed.fields);
      return parsed;
    };
    /** Files have to be stored first, each in a turn of its own. */
    const begin = async (): Promise<{ result: T } | { parsed: ReturnType<typeof parse> }> => {
      const parsed = parse();
      if (requestFiles(parsed.request).some((files) => files !== undefined)) return { parsed };
      if (isLarge) await yieldToEventLoop(); // parsing took long, and the work will
      return { result: await work({ ...parsed, files: [] }) };
    };
    const isLarge = bytes.byteLength > LARGE_BODY_BYTES;
    const begun = await (isLarge
      ? underWay.writingLarge(userId, async () => {
          await admit(); // earlier requests may have reached the limit meanwhile
          return begin();
        })
      : underWay.writing(userId, begin));
    if ('result' in begun) return begun.result;
    const { parsed } = begun;
    await admit();
    const files = await putRequestFiles(underWay, deps, { userId, files: requestFiles(parsed.request), uploads });
    return underWay.writing(userId, () => work({ ...parsed, files }));
  };
  return withJson(c, deps.uploads, read, admit);
}

/**
 * Reads a body that is JSON, or a form or a zip with files, and runs `work` with the bytes of the JSON and the files.
 * Without a field `request` the JSON is `{}`.
 * @param admit throws if the request is refused regardless of its body
 */
async function withJson<T>(
  c: AppContext,
  space: UploadSpace,
  work: (bytes: Buffer, uploads: readonly Upload[]) => Promise<T>,
  admit = async () => undefined as void,
): Promise<T> {
  const { bodyBytes } = REQUEST_BOUNDS;
  if (!hasUploads(c)) checkType(c, `${JSON_TYPE}, multipart/form-data, application/zip`);
  checkEncoding(c);
  await admit();
  if (!hasUploads(c)) {
    return withBytes(c, bodyBytes, (bytes) => work(bytes, []));
  }
  return withUploads(c, space, async ({ request, uploads }) => {
    if (!request) return work(Buffer.from('{}'), uploads);
    const { path, size } = request;
    return holding(c, { chunks: createReadStream(path), announced: size, maxBytes: bodyBytes }, (bytes) =>
      work(bytes, uploads),
    );
  });
}

/**
 * Reads and checks any other body that may have files, and runs `work` with it. They are stored by calling `store`. With
 * `isOptional` a missing body counts as `{}`.
 * @throws CodedError that names every invalid field
 */
export async function withFiles<S extends z.ZodType, T>(
  c: AppContext,
  deps: BodyDeps,
  schema: S,
  work: (body: z.output<S>, store: StoreFiles) => Promise<T>,
  { isOptional = false } = {},
): Promise<T> {
  const { underWay, principal } = c.var;
  const { userId } = principal;
  if (isOptional && !hasBody(c))
    return work(checkInput(schema, {}), (files) => putFiles(underWay, deps, { userId, files }));
  return withJson(c, deps.uploads, async (bytes, uploads) => {
    const body = checkInput(schema, withUploaded(parseJson(bytes, { maxData: MAX_DATA_VALUES }), uploads));
    return work(body, (files) => putFiles(underWay, deps, { userId, files, uploads }));
  });
}

type FilesInput = Readonly<Record<string, FileInput>>;
/** Resolves with the assets that the files are, by their paths; lower-case hex. */
export type StoreFiles = (files: FilesInput) => Promise<Record<string, string>>;

/**
 * Reads and checks any other JSON body. With `isOptional` a missing body counts as `{}`.
 * @throws CodedError that names every invalid field
 */
export async function readBody<T extends z.ZodType>(
  c: AppContext,
  schema: T,
  { isOptional = false } = {},
): Promise<z.output<T>> {
  if (isOptional && !hasBody(c)) return checkInput(schema, {});
  checkType(c, JSON_TYPE);
  checkEncoding(c);
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

const hasBody = (c: AppContext) => c.req.header('transfer-encoding') !== undefined || announcedBytes(c) > 0;

const JSON_TYPE = 'application/json';

/** @throws CodedError `unsupported_media_type` */
function checkType(c: AppContext, allowed: string): void {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) throw unsupported('Content-Type', type, allowed);
}

/** Of a body that is read elsewhere. @throws CodedError `unsupported_media_type` */
export function checkBody(c: AppContext, { isForm, allowed }: { isForm: boolean; allowed: string }): void {
  if (!isForm) checkType(c, allowed);
  checkEncoding(c);
}

/** @throws CodedError `unsupported_media_type` */
export function checkEncoding(c: AppContext): void {
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') throw unsupported('Content-Encoding', encoding, 'identity');
}

function unsupported(header: string, value: string, allowed: string): CodedError {
  const shown = JSON.stringify(value.slice(0, 100));
  return new CodedError('unsupported_media_type', `${header}: ${shown} is not supported; allowed: ${allowed}`);
}

/** Reads the body and runs `work` with it. @throws CodedError as {@link holding} */
async function withBytes<T>(c: AppContext, maxBytes: number, work: (bytes: Buffer) => Promise<T>): Promise<T> {
  return holding(c, { chunks: received(c, maxBytes), announced: announcedBytes(c), maxBytes }, work);
}

interface Content {
  chunks: AsyncIterable<Buffer>;
  /** bytes, or 0 if that is unknown */
  announced: number;
  maxBytes: number;
}

/**
 * Reads a content into memory and runs `work` with it. Its bytes are counted until the work is done. A large one is read
 * only when its tenant may hold that many bytes; if their number is unknown the largest allowed size is reserved.
 * @throws CodedError `too_much_under_way`, `unavailable`, and what `chunks` throws
 */
async function holding<T>(
  c: AppContext,
  { chunks: source, announced, maxBytes }: Content,
  work: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  const { underWay } = c.var;
  const holder = (c.var.principal as Principal | undefined)?.userId ?? ''; // a sign-in form has no principal yet
  const { promise: end, resolve: release } = Promise.withResolvers<void>();
  let isHeld = false;
  const hold = async (bytes: number) => {
    isHeld = true;
    await underWay.holdBody(holder, bytes, end);
  };
  let size = 0;
  try {
    if (announced > LARGE_BODY_BYTES && announced <= maxBytes) await hold(announced);
    const chunks: Buffer[] = [];
    // Chunks are copied as they arrive: joining 10 MB at once would block. Untouched pages take no memory.
    const whole = isHeld ? Buffer.allocUnsafeSlow(announced) : undefined;
    for await (const chunk of source) {
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

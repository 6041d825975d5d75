import type { Readable } from 'node:stream';
import { Dicer } from '@fastify/busboy';
import { invalidFields } from '../kernel/errors.ts';
import { headerParameters } from './header-parameters.ts';

/** What is said before a part's content. */
export interface PartHeader {
  /** for messages: `part 2 ("logo.png")` */
  label: string;
  name: string;
  /** undefined: it is a field, not a file */
  filename: string | undefined;
  /** the header `Content-Type` */
  type: string | undefined;
}

/** Called for one part after the other. It reads the content to its end, or throws. */
export type OnPart = (header: PartHeader, content: AsyncIterable<Buffer>) => Promise<void>;

/** Of one part. */
const MAX_HEADERS = 20;

/** The boundary that a `Content-Type` of multipart/form-data names. @throws CodedError `invalid_request` */
export function boundaryOf(contentType: string): string {
  const boundary = headerParameters(contentType)?.parameters.get('boundary') ?? '';
  if (/^[ -~]{1,70}$/.test(boundary)) return boundary;
  throw invalidFields([{ field: 'Content-Type', message: 'required with multipart/form-data: boundary=…' }]);
}

/**
 * Reads a body of multipart/form-data. A part is worked on while it arrives; one that arrives faster waits.
 * @param maxParts parts, at most
 * @param mayBeEmpty whether a body may have no parts
 * @throws CodedError `invalid_request` that names the part, or what `chunks` or `onPart` throw
 */
export async function readMultipart(
  chunks: AsyncIterable<Buffer>,
  { boundary, maxParts, mayBeEmpty = false }: { boundary: string; maxParts: number; mayBeEmpty?: boolean },
  onPart: OnPart,
): Promise<void> {
  const parser = new Dicer({ boundary, maxHeaderPairs: MAX_HEADERS });
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined); // it may come when nobody waits
  const ended = Promise.withResolvers<void>();
  let count = 0;
  let isAtHeader = false;
  let last: Readable | undefined;
  let earlier = Promise.resolve(); // the work on all parts before the last one
  let work = Promise.resolve();
  const fail = (message: string) => failure.reject(malformed(count, message));
  parser.on('part', (part) => {
    // An error may come at any time, and without a listener it would end the process.
    part.on('error', () => fail('it is cut off'));
    if (isAtHeader) return fail('its headers are cut off'); // of the part before
    isAtHeader = true;
    last = part;
    const number = ++count;
    if (number > maxParts) return fail(`allowed: at most ${maxParts} parts`);
    part.once('header', (headers) => {
      isAtHeader = false;
      earlier = work;
      work = earlier.then(() => onPart(partHeader(headers as Record<string, string[]>, number), part));
      work.catch(failure.reject);
    });
  });
  parser.on('error', () => fail(count === 0 ? 'it has no part with this boundary' : 'it is cut off'));
  parser.on('finish', () => (isAtHeader ? fail('its headers are cut off') : ended.resolve()));
  const unlessFailed = <T>(waiting: Promise<T>) => Promise.race([waiting, failure.promise]);
  const write = (chunk: Buffer) => new Promise<void>((done) => parser.write(chunk, () => done()));
  try {
    for await (const chunk of chunks) {
      // After the last boundary anything may follow, and means nothing.
      await unlessFailed(Promise.race([write(chunk), ended.promise]));
      await unlessFailed(earlier); // small parts must not pile up
    }
    parser.end();
    await unlessFailed(ended.promise);
    await unlessFailed(work);
    if (count === 0 && !mayBeEmpty) throw malformed(0, 'it has no parts');
  } finally {
    last?.destroy(); // nothing more comes for those who still read
    await work.catch(() => undefined);
  }
}

function malformed(part: number, message: string) {
  return invalidFields([{ field: part === 0 ? '(body)' : `part ${part}`, message: `multipart/form-data: ${message}` }]);
}

/** @throws CodedError `invalid_request` */
function partHeader(headers: Record<string, string[]>, number: number): PartHeader {
  const refuse = (message: string) => malformed(number, message);
  const [disposition, another] = headers['content-disposition'] ?? [];
  if (disposition === undefined || another !== undefined)
    throw refuse('required: one header Content-Disposition: form-data; name="…"');
  const parsed = headerParameters(disposition);
  if (parsed?.value !== 'form-data')
    throw refuse('Content-Disposition: allowed: form-data; name="…"; filename="…", in UTF-8');
  const name = parsed.parameters.get('name');
  if (name === undefined || name === '') throw refuse('Content-Disposition: required: a name');
  const encoding = headers['content-transfer-encoding']?.[0] ?? 'binary';
  if (!['7bit', '8bit', 'binary'].includes(encoding.trim().toLowerCase()))
    throw refuse('Content-Transfer-Encoding: allowed: binary');
  const filename = parsed.parameters.get('filename');
  const shown = filename ?? name;
  const label = `part ${number} (${JSON.stringify(shown.length > 100 ? `${shown.slice(0, 100)}…` : shown)})`;
  return { label, name, filename, type: headers['content-type']?.[0]?.trim() };
}

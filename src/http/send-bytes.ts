import type { Database } from '../db/pools.ts';
import { CodedError } from '../kernel/errors.ts';
import { type ByteRange, type Store, wholeOf, type WhichFile } from '../storage/store.ts';
import { answered } from './answered.ts';
import { byteRange, namesTag } from './byte-range.ts';
import type { AppContext } from './route.ts';

export interface SentBytes {
  /** for reads of one tenant */
  db: Database;
  store: Store;
  file: WhichFile;
  /** what the file is, for messages */
  what: 'PDF' | 'asset';
  etag: string;
  /** of every answer, 304 too */
  headers: Record<string, string>;
  /** of an answer with bytes */
  contentHeaders: Record<string, string>;
  /** whose share it takes; default: the owner's */
  party?: string | undefined;
  /** called when the rest cannot be read */
  onCutOff: (error: unknown) => void;
}

/**
 * Streams a file from its store, within the tenant's share; HEAD reads no bytes. GET may have `Range` and conditions.
 * @throws CodedError before the first byte if the file cannot be sent
 */
export async function sendBytes(c: AppContext, sent: SentBytes): Promise<Response> {
  const { db, store, file, etag, headers, contentHeaders, onCutOff } = sent;
  const { size } = file;
  const { party = file.userId } = sent;
  const { underWay } = c.var;
  const { method } = c.req;
  if (method !== 'POST' && namesTag(c.req.header('if-none-match'), etag))
    return new Response(null, { status: 304, headers });
  const range = method === 'GET' ? rangeOf(c, sent) : 'whole';
  const which = range === 'whole' ? wholeOf(file) : range;
  const length = which.last - which.first + 1;
  let body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null = null;
  if (method !== 'HEAD' && length > 0) {
    await underWay.holdDownload(party, length, answered(c)); // chunks for a slow reader stay in memory
    const pieces = store.open(db, file, which)[Symbol.asyncIterator]();
    // A turn is for a connection to the database.
    const next = () => (store.isInDatabase ? underWay.reading(party, () => pieces.next()) : pieces.next());
    const first = await next();
    const onError = (error: unknown) => {
      onCutOff(error);
      c.env.outgoing.destroy(); // otherwise the client would take the file for complete
    };
    // A stream would cost a small file more than everything else here.
    const isWhole = !first.done && first.value.byteLength === length && (await next()).done;
    body = isWhole ? (first.value as Uint8Array<ArrayBuffer>) : await streamOf(pieces, { first, next, onError });
  }
  return new Response(body, {
    status: range === 'whole' ? 200 : 206,
    headers: {
      ...headers,
      ...contentHeaders,
      'Content-Length': String(length),
      'Accept-Ranges': 'bytes',
      ...(range !== 'whole' && { 'Content-Range': `bytes ${which.first}-${which.last}/${size}` }),
      'X-Content-Type-Options': 'nosniff',
    },
  });
}

/** @throws CodedError `range_not_satisfiable` */
function rangeOf(c: AppContext, { etag, what, file: { size } }: SentBytes): ByteRange | 'whole' {
  const condition = c.req.header('if-range');
  const range = condition === undefined || condition.trim() === etag ? byteRange(c.req.header('range'), size) : 'whole';
  if (range !== 'unsatisfiable') return range;
  const message = `Range: the ${what} has ${size} bytes; allowed: bytes=0-${size - 1}, or a part of that`;
  throw new CodedError('range_not_satisfiable', message, { headers: { 'Content-Range': `bytes */${size}` } });
}

interface Source {
  /** what was read already, if something was */
  first?: IteratorResult<Uint8Array>;
  next: () => Promise<IteratorResult<Uint8Array>>;
  /** closes the connection, and with it the stream */
  onError: (error: unknown) => void;
}

/** The first chunk is read at once: an expired file must still become a 410. A closed connection closes the file. */
export async function streamOf(
  pieces: AsyncIterator<Uint8Array>,
  { first: read, next, onError }: Source,
): Promise<ReadableStream<Uint8Array>> {
  const first = read ?? (await next());
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (!first.done) controller.enqueue(first.value);
    },
    pull: async (controller) => {
      try {
        const piece = await next();
        if (piece.done) controller.close();
        else controller.enqueue(piece.value);
      } catch (error) {
        onError(error);
      }
    },
    cancel: async () => {
      await pieces.return?.();
    },
  });
}

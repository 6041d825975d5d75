import type { Database } from '../db/pools.ts';
import { getJobFile } from '../jobs/read.ts';
import { CodedError } from '../kernel/errors.ts';
import type { ByteRange } from '../storage/store.ts';
import type { Stores } from '../storage/stores.ts';
import { answered } from './answered.ts';
import { byteRange, namesTag } from './byte-range.ts';
import type { Events } from '../telemetry/events.ts';
import { aboutOf, type AppContext } from './route.ts';

export interface SendDeps {
  reads: Database;
  stores: Stores;
  events: Events;
}

/** The number of resources that did not load. */
const FAILED_RESOURCES = 'X-Failed-Resources';
/** How much was not waited for, if anything. */
const INCOMPLETE = 'X-Incomplete';

interface SendInput {
  userId: string;
  jobId: string;
  /** of the file among those of the job, from 0; default: the first, as the PDF of the job */
  position?: number | undefined;
  disposition: 'attachment' | 'inline';
}

/**
 * Streams a job's PDF from its store, within the tenant's share; HEAD reads no bytes. GET may have `Range` and
 * conditions.
 * @throws CodedError before the first byte if the PDF cannot be sent
 */
export async function sendPdf(
  c: AppContext,
  { reads, stores, events }: SendDeps,
  { disposition, position, ...which }: SendInput,
): Promise<Response> {
  const { userId } = which;
  const { underWay } = c.var;
  const file = await underWay.reading(userId, () => getJobFile(reads, { ...which, position: position ?? 0 }));
  const { fileId, size, filename } = file;
  const store = stores.of(file);
  if (!store) throw new CodedError('unavailable', 'the PDF is in a store that this service cannot reach now');
  const etag = `"${file.sha256}"`;
  const headers = {
    'Content-Location': `/v1/jobs/${which.jobId}/${position === undefined ? 'pdf' : `files/${position}`}`,
    'Cache-Control': 'private, no-cache',
    ETag: etag,
    [FAILED_RESOURCES]: String(file.failedResourceCount),
    ...(file.incomplete.length > 0 && { [INCOMPLETE]: String(file.incomplete.length) }),
  };
  const { method } = c.req;
  if (method !== 'POST' && namesTag(c.req.header('if-none-match'), etag))
    return new Response(null, { status: 304, headers });
  const range = method === 'GET' ? rangeOf(c, etag, size) : 'whole';
  const { first, last } = range === 'whole' ? { first: 0, last: size - 1 } : range;
  const length = last - first + 1;
  let body: ReadableStream<Uint8Array> | null = null;
  if (method !== 'HEAD') {
    await underWay.holdDownload(userId, length, answered(c)); // chunks for a slow reader stay in memory
    const pieces = store.open(reads, { userId, fileId, size }, { first, last })[Symbol.asyncIterator]();
    body = await streamOf(pieces, {
      // A turn is for a connection to the database.
      next: () => (store.isInDatabase ? underWay.reading(userId, () => pieces.next()) : pieces.next()),
      onError: (error) => {
        events.downloadCutOff({ ...aboutOf(c), jobId: which.jobId, userId }, error);
        c.env.outgoing.destroy(); // otherwise the client would take the PDF for complete
      },
    });
  }
  return new Response(body, {
    status: range === 'whole' ? 200 : 206,
    headers: {
      ...headers,
      'Content-Type': 'application/pdf',
      'Content-Length': String(length),
      'Content-Disposition': contentDisposition(disposition, filename),
      'Accept-Ranges': 'bytes',
      ...(range !== 'whole' && { 'Content-Range': `bytes ${first}-${last}/${size}` }),
      'X-Content-Type-Options': 'nosniff',
    },
  });
}

/** @throws CodedError `range_not_satisfiable` */
function rangeOf(c: AppContext, etag: string, size: number): ByteRange | 'whole' {
  const condition = c.req.header('if-range');
  const range = condition === undefined || condition.trim() === etag ? byteRange(c.req.header('range'), size) : 'whole';
  if (range !== 'unsatisfiable') return range;
  const message = `Range: the PDF has ${size} bytes; allowed: bytes=0-${size - 1}, or a part of that`;
  throw new CodedError('range_not_satisfiable', message, { headers: { 'Content-Range': `bytes */${size}` } });
}

interface Source {
  next: () => Promise<IteratorResult<Uint8Array>>;
  /** closes the connection, and with it the stream */
  onError: (error: unknown) => void;
}

/** Reads the first chunk at once: an expired file must still become a 410. A closed connection closes the file. */
async function streamOf(
  pieces: AsyncIterator<Uint8Array>,
  { next, onError }: Source,
): Promise<ReadableStream<Uint8Array>> {
  const first = await next();
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

/** RFC 6266: an ASCII name for old clients, and the real name. */
export function contentDisposition(disposition: string, name: string): string {
  const filename = name.replaceAll(/\p{Bidi_Control}/gu, ''); // older versions accepted them
  const ascii = filename.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(filename).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${disposition}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

import type { Database } from '../db/pools.ts';
import { getJobFile } from '../jobs/read.ts';
import { CodedError } from '../kernel/errors.ts';
import type { PdfStores } from '../storage/pdf-stores.ts';
import { answered } from './answered.ts';
import type { AppContext } from './route.ts';

interface SendInput {
  userId: string;
  jobId: string;
  disposition: 'attachment' | 'inline';
}

/**
 * Streams a job's PDF from the store that it is in, in its tenant's turns; for HEAD without looking at the bytes.
 * @throws CodedError before the first byte if there is none to send
 */
export async function sendPdf(
  c: AppContext,
  { reads, stores }: { reads: Database; stores: PdfStores },
  { disposition, ...which }: SendInput,
): Promise<Response> {
  const { userId } = which;
  const { underWay } = c.var;
  const {
    fileId,
    store: kind,
    size,
    sha256,
    filename,
  } = await underWay.reading(userId, () => getJobFile(reads, which));
  const store = stores.of(kind);
  if (!store) throw new CodedError('unavailable', 'the PDF is in a store that this service cannot reach now');
  let body: ReadableStream<Uint8Array> | null = null;
  if (c.req.method !== 'HEAD') {
    await underWay.holdDownload(userId, size, answered(c)); // a slow reader keeps some of it in our memory
    const pieces = store.open(reads, { userId, fileId })[Symbol.asyncIterator]();
    body = await streamOf(pieces, () => underWay.reading(userId, () => pieces.next()));
  }
  return new Response(body, {
    headers: {
      'Content-Type': 'application/pdf',
      'Content-Length': String(size),
      'Content-Disposition': contentDisposition(disposition, filename),
      'Content-Location': `/v1/jobs/${which.jobId}/pdf`,
      'Cache-Control': 'private, no-cache',
      ETag: `"${sha256}"`,
      'X-Content-Type-Options': 'nosniff',
    },
  });
}

/** With the first piece read: an expired file must still become a 410. Who hangs up lets go of what was opened. */
async function streamOf(
  pieces: AsyncIterator<Uint8Array>,
  next: () => Promise<IteratorResult<Uint8Array>>,
): Promise<ReadableStream<Uint8Array>> {
  const first = await next();
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (!first.done) controller.enqueue(first.value);
    },
    pull: async (controller) => {
      const piece = await next();
      if (piece.done) controller.close();
      else controller.enqueue(piece.value);
    },
    cancel: async () => {
      await pieces.return?.();
    },
  });
}

/** RFC 6266: an ASCII name for old clients, the real one for all others. */
export function contentDisposition(disposition: string, filename: string): string {
  const ascii = filename.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(filename).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${disposition}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

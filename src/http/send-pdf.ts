import type { Database } from '../db/pools.ts';
import { getJobFile } from '../jobs/read.ts';
import type { PdfStore } from '../storage/pdf-store.ts';

interface SendInput {
  userId: string;
  jobId: string;
  disposition: 'attachment' | 'inline';
}

/** Streams a job's PDF. @throws CodedError before the first byte if there is none to send */
export async function sendPdf(
  { reads, store }: { reads: Database; store: PdfStore },
  { disposition, ...which }: SendInput,
): Promise<Response> {
  const { fileId, size, sha256, filename } = await getJobFile(reads, which);
  const pieces = store.open(reads, { userId: which.userId, fileId })[Symbol.asyncIterator]();
  const first = await pieces.next(); // an expired file must still become a 410
  const body = ReadableStream.from(
    (async function* () {
      for (let piece = first; !piece.done; piece = await pieces.next()) yield piece.value;
    })(),
  );
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

/** RFC 6266: an ASCII name for old clients, the real one for all others. */
function contentDisposition(disposition: string, filename: string): string {
  const ascii = filename.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(filename).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${disposition}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

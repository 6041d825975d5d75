import { createHash } from 'node:crypto';
import { getJobZip } from '../jobs/read.ts';
import { CodedError } from '../kernel/errors.ts';
import { answered } from './answered.ts';
import { namesTag } from './byte-range.ts';
import { aboutOf, type AppContext } from './route.ts';
import { streamOf } from './send-bytes.ts';
import { contentDisposition, headersOfJob, type SendDeps, type SendInput, storeOf } from './send-pdf.ts';
import { MAX_ZIP_BYTES, type ZippedFile, zipSize, zipStream } from './zip-stream.ts';

/**
 * Streams all files of a job as a zip, within the tenant's share; HEAD reads no bytes. GET may have conditions, but
 * gets no ranges: they would need the checksums of what comes before.
 * @throws CodedError before the first byte if the first file cannot be sent
 */
export async function sendZip(
  c: AppContext,
  { reads, stores, events }: SendDeps,
  { disposition, userId, jobId }: Omit<SendInput, 'position'>,
): Promise<Response> {
  const { underWay } = c.var;
  const { method } = c.req;
  const zip = await underWay.reading(userId, () => getJobZip(reads, { userId, jobId }));
  const files = zip.files.map((file): ZippedFile & { sha256: string } => {
    const { fileId, name, size, sha256 } = file;
    const store = storeOf(stores, file);
    const read = () => {
      const pieces = store.open(reads, { userId, fileId, size })[Symbol.asyncIterator]();
      if (!store.isInDatabase) return { [Symbol.asyncIterator]: () => pieces };
      // A turn is for a connection to the database.
      const next = () => underWay.reading(userId, () => pieces.next());
      const stop = async (): Promise<IteratorResult<Uint8Array>> =>
        (await pieces.return?.()) ?? { done: true, value: undefined };
      return { [Symbol.asyncIterator]: () => ({ next, return: stop }) };
    };
    return { name, size, sha256, read };
  });
  const size = zipSize(files);
  if (size > MAX_ZIP_BYTES)
    throw new CodedError('pdf_too_large', `the files have ${size} bytes in a zip; allowed: ${MAX_ZIP_BYTES}`);
  const etag = `"${createHash('sha256')
    .update(JSON.stringify(files.map(({ name, sha256 }) => [name, sha256])))
    .digest('hex')}"`;
  const headers = headersOfJob(zip, { etag, location: `/v1/jobs/${jobId}/pdf` });
  if (method !== 'POST' && namesTag(c.req.header('if-none-match'), etag))
    return new Response(null, { status: 304, headers });
  let body: ReadableStream<Uint8Array> | null = null;
  if (method !== 'HEAD') {
    await underWay.holdDownload(userId, size, answered(c)); // chunks for a slow reader stay in memory
    const pieces = zipStream(files, zip.completedAt);
    body = await streamOf(pieces, {
      next: () => pieces.next(),
      onError: (error) => {
        events.downloadCutOff({ ...aboutOf(c), jobId, userId }, error);
        c.env.outgoing.destroy(); // otherwise the client would take the zip for complete
      },
    });
  }
  return new Response(body, {
    headers: {
      ...headers,
      'Content-Type': 'application/zip',
      'Content-Disposition': contentDisposition(disposition, zip.name),
      'Content-Length': String(size),
      'Accept-Ranges': 'none',
      'X-Content-Type-Options': 'nosniff',
    },
  });
}

import { createHash } from 'node:crypto';
import { contentDisposition } from '../domain/content-disposition.ts';
import { getJobZip } from '../jobs/read.ts';
import type { WhichFile } from '../storage/store.ts';
import type { StoredAt } from '../storage/stores.ts';
import { answered } from './answered.ts';
import { namesTag } from './byte-range.ts';
import { aboutOf, type AppContext } from './route.ts';
import { streamOf } from './send-bytes.ts';
import { headersOfJob, type SendDeps, type SendInput, storeOf } from './send-pdf.ts';
import { type ZippedFile, zipSize, zipStream } from '../kernel/zip-stream.ts';

/**
 * Streams all files of a job as a zip, within the tenant's share; HEAD reads no bytes. GET may have conditions, but
 * gets no ranges: they would need the checksums of what comes before.
 * @throws CodedError before the first byte if the first file cannot be sent
 */
export async function sendZip(
  c: AppContext,
  deps: SendDeps,
  { disposition, userId, jobId }: Omit<SendInput, 'position'>,
): Promise<Response> {
  const zip = await c.var.underWay.reading(userId, () => getJobZip(deps.reads, { userId, jobId }));
  const files = zip.files.map((file) => ({ ...file, read: reader(c, deps, { userId, ...file }) }));
  const etag = `"${createHash('sha256')
    .update(JSON.stringify(files.map(({ name, sha256 }) => [name, sha256])))
    .digest('hex')}"`;
  return sendFiles(c, deps, {
    about: { userId, jobId },
    name: zip.name,
    disposition,
    at: zip.completedAt,
    size: zipSize(files),
    files,
    etag,
    headers: headersOfJob(zip, { etag, location: `/v1/jobs/${jobId}/pdf` }),
  });
}

/** What reads a file, in turns of its owner. @throws CodedError `unavailable` */
export function reader(c: AppContext, { reads, stores }: SendDeps, file: WhichFile & StoredAt): ZippedFile['read'] {
  const { underWay } = c.var;
  const { userId, fileId, size } = file;
  const store = storeOf(stores, file);
  return () => {
    const pieces = store.open(reads, { userId, fileId, size })[Symbol.asyncIterator]();
    if (!store.isInDatabase) return { [Symbol.asyncIterator]: () => pieces };
    // A turn is for a connection to the database.
    const next = () => underWay.reading(userId, () => pieces.next());
    const stop = async (): Promise<IteratorResult<Uint8Array>> =>
      (await pieces.return?.()) ?? { done: true, value: undefined };
    return { [Symbol.asyncIterator]: () => ({ next, return: stop }) };
  };
}

interface SentZip {
  /** whose and which it is, for the log */
  about: { userId: string; jobId?: string; batchId?: string };
  name: string;
  disposition: string;
  /** the time of every file */
  at: Date;
  /** bytes, as {@link zipSize} says */
  size: number;
  files: Iterable<ZippedFile> | AsyncIterable<ZippedFile>;
  /** there is memory for it already */
  isHeld?: boolean;
  etag: string;
  /** of every answer, 304 too */
  headers: Record<string, string>;
}

/** Streams files as a zip. @throws CodedError before the first byte if the first file cannot be sent */
export async function sendFiles(c: AppContext, { events }: Pick<SendDeps, 'events'>, zip: SentZip): Promise<Response> {
  const { about, size, etag, headers } = zip;
  const { underWay } = c.var;
  const { method } = c.req;
  if (method !== 'POST' && namesTag(c.req.header('if-none-match'), etag))
    return new Response(null, { status: 304, headers });
  let body: ReadableStream<Uint8Array> | null = null;
  if (method !== 'HEAD') {
    if (!zip.isHeld) await underWay.holdDownload(about.userId, size, answered(c)); // chunks for a slow reader stay in memory
    const pieces = zipStream(zip.files, zip.at);
    body = await streamOf(pieces, {
      next: () => pieces.next(),
      onError: (error) => {
        events.downloadCutOff({ ...aboutOf(c), ...about }, error);
        c.env.outgoing.destroy(); // otherwise the client would take the zip for complete
      },
    });
  }
  return new Response(body, {
    headers: {
      ...headers,
      'Content-Type': 'application/zip',
      'Content-Disposition': contentDisposition(zip.disposition, zip.name),
      'Content-Length': String(size),
      'Accept-Ranges': 'none',
      'X-Content-Type-Options': 'nosniff',
    },
  });
}

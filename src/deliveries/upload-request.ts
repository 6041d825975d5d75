import { Readable } from 'node:stream';
import { asc, eq } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { file } from '../db/schema.ts';
import { contentDisposition } from '../domain/content-disposition.ts';
import type { EndedJob } from '../domain/job-event.ts';
import { contentTypeOf } from '../domain/media-type.ts';
import { resultName, zipName } from '../domain/result-name.ts';
import { uniqueName } from '../domain/unique-name.ts';
import { type ZippedFile, zipSize, zipStream } from '../kernel/zip-stream.ts';
import type { Stores } from '../storage/stores.ts';
import type { ClaimedDelivery } from './claim.ts';
import type { PreparedRequest } from './prepared-request.ts';

interface UploadDeps {
  db: Database;
  stores: Stores;
}

/** Milliseconds of an upload for which nothing may move. */
const IDLE_MS = 30_000;
/** Milliseconds of an upload in all: a minute, and a second for each megabyte. */
const totalMs = (size: number) => 60_000 + size / BYTES_PER_MS;
const BYTES_PER_MS = 1_000;

/**
 * The job's file, as a stream from its store, or a zip of its files if there are several.
 * @returns words that say why another try would not help, if there is nothing to send
 */
export async function uploadRequest(
  { db, stores }: UploadDeps,
  { userId, options }: Pick<ClaimedDelivery, 'userId' | 'options'>,
  job: EndedJob,
): Promise<PreparedRequest | string> {
  const wanted = await db.select().from(file).where(eq(file.jobId, job.id)).orderBy(asc(file.position));
  if (wanted.length === 0 || wanted.some(({ expiredAt }) => expiredAt)) return 'the file is gone';
  const name = job.filename ?? job.id;
  const files: (ZippedFile & { type: string })[] = [];
  const taken = new Set<string>();
  for (const { id: fileId, size, position, type, name: own, ...row } of wanted) {
    const store = stores.of(row);
    if (!store) return 'the store of the file is not known any longer';
    const read = () => store.open(db, { userId, fileId, size });
    files.push({
      name: uniqueName(own ?? resultName(name, { position, type }), position + 1, taken),
      size,
      type: contentTypeOf(type),
      read,
    });
  }
  const [only, another] = files;
  const sent = only && !another ? { ...only, pieces: only.read() } : zipOf(files, name, job.completedAt);
  const { method = 'PUT', disposition } = options;
  return {
    method,
    headers: {
      'Content-Type': sent.type,
      ...(disposition && { 'Content-Disposition': contentDisposition(disposition, sent.name) }),
    },
    body: Readable.from(sent.pieces, { highWaterMark: 1 }),
    size: sent.size,
    totalMs: totalMs(sent.size),
    idleMs: IDLE_MS,
  };
}

function zipOf(files: readonly ZippedFile[], name: string, at: Date) {
  return { name: zipName(name), type: 'application/zip', size: zipSize(files), pieces: zipStream(files, at) };
}

import type { Database } from '../db/pools.ts';
import { contentTypeOf, type FileType, HTML_TYPE } from '../domain/media-type.ts';
import { type FoundFile, getJobFile } from '../jobs/read.ts';
import { contentDisposition } from '../domain/content-disposition.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Store } from '../storage/store.ts';
import type { StoredAt, Stores } from '../storage/stores.ts';
import type { Events } from '../telemetry/events.ts';
import { aboutOf, type AppContext } from './route.ts';
import { sendBytes } from './send-bytes.ts';

export interface SendDeps {
  reads: Database;
  stores: Stores;
  events: Events;
}

/** The number of resources that did not load. */
const FAILED_RESOURCES = 'X-Failed-Resources';
/** How much was not waited for, if anything. */
const INCOMPLETE = 'X-Incomplete';

export interface SendInput {
  userId: string;
  jobId: string;
  /** of the file among those of the job, from 0; default: the first, as the PDF of the job */
  position?: number | undefined;
  /** the same, if it was found already */
  file?: FoundFile | undefined;
  disposition: 'attachment' | 'inline';
}

/**
 * Streams a job's PDF from its store, within the tenant's share; HEAD reads no bytes. GET may have `Range` and
 * conditions.
 * @throws CodedError before the first byte if the PDF cannot be sent
 */
export async function sendPdf(
  c: AppContext,
  deps: SendDeps,
  { disposition, position, file: found, ...which }: SendInput,
): Promise<Response> {
  const { userId } = which;
  const { underWay } = c.var;
  const file =
    found ?? (await underWay.reading(userId, () => getJobFile(deps.reads, { ...which, position: position ?? 0 })));
  const etag = etagOf(file);
  const location = `/v1/jobs/${which.jobId}/${position === undefined ? 'pdf' : `files/${position}`}`;
  const headers = headersOfJob(file, { etag, location });
  return sendFoundFile(c, deps, { ...which, file, headers, disposition });
}

/**
 * Streams a file that was found, as {@link sendPdf}.
 * @param found `headers`: of every answer, 304 too, with its ETag
 */
export async function sendFoundFile(
  c: AppContext,
  { reads, stores, events }: SendDeps,
  found: {
    userId: string;
    jobId: string;
    file: FoundFile;
    headers: Record<string, string>;
    disposition: string;
    party?: string | undefined;
  },
): Promise<Response> {
  const { userId, jobId, file, headers, disposition, party } = found;
  const { fileId, size, first, type, filename } = file;
  return sendBytes(c, {
    db: reads,
    store: storeOf(stores, file),
    file: { userId, fileId, size, first },
    party,
    what: 'PDF',
    etag: etagOf(file),
    headers,
    contentHeaders: {
      'Content-Type': contentTypeOf(type),
      'Content-Disposition': contentDisposition(safely(disposition, type), filename),
      ...(type === HTML_TYPE && { 'Content-Security-Policy': 'sandbox' }),
    },
    onCutOff: (error) => events.downloadCutOff({ ...aboutOf(c), jobId, userId }, error),
  });
}

/** A browser must not show the HTML of somebody's page as one of ours. */
export function safely<D extends string>(disposition: D, type: FileType): D | 'attachment' {
  return type === HTML_TYPE ? 'attachment' : disposition;
}

export function etagOf({ sha256 }: FoundFile): string {
  return `"${sha256}"`;
}

/** @throws CodedError `unavailable` */
export function storeOf(stores: Stores, file: StoredAt): Store {
  const store = stores.of(file);
  if (!store) throw new CodedError('unavailable', 'the PDF is in a store that this service cannot reach now');
  return store;
}

/** Headers of every answer with what a job has made, 304 too. */
export function headersOfJob(
  { failedResourceCount, incomplete }: { failedResourceCount: number; incomplete: readonly string[] },
  { etag, location }: { etag: string; location: string },
): Record<string, string> {
  return {
    'Content-Location': location,
    'Cache-Control': 'private, no-cache',
    ETag: etag,
    [FAILED_RESOURCES]: String(failedResourceCount),
    ...(incomplete.length > 0 && { [INCOMPLETE]: String(incomplete.length) }),
  };
}

import { contentDisposition } from '../domain/content-disposition.ts';
import { contentTypeOf } from '../domain/media-type.ts';
import { type FoundFile, getJobFile } from '../jobs/read.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { type Link, signLink } from '../links/link-token.ts';
import { isHttps } from './console/session.ts';
import type { AppContext, AppDeps } from './route.ts';
import { safely, storeOf } from './send-pdf.ts';

/** Who sends the file of a link. */
export const VIAS = ['service', 'bucket'] as const;

type LinkDeps = Pick<AppDeps, 'reads' | 'stores' | 'linkKeys' | 'publicUrl'>;

interface LinkInput extends Pick<Link, 'userId' | 'jobId' | 'disposition'> {
  /** position of the file among those of the job, from 0 */
  file: number;
  /** seconds */
  expiresIn: number;
  via: (typeof VIAS)[number];
}

/**
 * A URL that anybody can read a file of a job with, until then or until the file expires.
 * @throws CodedError `not_found`, `job_not_ready`, `file_expired`, `invalid_request` that names the field
 */
export async function makeLink(
  c: AppContext,
  deps: LinkDeps,
  input: LinkInput,
): Promise<{ url: string; expiresAt: string; disposition: Link['disposition'] }> {
  const { userId, jobId, file: position, expiresIn, via } = input;
  const which = { userId, jobId, position };
  const found = await c.var.underWay.reading(userId, () => getJobFile(deps.reads, which, () => noSuchFile(position)));
  const now = Date.now();
  const expiresAt = Math.min(now + expiresIn * 1_000, found.expiresAt.getTime());
  if (expiresAt <= now) throw new CodedError('file_expired', 'the PDF is no longer kept');
  const disposition = safely(input.disposition, found.type);
  if (via === 'bucket') return { ...linkOfBucket(deps, found, { ...input, disposition, now, expiresAt }), disposition };
  const { linkRevocations: revocations } = found;
  const link = { userId, jobId, position, disposition, revocations, expiresAt };
  const token = signLink(link, await deps.linkKeys.newest());
  const url = `${deps.publicUrl ?? originOf(c)}/v1/links/${token}`;
  return { url, expiresAt: new Date(expiresAt).toISOString(), disposition };
}

const noSuchFile = (position: number) =>
  invalidFields([
    { field: 'file', message: `the job has no file ${position}; allowed: a place in GET /v1/jobs/{id}/files, from 0` },
  ]);

/** Buckets count in whole seconds. */
function linkOfBucket(
  { stores }: LinkDeps,
  found: FoundFile,
  { disposition, now, expiresAt }: LinkInput & { now: number; expiresAt: number },
): { url: string; expiresAt: string } {
  const from = Math.floor(now / 1_000);
  const seconds = Math.floor(expiresAt / 1_000) - from;
  if (seconds < 1) throw new CodedError('file_expired', 'the PDF is no longer kept');
  const url = storeOf(stores, found).link?.(found.fileId, {
    now: new Date(now),
    seconds,
    contentType: contentTypeOf(found.type),
    contentDisposition: contentDisposition(disposition, found.filename),
  });
  if (url === undefined)
    throw invalidFields([{ field: 'via', message: 'the file is not in a bucket; allowed: service' }]);
  return { url, expiresAt: new Date((from + seconds) * 1_000).toISOString() };
}

/** Where the request came to. */
export function originOf(c: AppContext): string {
  return `${isHttps(c) ? 'https' : 'http'}://${new URL(c.req.url).host}`;
}

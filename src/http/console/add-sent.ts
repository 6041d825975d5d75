import type { Hono } from 'hono';
import { readFailurePicture } from '../../jobs/page-reports.ts';
import { findOwner } from '../../jobs/search-jobs.ts';
import { readSentDocument, type SentPart } from '../../jobs/sent-document.ts';
import { contentDisposition } from '../../domain/content-disposition.ts';
import { CodedError } from '../../kernel/errors.ts';
import { aboutOf, type AppContext, type AppDeps, type AppEnv } from '../route.ts';
import { sendBytes } from '../send-bytes.ts';
import type { Looked } from './acted.ts';
import { sentPage } from './sent-page.ts';
import { requires, sessionOf } from './session.ts';

/** No script of a document runs as one of our pages, wherever it is opened. */
const AS_A_FILE = { 'Content-Security-Policy': 'sandbox', 'Cache-Control': 'no-store' };

/** Adds what was sent for a job, and the picture of its failure: both for those who may see documents. After `signedIn`. */
export function addSent(app: Hono<AppEnv>, { deps, looked }: { deps: AppDeps; looked: Looked }): void {
  const { reads, adminDb, assetStores, events } = deps;
  const ownerOf = async (c: AppContext) => {
    const jobId = c.req.param('id') ?? '';
    const owner = await findOwner(adminDb, jobId);
    if (!owner) throw new CodedError('not_found', 'there is no such job');
    return { userId: owner.userId, jobId };
  };
  const sentOf = (c: AppContext, which: { userId: string; jobId: string }) =>
    c.var.underWay.reading(which.userId, () => readSentDocument(reads, which));
  const partOf = async (c: AppContext, which: { userId: string; jobId: string }) => {
    const { parts } = await sentOf(c, which);
    return found(parts.find(({ position }) => String(position) === c.req.param('part')));
  };

  app.get('/jobs/:id/sent', requires('seeDocuments'), async (c) => {
    const which = await ownerOf(c);
    const sent = await sentOf(c, which);
    await looked(c, 'looked at the source', { jobId: which.jobId, subjectUserId: which.userId });
    return c.html(sentPage(sessionOf(c), which.jobId, sent));
  });
  app.get('/jobs/:id/sent/:part/text', requires('seeDocuments'), async (c) => {
    const which = await ownerOf(c);
    const { position, text, type } = await partOf(c, which);
    if (text === undefined) throw new CodedError('not_found', 'the part has no text');
    await looked(c, 'looked at the source', { jobId: which.jobId, subjectUserId: which.userId });
    return c.body(text, 200, {
      ...AS_A_FILE,
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Disposition': contentDisposition('attachment', `part-${position + 1}.${type}`),
    });
  });
  app.get('/jobs/:id/sent/:part/files/:n', requires('seeDocuments'), async (c) => {
    const { userId, jobId } = await ownerOf(c);
    const { position, files } = await partOf(c, { userId, jobId });
    const n = c.req.param('n');
    const file = fileOf(files, n);
    const store = assetStores.of(file);
    if (!store) throw new CodedError('unavailable', 'the file is in a store that this service cannot reach now');
    // By its number: a name is the tenant's, and would stay after the user is erased.
    const detail = { part: position, file: Number(n) };
    await looked(c, 'looked at a file of the source', { jobId, subjectUserId: userId, detail });
    const etag = `"${file.sha256}"`;
    return sendBytes(c, {
      db: reads,
      store,
      file: { userId, fileId: file.id, size: file.size },
      what: 'asset',
      etag,
      headers: { ...AS_A_FILE, ETag: etag },
      contentHeaders: {
        'Content-Type': file.type,
        'Content-Disposition': contentDisposition('attachment', file.name.replace(/^.*\//, '')),
      },
      onCutOff: (error) => events.downloadCutOff({ ...aboutOf(c), userId }, error),
    });
  });
  app.get('/jobs/:id/picture', requires('seeDocuments'), async (c) => {
    const which = await ownerOf(c);
    const bytes = await c.var.underWay.reading(which.userId, () => readFailurePicture(reads, which));
    await looked(c, 'looked at the picture', { jobId: which.jobId, subjectUserId: which.userId });
    return c.body(new Uint8Array(bytes), 200, { 'Content-Type': 'image/jpeg' });
  });
}

const fileOf = (files: SentPart['files'], n = '') => found(/^(0|[1-9]\d{0,3})$/.test(n) ? files[Number(n)] : undefined);

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new CodedError('not_found', 'there is no such file of the job');
  return value;
}

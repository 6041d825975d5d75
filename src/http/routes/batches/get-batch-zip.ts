import { checkZip, findFiles, listZip } from '../../../batches/batch-zip.ts';
import { getBatch } from '../../../batches/read-batch.ts';
import { zipName } from '../../../domain/result-name.ts';
import { answered } from '../../answered.ts';
import { readQuery } from '../../query.ts';
import { pdfQuery, zipConditions, zipResponses } from '../../pdf-operation.ts';
import type { AppContext, AppDeps, Operation } from '../../route.ts';
import { idOf } from '../../schemas.ts';
import { storeOf } from '../../send-pdf.ts';
import { reader, sendFiles } from '../../send-zip.ts';
import { type ZippedFile, zipSize } from '../../../kernel/zip-stream.ts';

/** Bytes of memory for each file of the list, which is kept until the zip is sent. */
const LISTED_BYTES = 250;

export function getBatchZipRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/batches/{id}/zip',
    scope: 'jobs:read',
    operationId: 'getBatchZip',
    summary: 'All files of the completed items of a batch that has ended',
    description:
      'A file is named as its item says, or by its row: `00001.pdf`. GET and HEAD support `If-None-Match`, but no ranges. Zips of more than 4 GB or 65,534 files are in the format zip64.',
    requestParams: { path: idOf('batch'), query: pdfQuery, header: zipConditions },
    responses: zipResponses,
    problems: ['not_found', 'invalid_request', 'batch_not_ready', 'file_expired', 'pdf_too_large'],
    handle: (c) => sendBatchZip(c, deps),
  };
}

async function sendBatchZip(c: AppContext, deps: AppDeps): Promise<Response> {
  const { underWay, principal } = c.var;
  const { userId } = principal;
  const { disposition } = readQuery(c, pdfQuery);
  const turn = <T>(query: () => Promise<T>) => underWay.reading(userId, query);
  const batch = await turn(() => getBatch(deps.reads, { userId, batchId: c.req.param('id') ?? '' }));
  checkZip(batch);
  const which = { userId, batchId: batch.id };
  await underWay.holdDownload(userId, Infinity, answered(c), LISTED_BYTES * batch.items.completed);
  const { entries, etag, places } = await listZip(deps.reads, { ...which, total: batch.items.total }, turn);
  for (const place of places) storeOf(deps.stores, place); // now, and not in the middle of the zip
  async function* files(): AsyncGenerator<ZippedFile> {
    for await (const file of findFiles(deps.reads, which, entries, turn))
      yield { name: file.name, size: file.size, read: reader(c, deps, { userId, ...file }) };
  }
  return sendFiles(c, deps, {
    about: which,
    name: zipName(batch.filename ?? batch.id),
    disposition,
    at: new Date(batch.completedAt ?? batch.createdAt),
    size: zipSize(entries),
    files: files(),
    isHeld: true,
    etag,
    headers: { 'Content-Location': `/v1/batches/${batch.id}/zip`, 'Cache-Control': 'private, no-cache', ETag: etag },
  });
}

import { expect, it } from 'vitest';
import { AssetReader } from '../../src/assets/asset-reader.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { PartContents } from '../../src/jobs/part-content.ts';
import { runParts } from '../../src/jobs/run.ts';
import { startFinisher } from '../support/finisher.ts';
import { startService } from '../support/service.ts';
import { createTenants } from '../support/tenants.ts';

const service = await startService();
const { db, stores, assetStores } = service.base;
const [ann] = await createTenants(service, ['ann@memory.example']);
if (!ann) throw new Error('there is no tenant');
const { userId, jobs } = ann;
const finisher = await startFinisher();
const renderer = { render: () => Promise.reject(new Error('nothing is printed')) };

/** A job of so many parts, each the same PDF, where three of them fit. */
async function run(count: number) {
  const [file] = await service.sql`select size from pdfprompt_file where job_id = ${jobs.completed}`;
  const size = Number(file?.['size']);
  const caps = { maxBytes: size, maxTotalBytes: 3 * size };
  const assets = new AssetReader({ db, assetStores, cacheBytes: 0 });
  const compose = () => Promise.reject(new Error('nothing is composed'));
  const contents = new PartContents({ db, assets, stores, composer: { compose }, caps });
  const parsed = parsePdfRequest({ parts: Array.from({ length: count }, () => ({ pdf: { job: jobs.completed } })) });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  const parts = parsed.request.parts.map((part, position) => ({ ...part, title: undefined, position, hasFiles: false, templateVersion: undefined })); // prettier-ignore
  let read = 0;
  const outcome = await runParts(
    { renderer, finisher },
    {
      parts,
      settings: parsed.request,
      pdfOf: async (part, limits) => {
        const pdf = await contents.pdf(part, { userId, jobId: jobs.queued, ...limits });
        read++;
        return pdf;
      },
    },
    { tenant: userId },
  );
  return { outcome, read };
}

it('the PDFs of a job are not read into memory beyond what a document may use', async () => {
  expect(await run(3)).toMatchObject({ outcome: { kind: 'done' }, read: 3 });
  expect(await run(500)).toMatchObject({ outcome: { kind: 'reject', code: 'pdf_too_large' }, read: 3 });
});

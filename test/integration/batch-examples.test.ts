import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Batch, BatchItem } from '../../src/domain/batch.ts';
import { principalOf } from '../support/accounts.ts';
import { completeItems, makeBatch } from '../support/batches.ts';
import { temporaryDirectory } from '../support/files.ts';
import { blocksOf } from '../support/document-examples.ts';
import { readPdf } from '../support/pdf.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const run = promisify(execFile);
const checkout = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(checkout, 'docs/batches.md'), 'utf8');
const blocks = blocksOf(page, 'sh');
const example = (part: string) => {
  const found = blocks.filter((text) => text.includes(part));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
};

const service = await startService();
/** Prints what is sent to it. */
const printing = await startService({ worker: true });
const { userId } = await principalOf(service.base.db, service.key);
const directory = await temporaryDirectory('batch-examples');
await mkdir(join(directory, 'bin'));
await writeFile(
  join(directory, 'bin', 'npx'),
  `#!/bin/sh\nshift\nexec '${process.execPath}' '${join(checkout, 'bin', 'pdfprompt.js')}' "$@"\n`,
  { mode: 0o755 },
);

/** Runs the example with the address and the key of a service, and this batch; nothing else of it is changed. */
async function shell(text: string, batch = '', { address, key } = service): Promise<string> {
  const script = text.replaceAll('http://127.0.0.1:3000', address).replaceAll('pdf_…', key);
  const PATH = `${join(directory, 'bin')}:${process.env.PATH}`;
  const env = { PATH, HOME: directory, BATCH: batch, PDFPROMPT_URL: address, PDFPROMPT_KEY: key };
  return (await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: directory, env })).stdout;
}

it('the examples of docs/batches.md are nine, and those about a batch that is there are run', async () => {
  expect(blocks).toHaveLength(9);
  const of = { userId, items: 3, result: 'merged' as const };
  const { id, jobs } = await makeBatch(service.sql, of);
  await completeItems(service, (job) => (job === jobs[1] ? [] : [Buffer.from('%PDF-1.7 of one')]));
  const batch = JSON.parse(await shell(example('curl -sS --fail-with-body "http://127.0.0.1:3000/v1/batches/$BATCH" -H'), id)) as Batch; // prettier-ignore
  expect(batch).toMatchObject({ id, status: 'completed', items: { total: 3, completed: 2, failed: 1 } });
  const { items, next } = JSON.parse(await shell(example('/items?status=failed'), id)) as {
    items: BatchItem[];
    next: number | null;
  };
  expect([items.map(({ row, error }) => [row, error?.code]), next]).toEqual([[[2, 'print_failed']], null]);
  await shell(example('-o all.zip'), id);
  expect((await readFile(join(directory, 'all.zip'))).subarray(0, 2).toString()).toBe('PK');
  await shell(example('-o all.pdf'), id);
  expect((await readFile(join(directory, 'all.pdf'))).toString()).toBe('%PDF-1.7 of one');
  const open = await makeBatch(service.sql, of);
  expect(JSON.parse(await shell(example('-X DELETE'), open.id))).toMatchObject({ status: 'cancelled' });
  const again = JSON.parse(await shell(example('/retry"'), id)) as Batch;
  expect(again).toMatchObject({ id, status: 'processing', items: { total: 3, completed: 2, open: 1 } });
});

it('those that send one print its documents', async () => {
  const schema = { properties: { number: { type: 'string' }, total: { type: 'number' } } };
  const files = {
    'index.html': { text: '<title>Invoice {{ number }}</title><p>{{ customer.name }}: {{ total | times: 2 }}</p>' },
    'schema.json': { text: JSON.stringify(schema) },
  };
  const put = await printing.request('/v1/templates/invoice', { method: 'PUT', body: JSON.stringify({ files }) });
  expect(put.status).toBe(201);
  await writeFile(join(directory, 'invoices.csv'), blocksOf(page, 'csv').join(''));
  const texts = ['Ann Example: 238', 'Bob, Carl & Sons: 119'];
  const pagesOf = async (pdf: ArrayBuffer | Buffer) => (await readPdf(pdf)).text.map((text) => text.trim());
  for (const part of ['-F items=@invoices.csv', '"items": [']) {
    const { id } = JSON.parse(await shell(example(part), '', printing)) as Batch;
    const read = async () => (await (await printing.request(`/v1/batches/${id}`)).json()) as Batch;
    await eventually(async () => (await read()).completedAt !== null, 60_000, 'the batch ends');
    expect(await read()).toMatchObject({ status: 'completed', result: 'merged', items: { total: 2, completed: 2 } });
    const merged = await printing.request(`/v1/batches/${id}/pdf`);
    expect(await pagesOf(await merged.arrayBuffer())).toEqual(texts);
  }
  await shell(example('npx pdfprompt batch'), '', printing);
  const written = join(directory, 'invoices');
  expect((await readdir(written)).filter((name) => !name.startsWith('.')).toSorted()).toEqual(['2031-0001.pdf', '2031-0002.pdf']); // prettier-ignore
  expect(await pagesOf(await readFile(join(written, '2031-0001.pdf')))).toEqual([texts[0]]);
  expect(await pagesOf(await readFile(join(directory, 'invoices.pdf')))).toHaveLength(2);
}, 120_000);

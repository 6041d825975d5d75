import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Batch, BatchItem } from '../../src/domain/batch.ts';
import { principalOf } from '../support/accounts.ts';
import { completeItems, makeBatch } from '../support/batches.ts';
import { temporaryDirectory } from '../support/files.ts';
import { startService } from '../support/service.ts';

const run = promisify(execFile);
const checkout = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(checkout, 'docs/batches.md'), 'utf8');
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
const example = (part: string) => {
  const found = blocks.filter((text) => text.includes(part));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
};

const service = await startService();
const { userId } = await principalOf(service.base.db, service.key);
const directory = await temporaryDirectory('batch-examples');

/** Runs the example with the address and the key of this service, and this batch; nothing else of it is changed. */
async function shell(text: string, batch: string): Promise<string> {
  const script = text.replaceAll('http://127.0.0.1:3000', service.address).replaceAll('pdf_…', service.key);
  const env = { PATH: process.env.PATH, BATCH: batch };
  return (await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: directory, env })).stdout;
}

it('the examples of docs/batches.md are five, and are run', async () => {
  expect(blocks).toHaveLength(5);
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
});

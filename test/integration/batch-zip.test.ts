import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql as query } from 'drizzle-orm';
import { afterAll, describe, expect, it } from 'vitest';
import { unzip } from '../../src/sources/unzip.ts';
import { principalOf } from '../support/accounts.ts';
import { completeItems, endItems, makeBatch } from '../support/batches.ts';
import { startService } from '../support/service.ts';

const root = mkdtempSync(join(tmpdir(), 'pdfprompt-test-batch-zip-'));
afterAll(() => rmSync(root, { recursive: true }));

/** The files of a zip, by name. */
async function unpacked(response: Response): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(root, 'one-'));
  const bytes = Buffer.from(await response.arrayBuffer());
  expect(bytes.length).toBe(Number(response.headers.get('content-length')));
  writeFileSync(join(folder, 'all.zip'), bytes);
  const place = (_: string, index: number) => join(folder, String(index));
  const files = await unzip(join(folder, 'all.zip'), { maxFiles: 2_000, maxBytes: 100_000_000, place });
  return Object.fromEntries(files.map((file) => [file.name, digest(readFileSync(file.path))]));
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const problemOf = async (response: Response) => ({
  status: response.status,
  ...((await response.json()) as { code: string; detail: string }),
});

const directory = mkdtempSync(join(tmpdir(), 'pdfprompt-test-batch-store-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe.each([
  ['the database', {}],
  ['a directory', { PDF_STORE: `file://${directory}` }],
])('the zip of a batch, from %s', async (_, env: Record<string, string>) => {
  const service = await startService({ env });
  const { sql, request, base } = service;
  const { userId } = await principalOf(base.db, service.key);
  const zipOf = (id: string, init: RequestInit = {}) => request(`/v1/batches/${id}/zip`, init);

  it('has every file of every completed item, with names of their own', async () => {
    const named = [
      { filename: 'invoice' },
      { filename: 'Invoice.pdf' },
      {},
      { filename: 'two.pdf' },
      {},
      { filename: '00005.pdf' },
    ];
    const items = [...named, ...Array.from({ length: 150 }, () => ({}))];
    const { id, jobs } = await makeBatch(sql, { userId, items, result: 'zip', filename: 'May' });
    const open = await problemOf(await zipOf(id));
    expect(open).toMatchObject({ status: 409, code: 'batch_not_ready' });
    expect(open.detail).toBe('the batch is processing, with 156 of 156 items open; the zip is there when it has ended');
    const bytes = new Map(jobs.map((job) => [job, [randomBytes(10_000)]]));
    bytes.set(jobs[3] ?? '', [randomBytes(10), randomBytes(1_500_000)]);
    bytes.delete(jobs[2] ?? '');
    await completeItems(service, (job) => bytes.get(job) ?? []);
    const response = await zipOf(id);
    expect(response.headers.get('content-disposition')).toContain('May.zip');
    const found = await unpacked(response);
    const of = (row: number, file = 0) => digest(bytes.get(jobs[row - 1] ?? '')?.[file] ?? new Uint8Array());
    expect(found).toMatchObject({
      'invoice.pdf': of(1),
      'Invoice (2).pdf': of(2),
      'two.pdf': of(4),
      'two-2.pdf': of(4, 1),
      '00005.pdf': of(5),
      '00005 (6).pdf': of(6),
      '00156.pdf': of(156),
    });
    expect(Object.keys(found)).toHaveLength(156);
    expect(Object.keys(found)).not.toContain('00003.pdf');

    const head = await zipOf(id, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(response.headers.get('content-length'));
    const etag = head.headers.get('etag') ?? '';
    expect((await zipOf(id, { headers: { 'If-None-Match': etag } })).status).toBe(304);
  });

  it('is refused with clear words if there is nothing in it, or not any longer', async () => {
    const failed = await makeBatch(sql, { userId, items: 3 });
    await endItems(sql, failed.jobs, 'failed');
    expect(await problemOf(await zipOf(failed.id))).toMatchObject({
      status: 409,
      code: 'batch_not_ready',
      detail: 'no item of the batch is completed: 3 have failed, 0 are cancelled',
    });
    const expired = await makeBatch(sql, { userId, items: 2 });
    await completeItems(service, () => [Buffer.from('%PDF')]);
    await sql`update pdfprompt_file set expired_at = now() where job_id = ${expired.jobs[1] ?? ''}`;
    expect(await problemOf(await zipOf(expired.id))).toMatchObject({ status: 410, code: 'file_expired' });
  });

  it(
    'may have more files than the tenant has memory for at once, and comes alone then',
    { timeout: 20_000 },
    async () => {
      const { id } = await makeBatch(sql, { userId, items: 1 });
      await completeItems(service, () => [Buffer.from('%PDF')]);
      await sql`update pdfprompt_batch_count set completed = 100000 where batch_id = ${id}`;
      expect(Object.keys(await unpacked(await zipOf(id)))).toEqual(['00001.pdf']);
    },
  );

  it('is cut off, and that is logged, if a file is lost while it is sent', async () => {
    const { id, jobs } = await makeBatch(sql, { userId, items: 30 });
    await completeItems(service, () => [randomBytes(1_000_000)]);
    const response = await zipOf(id);
    const reading = response.body?.getReader();
    await reading?.read();
    const [file] = await sql<{ id: string }[]>`select id from pdfprompt_file where job_id = ${jobs[29] ?? ''}`;
    await base.stores.current.remove(base.db, [file?.id ?? '']);
    const rest = async () => {
      while (!(await reading?.read())?.done);
    };
    await expect(rest()).rejects.toThrow('terminated');
    expect(service.lines.some((line) => line.includes('download.aborted') && line.includes(id))).toBe(true);
    await base.db.execute(query`delete from pdfprompt_batch where id = ${id}`);
  });

  it('is read no faster than it is taken', async () => {
    const { id } = await makeBatch(sql, { userId, items: 40 });
    await completeItems(service, () => [randomBytes(1_000_000)]);
    const before = process.memoryUsage().arrayBuffers;
    const responses = await Promise.all(Array.from({ length: 3 }, () => zipOf(id)));
    const readers = responses.map((response) => response.body?.getReader());
    for (const reader of readers) await reader?.read();
    await new Promise((done) => setTimeout(done, 300));
    // Forty megabytes each; sockets and streams keep a few.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60_000_000);
    for (const reader of readers) await reader?.cancel();
  });
});

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { forgetReferences, PDF } from '../../src/finishing/libpdf.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { cpuMs, privateBytes, processTree } from '../../src/memory/processes.ts';
import { makeBatch } from '../support/batches.ts';
import { textOfPages } from '../support/pdf-tools.ts';
import { commandOf } from '../support/processes.ts';
import type { BenchOptions } from './options.ts';
import type { Result, Stage } from './stage.ts';

/** Really printed; the others are these with the number of their row on them. */
const PRINTED = 50;
const ROWS_AT_A_TIME = 100;
const SAMPLE_MS = 50;
const FIXTURE = new URL('../fixtures/invoice.html', import.meta.url);

/** Of a kind of process: most bytes that one had, and milliseconds of CPU that it had used when it was last seen. */
interface Use {
  bytes: number;
  cpu: number;
}

/**
 * Merges a batch of invoices of one page, tagged and with bookmarks, by a real worker and from the database.
 * @param files how many invoices, and where the merged PDF is put
 */
export async function merge(stage: Stage, { files: [invoiceCount = '10000', output] }: BenchOptions): Promise<Result> {
  const count = Number(invoiceCount);
  const { userId } = await stage.user('merge@bench.example');
  const batch = await makeBatch(stage.sql, { userId, items: count, result: 'merged' });
  const stored = await store(stage, userId, batch.jobs);
  await stage.sql`delete from pgboss.job`;
  const others = await stage.pids();
  await stage.start(['work', '--concurrency', '1'], /pdfprompt works/);
  const worker = (await stage.pids()).find((pid) => !others.includes(pid)) ?? 0;
  const uses = new Map<string, Use>();
  const sampler = setInterval(() => sample(worker, uses), SAMPLE_MS);
  sample(worker, uses);
  const before = uses.get('worker')?.cpu ?? 0;
  const startedAt = performance.now();
  await stage.sql`update pdfprompt_job set status = 'completed', completed_at = now() where batch_id = ${batch.id}`;
  const acceptedMs = performance.now() - startedAt;
  const job = await ended(stage, batch.id);
  const ms = performance.now() - startedAt - acceptedMs;
  sample(worker, uses);
  clearInterval(sampler);
  const pdf = await read(stage, job);
  const path = output ?? join(stage.directory, 'merged.pdf');
  writeFileSync(path, pdf);
  const texts = textOfPages(pdf);
  const wrong = texts.filter((text, index) => !text.includes(nonceOf(index + 1))).length;
  const mb = (bytes: number) => Math.round(bytes / MEGABYTE);
  return {
    invoices: `${count}, ${Math.round(stored / count)} bytes each`,
    'the end of all items, in one statement': `${Math.round(acceptedMs)} ms`,
    'from there to the end of the batch': `${Math.round(ms)} ms, ${(ms / count).toFixed(1)} ms for each`,
    'CPU of the worker': `${Math.round((uses.get('worker')?.cpu ?? 0) - before)} ms`,
    'CPU of the process that merges': `${Math.round(uses.get('steps')?.cpu ?? 0)} ms`,
    'most memory of the worker': `${mb(uses.get('worker')?.bytes ?? 0)} MB`,
    'most memory of the process that merges': `${mb(uses.get('steps')?.bytes ?? 0)} MB`,
    'merged PDF': `${pdf.length} bytes, ${((100 * pdf.length) / stored).toFixed(1)} % of its items, ${texts.length} pages`,
    'pages without the number of their row': wrong,
  };
}

const nonceOf = (row: number) => `row ${row} of this batch: ${(row * 7_919) % 100_003}.`;

/** @returns bytes of all */
async function store(stage: Stage, userId: string, jobs: readonly string[]): Promise<number> {
  const printed = await invoices(stage);
  let sum = 0;
  for (let at = 0; at < jobs.length; at += ROWS_AT_A_TIME) {
    forgetReferences();
    const rows = await Promise.all(jobs.slice(at, at + ROWS_AT_A_TIME).map(async (job, index) => {
      const pdf = await PDF.load(printed[(at + index) % printed.length]!);
      pdf.setTitle(`Invoice ${at + index + 1}`);
      pdf.getPage(0)!.drawText(nonceOf(at + index + 1), { x: 40, y: 20, size: 8 });
      const bytes = Buffer.from(await pdf.save({ incremental: true }));
      return { id: uuidv7(), job, bytes, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    })); // prettier-ignore
    const described = rows.map(({ id, job, size, sha256 }) => ({ id, job, size, sha256 }));
    await stage.sql`
      insert into pdfprompt_file (id, job_id, user_id, store, size, pages, sha256, expires_at)
      select id, job, ${userId}, 'postgres', size, 1, decode(sha256, 'hex'), now() + interval '1 day'
      from json_to_recordset(${JSON.stringify(described)}::text::json) as f (id uuid, job uuid, size bigint, sha256 text)`;
    for (const { id, bytes } of rows)
      await stage.sql`insert into pdfprompt_file_chunk (file_id, seq, bytes) values (${id}, 0, ${bytes})`;
    sum += rows.reduce((total, { size }) => total + size, 0);
  }
  return sum;
}

async function invoices(stage: Stage): Promise<Uint8Array[]> {
  const renderer = await stage.renderer();
  const html = readFileSync(FIXTURE, 'utf8');
  const pdfs: Uint8Array[] = [];
  for (let number = 1; number <= PRINTED; number++) {
    const own = html.replace('Invoice #: 123', `Invoice #: ${number}`);
    const parsed = parsePdfRequest({ html: own, options: { tagged: true, outline: true } });
    if (!parsed.ok) throw new Error('the document is not a valid request');
    const outcome = await renderer.render(onlyPart(parsed.request), { tenant: 'bench' });
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
    pdfs.push(Buffer.concat(outcome.pdf.chunks));
  }
  await renderer.stop();
  return pdfs;
}

/** @returns the id of the job that has the merged PDF */
async function ended(stage: Stage, batchId: string): Promise<string> {
  for (;;) {
    const [row] = await stage.sql<{ status: string; message: string | null; job: string }[]>`
      select b.status, b.error_message as message, j.id as job from pdfprompt_batch b
        join pdfprompt_job j on j.batch_id = b.id and j.batch_row is null
      where b.id = ${batchId} and b.completed_at is not null`;
    if (row?.status === 'completed') return row.job;
    if (row) throw new Error(`the batch is ${row.status}: ${row.message}`);
    await sleep(100);
  }
}

async function read(stage: Stage, job: string): Promise<Buffer> {
  const chunks = await stage.sql<{ bytes: Buffer }[]>`
    select c.bytes from pdfprompt_file f join pdfprompt_file_chunk c on c.file_id = f.id where f.job_id = ${job} order by c.seq`;
  return Buffer.concat(chunks.map(({ bytes }) => bytes));
}

function sample(worker: number, uses: Map<string, Use>): void {
  const note = (kind: string, pid: number) => {
    const known = uses.get(kind) ?? { bytes: 0, cpu: 0 };
    uses.set(kind, { bytes: Math.max(known.bytes, privateBytes(pid)), cpu: Math.max(known.cpu, cpuMs(pid) ?? 0) });
  };
  note('worker', worker);
  for (const pid of processTree(worker)) if (commandOf(pid).includes('finishing/child')) note('steps', pid);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { mergeItems, type MergeItemsDeps } from '../../src/batches/merge-items.ts';
import type { FileType } from '../../src/domain/media-type.ts';
import { PDF } from '../../src/finishing/libpdf.ts';
import { type MergeGroup, Merger, type MergerOptions } from '../../src/finishing/merger.ts';
import { claimJobs, isItem } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { Span } from '../../src/telemetry/span.ts';
import { principalOf } from '../support/accounts.ts';
import { countsOf, makeBatch, type MadeBatch } from '../support/batches.ts';
import { undoLater } from '../support/clean-up.ts';
import { doneWith } from '../support/outcomes.ts';
import { inspectPdf } from '../support/pdf-oracle.ts';
import { qpdfProblems, textOfPages } from '../support/pdf-tools.ts';
import { commandOf, descendants, eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';
import { silentEvents } from '../support/silent-events.ts';

const service = await startService();
const { base, sql } = service;
const { db, stores } = base;
const { userId } = await principalOf(db, service.key);
const retentionMs = 3_600_000;
const workerId = uuidv7();
await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;

const CAPS = { maxBytes: 100 * MEGABYTE, maxPages: 10_000, memoryBytes: 1_000 * MEGABYTE };
async function startMerger(options: Partial<MergerOptions> = {}): Promise<Merger> {
  const merger = new Merger({ caps: CAPS, events: silentEvents(), waitMs: 60_000, ...options });
  await merger.start();
  undoLater(() => merger.stop());
  return merger;
}
const merger = await startMerger();

interface ItemFile {
  texts: string[];
  type?: FileType;
}

/** A PDF with a page for each text, and a title. */
async function pdfOf(texts: readonly string[], title = ''): Promise<Uint8Array> {
  const pdf = PDF.create();
  pdf.setTitle(title);
  for (const text of texts) pdf.addPage({ size: 'a4' }).drawText(text, { x: 50, y: 700, size: 12 });
  return pdf.save();
}

/** Ends the items of a batch as a worker does. @param filesOf of a row; 'failed' if it fails */
async function endItems({ jobs }: MadeBatch, filesOf: (row: number) => ItemFile[] | 'failed'): Promise<void> {
  const rows = new Map(jobs.map((id, index) => [id, index + 1]));
  for (;;) {
    const claimed = await claimJobs(base, { workerId, count: 200 });
    const items = claimed.filter(isItem);
    for (const job of items) {
      const row = rows.get(job.id) ?? 0;
      const files = filesOf(row);
      const failure = { kind: 'reject', code: 'print_failed', message: 'it could not be printed' } as const;
      const made = files === 'failed' ? [] : await Promise.all(files.map(async ({ texts, type }, at) => {
        const [file] = doneWith(await pdfOf(texts, at === 0 && row % 5 === 0 ? `Title of ${row}` : '')).files;
        return { ...file!, pages: texts.length, ...(type && { type }) };
      })); // prettier-ignore
      const outcome = files === 'failed' ? failure : { ...doneWith(new Uint8Array()), files: made };
      await finishJob({ ...base, retentionMs }, job, outcome);
    }
    if (items.length === 0) return;
  }
}

const nonceOf = (row: number, page = 0) => `row-${row}-page-${page}-${(row * 7_919 + page) % 99_991}`;

function merge(
  batchId: string,
  deps: Partial<MergeItemsDeps> = {},
  context: { signal?: AbortSignal; timeoutMs?: number } = {},
) {
  const { signal = new AbortController().signal, timeoutMs = 600_000 } = context;
  const own = { db, stores, merger, caps: { maxPages: 10_000 }, ...deps };
  return mergeItems(own, { userId, batchId }, { timeoutMs, signal, span: new Span() });
}

async function mergedBytes(...args: Parameters<typeof merge>): Promise<Buffer> {
  const outcome = await merge(...args);
  if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
  const [file] = outcome.files;
  const bytes = Buffer.concat(file!.chunks);
  expect(bytes.length).toBe(file!.size);
  return bytes;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const stepsProcesses = () => descendants(process.pid).filter((pid) => commandOf(pid).includes('finishing/child'));

describe('the items of a batch become one PDF', () => {
  it('page by page in the order of their rows, in groups of any size', async () => {
    const items = Array.from({ length: 130 }, (_, index) => (index % 3 === 0 ? { filename: `own-${index + 1}.pdf` } : {})); // prettier-ignore
    const batch = await makeBatch(sql, { userId, items, result: 'merged' });
    await sql`update pdfprompt_part set settings = '{"title": "Asked for", "cookies": []}' where job_id = ${batch.jobs[1]!}`;
    const filesOf = (row: number): ItemFile[] | 'failed' => {
      if (row % 13 === 0) return 'failed';
      const pages = row % 7 === 0 ? 2 : 1;
      const files = row % 11 === 0 ? 3 : 1;
      return Array.from({ length: files }, (_, file) => ({
        texts: Array.from({ length: pages }, (__, page) => nonceOf(row, file * pages + page)),
      }));
    };
    await endItems(batch, filesOf);
    expect(await countsOf(sql, batch.id)).toMatchObject({ open: 0, completed: 120, failed: 10 });
    const rows = batch.jobs.map((_, index) => index + 1).filter((row) => filesOf(row) !== 'failed');
    const pagesOf = (row: number) => (filesOf(row) as ItemFile[]).flatMap(({ texts }) => texts);
    const titleOf = (row: number) => row === 2 ? 'Asked for' : row % 5 === 0 ? `Title of ${row}` : (row - 1) % 3 === 0 ? `own-${row}.pdf` : `Row ${row}`; // prettier-ignore
    let page = 1;
    const bookmarks = rows.map((row) => {
      const at = page;
      page += pagesOf(row).length;
      return { level: 1, title: titleOf(row), page: at };
    });
    for (const documents of [1, 7, 50, 1_000]) {
      const bytes = await mergedBytes(batch.id, { group: { documents, bytes: 16 * MEGABYTE } });
      expect(textOfPages(bytes).map((text) => text.trim())).toEqual(rows.flatMap(pagesOf));
      expect(await inspectPdf(bytes)).toMatchObject({ problems: [], bookmarks });
      expect(qpdfProblems(bytes)).toBe('');
    }
    // Small groups because of their bytes.
    const bytes = await mergedBytes(batch.id, { group: { documents: 1_000, bytes: 5_000 } });
    expect(textOfPages(bytes).map((text) => text.trim())).toEqual(rows.flatMap(pagesOf));
    const kept = await sql`select settings from pdfprompt_part where job_id = ${batch.jobs[1]!}`;
    expect(kept).toEqual([{ settings: { title: 'Asked for' } }]);
  }, 300_000);
});

describe('what cannot be merged', () => {
  const failsWith = async (what: string, change: (job: string) => Promise<unknown>, files?: ItemFile[]) => {
    const batch = await makeBatch(sql, { userId, items: 4, result: 'merged' });
    await endItems(batch, (row) => (row === 3 && files) || [{ texts: [nonceOf(row)] }]);
    await change(batch.jobs[2]!);
    await expect(merge(batch.id)).resolves.toEqual({ kind: 'reject', code: 'job_failed', message: `row 3: ${what}` });
  };
  const fileOf = (job: string) => sql`(select id from pdfprompt_file where job_id = ${job})`;

  it('is named by its row', async () => {
    const expire = (job: string) => sql`update pdfprompt_file set expired_at = now() where job_id = ${job}`;
    await failsWith('its PDF is no longer kept', expire);
    await failsWith('its PDF is no longer kept', (job) => sql`delete from pdfprompt_file where job_id = ${job}`);
    await failsWith('its PDF is no longer kept', (job) => sql`delete from pdfprompt_file_chunk where file_id = ${fileOf(job)}`); // prettier-ignore
    await failsWith('its PDF is damaged', (job) => sql`update pdfprompt_file_chunk set bytes = substring(bytes from 2) where file_id = ${fileOf(job)}`); // prettier-ignore
    await failsWith('its PDF is damaged', (job) => sql`update pdfprompt_file_chunk set bytes = set_byte(bytes, 99, 0) where file_id = ${fileOf(job)}`); // prettier-ignore
    const picture: ItemFile[] = [{ texts: ['x'], type: 'image/png' }];
    await failsWith('it is image/png, and only PDFs are merged', async () => undefined, picture);
  });

  it('is a batch of somebody else, or without a PDF', async () => {
    const other = await principalOf(db, await service.newKey('bob@example.com'));
    const batch = await makeBatch(sql, { userId, items: 2, result: 'merged' });
    await endItems(batch, (row) => [{ texts: [nonceOf(row)] }]);
    const context = { timeoutMs: 60_000, signal: new AbortController().signal, span: new Span() };
    const deps = { db, stores, merger, caps: { maxPages: 10 } };
    const nothing = { kind: 'reject', code: 'job_failed', message: 'no item of the batch has a PDF' };
    await expect(mergeItems(deps, { userId: other.userId, batchId: batch.id }, context)).resolves.toEqual(nothing);
    await expect(merge(uuidv7())).resolves.toEqual(nothing);
  });

  it('has more pages or bytes than are allowed', async () => {
    const batch = await makeBatch(sql, { userId, items: 3, result: 'merged' });
    await endItems(batch, (row) => [{ texts: [nonceOf(row)] }]);
    await expect(merge(batch.id, { caps: { maxPages: 2 } })).resolves.toEqual({ kind: 'reject', code: 'too_many_pages', message: 'the items have 3 pages together; allowed in one PDF: 2' }); // prettier-ignore
    const small = await startMerger({ caps: { ...CAPS, maxBytes: 1_000 } });
    await expect(merge(batch.id, { merger: small })).resolves.toMatchObject({ kind: 'reject', code: 'pdf_too_large' });
    const few = await startMerger({ caps: { ...CAPS, maxPages: 2 } });
    await expect(merge(batch.id, { merger: few })).resolves.toMatchObject({ kind: 'reject', code: 'too_many_pages' });
  });
});

describe('a merge ends', () => {
  const group = async (isLast: boolean): Promise<MergeGroup> => ({
    pdfs: [{ chunks: [await pdfOf(['x'])], pages: 1 }],
    documents: [{ what: 'row 1', title: null, name: 'Row 1', isContinued: false }],
    isLast,
  });
  const context = (more: { signal?: AbortSignal; timeoutMs?: number } = {}) => ({ timeoutMs: 600_000, span: new Span(), ...more }); // prettier-ignore
  /** The first group, and then nothing for as long as anybody waits. */
  async function* stuck(onFirst: () => void): AsyncGenerator<MergeGroup> {
    yield await group(false);
    onFirst();
    await new Promise(() => undefined);
  }

  it('without any group that was added before', async () => {
    const kept: WeakRef<Uint8Array>[] = [];
    let alive = Infinity;
    async function* many(): AsyncGenerator<MergeGroup> {
      for (let at = 1; at <= 20; at++) {
        const next = await group(at === 20);
        if (at === 20) {
          await sleep(0);
          collectGarbage();
          alive = kept.filter((each) => each.deref() !== undefined).length;
        }
        kept.push(new WeakRef(next.pdfs[0]!.chunks[0]!));
        yield next;
      }
    }
    await expect(merger.merge(many(), context())).resolves.toMatchObject({ kind: 'done', pdf: { pages: 20 } });
    expect(alive).toBeLessThanOrEqual(3);
  });

  it('at once when it is cancelled, with its process', async () => {
    const own = await startMerger();
    const abort = new AbortController();
    const before = new Set(stepsProcesses());
    const merging = own.merge(stuck(() => abort.abort()), context({ signal: abort.signal })); // prettier-ignore
    await expect(merging).resolves.toEqual({ kind: 'interrupted' });
    await own.stop();
    await eventually(() => stepsProcesses().every((pid) => before.has(pid)), 60_000, 'its process has ended');
  });

  it('when its time is up', async () => {
    const merging = merger.merge(stuck(() => undefined), context({ timeoutMs: 3_000 })); // prettier-ignore
    await expect(merging).resolves.toMatchObject({ kind: 'reject', code: 'render_timeout' });
  });

  it('for another try when its process is killed', async () => {
    const own = await startMerger();
    const before = new Set(stepsProcesses());
    async function* killing(): AsyncGenerator<MergeGroup> {
      yield await group(false);
      const mine = stepsProcesses().filter((pid) => !before.has(pid));
      expect(mine).toHaveLength(1);
      process.kill(mine[0]!, 'SIGKILL');
      yield await group(true);
    }
    await expect(own.merge(killing(), context())).resolves.toMatchObject({ kind: 'retry', code: 'finishing_failed' });
  });

  it('for another worker when the store cannot be reached, or another merge takes long', async () => {
    async function* unreached(): AsyncGenerator<MergeGroup> {
      yield await group(false);
      throw new CodedError('unavailable', 'the store is gone');
    }
    await expect(merger.merge(unreached(), context())).resolves.toEqual({ kind: 'interrupted', reason: 'store' });
    const busy = await startMerger({ waitMs: 10 });
    const abort = new AbortController();
    const long = busy.merge(stuck(() => undefined), context({ signal: abort.signal })); // prettier-ignore
    await sleep(1);
    async function* one(): AsyncGenerator<MergeGroup> {
      yield await group(true);
    }
    await expect(busy.merge(one(), context())).resolves.toEqual({ kind: 'interrupted', reason: 'finishing' });
    abort.abort();
    await long;
    await expect(merger.merge(one(), context())).resolves.toMatchObject({ kind: 'done', pdf: { pages: 1 } });
  });
});

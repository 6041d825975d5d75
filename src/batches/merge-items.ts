import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../db/pools.ts';
import { PDF_TYPE } from '../domain/media-type.ts';
import type { Failure, Outcome } from '../domain/outcome.ts';
import type { MergedDocument } from '../finishing/merge/growing-merge.ts';
import type { MergeGroup, Merger } from '../finishing/merger.ts';
import { patiently, STORE_PAUSE_MS } from '../jobs/patiently.ts';
import { CodedError } from '../kernel/errors.ts';
import { forEachInSlots } from '../kernel/for-each-in-slots.ts';
import { MEGABYTE } from '../kernel/units.ts';
import { PdfDamaged } from '../storage/store.ts';
import type { Stores } from '../storage/stores.ts';
import type { Span } from '../telemetry/span.ts';
import { type CompletedFile, completedFiles, completedPages, type WhichBatch } from './completed-files.ts';

export interface MergeItemsDeps {
  db: Database;
  stores: Stores;
  merger: Pick<Merger, 'merge'>;
  /** of a merged PDF */
  caps: { maxPages: number };
  /** documents of a group, and their bytes unless one alone has more; default: what is read at once costs little memory */
  group?: { documents: number; bytes: number };
}

interface MergeItemsContext {
  /** of the job */
  timeoutMs: number;
  signal: AbortSignal;
  span: Span;
}

const GROUP = { documents: 100, bytes: 16 * MEGABYTE };
/** Files that are read at a time. */
const READS = 4;

/**
 * Makes one PDF of those of all completed items of a batch, in the order of their rows, each below a bookmark. Never
 * rejects: a file that cannot be merged fails the job with a message that names its row.
 */
export async function mergeItems(
  deps: MergeItemsDeps,
  batch: WhichBatch,
  context: MergeItemsContext,
): Promise<Outcome> {
  const { db, merger, caps } = deps;
  const { timeoutMs, signal, span } = context;
  const startedAt = performance.now();
  try {
    const pages = await patiently(() => completedPages(db, batch), signal);
    if (pages === 0) throw new CodedError('job_failed', 'no item of the batch has a PDF');
    if (pages > caps.maxPages)
      throw new CodedError('too_many_pages', `the items have ${pages} pages together; allowed in one PDF: ${caps.maxPages}`); // prettier-ignore
  } catch (error) {
    return failureOf(error, signal);
  }
  const left = Math.max(0, timeoutMs - (performance.now() - startedAt));
  const outcome = await merger.merge(groupsOf(deps, batch, signal), { timeoutMs: left, signal, span });
  if (outcome.kind === 'interrupted' && outcome.reason === 'store') await pause(signal);
  if (outcome.kind !== 'done') return outcome;
  const timings = { page: 0, load: 0, wait: 0, print: 0, finishing: Math.round(outcome.ms) };
  return { kind: 'done', files: [outcome.pdf], timings, failedResources: [], incomplete: [], missingFonts: [] };
}

async function failureOf(error: unknown, signal: AbortSignal): Promise<Failure> {
  if (signal.aborted) return { kind: 'interrupted' };
  if (!(error instanceof CodedError)) throw error;
  if (error.code !== 'unavailable') return { kind: 'reject', code: error.code, message: error.message };
  await pause(signal);
  return { kind: 'interrupted', reason: 'store' };
}

/** The job would be here again at once. */
const pause = (signal: AbortSignal) => sleep(STORE_PAUSE_MS, undefined, { signal }).catch(() => undefined);

async function* groupsOf(deps: MergeItemsDeps, batch: WhichBatch, signal: AbortSignal): AsyncGenerator<MergeGroup> {
  const most = deps.group ?? GROUP;
  let [files, bytes]: [CompletedFile[], number] = [[], 0];
  for await (const file of completedFiles(deps.db, batch)) {
    if (files.length > 0 && (files.length >= most.documents || bytes + file.size > most.bytes)) {
      yield await read(deps, batch, { files, isLast: false, signal });
      [files, bytes] = [[], 0];
    }
    files.push(file);
    bytes += file.size;
  }
  yield await read(deps, batch, { files, isLast: true, signal });
}

interface Reading {
  files: readonly CompletedFile[];
  isLast: boolean;
  signal: AbortSignal;
}

async function read(deps: MergeItemsDeps, { userId }: WhichBatch, reading: Reading): Promise<MergeGroup> {
  const { files, isLast, signal } = reading;
  const pdfs = files.map(({ pages }) => ({ chunks: [] as Uint8Array[], pages }));
  await forEachInSlots(files.entries(), READS, async ([index, file]) => {
    signal.throwIfAborted();
    pdfs[index] = { chunks: await patiently(() => bytesOf(deps, userId, file), signal), pages: file.pages };
  });
  return { pdfs, documents: files.map(describe), isLast };
}

function describe({ row, title, filename, position }: CompletedFile): MergedDocument {
  return { what: `row ${row}`, title, name: filename ?? `Row ${row}`, isContinued: position > 0 };
}

/** @throws CodedError `job_failed` if it cannot be merged, `unavailable` if it may be later */
async function bytesOf({ db, stores }: MergeItemsDeps, userId: string, file: CompletedFile): Promise<Uint8Array[]> {
  const { row, fileId, size, type, sha256 } = file;
  const failed = (what: string, cause?: unknown) => new CodedError('job_failed', `row ${row}: its PDF ${what}`, { cause }); // prettier-ignore
  if (fileId === null) throw failed('is no longer kept');
  if (type !== PDF_TYPE) throw new CodedError('job_failed', `row ${row}: it is ${type}, and only PDFs are merged`);
  const store = stores.of(file);
  if (!store) throw new CodedError('unavailable', 'a PDF is in a store that this service cannot reach now');
  const hash = createHash('sha256');
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of store.open(db, { userId, fileId, size })) {
      hash.update(chunk);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof PdfDamaged) throw failed('is damaged', error);
    if (error instanceof CodedError && error.code === 'file_expired') throw failed('is no longer kept', error);
    throw error;
  }
  if (hash.digest('hex') !== sha256) throw failed('is damaged');
  return chunks;
}

import { join } from 'node:path';
import { isFinal, type JobFile, type JobStatus } from '../domain/job.ts';
import { resultName } from '../domain/result-name.ts';
import { forEachInSlots } from '../kernel/for-each-in-slots.ts';
import { fetchFile } from './fetch-file.ts';
import type { PatientClient } from './patient-client.ts';
import { SafeNames } from './safe-names.ts';
import { Refusal } from '../kernel/service-client.ts';

/** Items on one page of a list. */
const PAGE = 200;
/** Files that are fetched at a time. */
const SLOTS = 6;
const PAUSE_MS = 500;

/** An item of a batch, as the service lists it. */
export interface ListedItem {
  row: number;
  /** id */
  job: string;
  status: JobStatus;
  filename: string | null;
  error: { code: string; message: string } | null;
  /** the first one */
  file: JobFile | null;
  files: number;
}

/** How many files there are by what became of them. */
export interface FetchedItems {
  written: number;
  /** that were there already */
  unchanged: number;
  /** that the service has no longer */
  expired: number;
}

/** Items with names, from one row on. */
interface Page {
  after: number;
  names: Map<number, string>;
  /** rows that need nothing any more */
  ended: Set<number>;
}

interface FetchInput {
  id: string;
  /** rows, those that were left out too */
  rows: number;
  directory: string;
  onFetched: (files: FetchedItems) => void;
}

/**
 * Fetches the files of a batch into a directory as its items complete. Files that are there already stay.
 * @returns when every item has ended, and its files are there
 * @throws OperatorError if they cannot be written, or the service refuses
 */
export async function fetchItems(client: PatientClient, input: FetchInput): Promise<FetchedItems> {
  const fetched: FetchedItems = { written: 0, unchanged: 0, expired: 0 };
  const names = new SafeNames();
  let open: Page[] = [];
  let next: number | null = 0;

  /** Reads a page. @returns the row to go on after */
  const read = async (page: Page): Promise<number | null> => {
    const path = `/v1/batches/${input.id}/items?limit=${PAGE}&after=${page.after}`;
    const list = await client.json<{ items: ListedItem[]; next: number | null }>({ method: 'GET', path });
    // In the order of the rows: pages are read first in this order.
    for (const { row, filename } of list.items)
      if (!page.names.has(row)) page.names.set(row, names.nameOf(nameOf(row, filename, input.rows), row));
    const ended = list.items.filter(({ row, status }) => !page.ended.has(row) && isFinal(status));
    await forEachInSlots(ended, SLOTS, async (item) => {
      const name = page.names.get(item.row) ?? '';
      if (item.status === 'completed') await fetchItem(client, item, join(input.directory, name), fetched);
      page.ended.add(item.row);
      input.onFetched(fetched);
    });
    return list.next;
  };

  for (;;) {
    for (const page of open) await read(page);
    open = open.filter(({ names: all, ended }) => ended.size < all.size);
    // Items end about in their order: where none of a page has ended, nor has one of the next.
    while (next !== null && (open.at(-1)?.ended.size ?? 1) > 0) {
      const page: Page = { after: next, names: new Map(), ended: new Set() };
      next = await read(page);
      if (page.ended.size < page.names.size) open.push(page);
    }
    if (open.length === 0 && next === null) return fetched;
    await client.pause(PAUSE_MS);
  }
}

/** Without an ending, which is that of the file. */
function nameOf(row: number, filename: string | null, rows: number): string {
  return (
    filename?.replace(/\.(?:pdf|png|jpe?g|webp)$/i, '') ?? String(row).padStart(Math.max(5, String(rows).length), '0')
  );
}

/** @param path without an ending; of several files it is the directory */
async function fetchItem(client: PatientClient, item: ListedItem, path: string, fetched: FetchedItems): Promise<void> {
  const { job, file, files } = item;
  if (!file) return;
  const all = files === 1 ? [file] : await listFiles(client, job);
  for (const [position, { url, type, sha256, size }] of all.entries()) {
    const name = resultName(path.replace(/^.*[/\\]/, ''), { position, type });
    const target = files === 1 ? resultName(path, { position, type }) : join(path, name);
    const from = `/v1/jobs/${encodeURIComponent(job)}/files/${position}`;
    const isWritten =
      url === null
        ? undefined
        : await fetchFile(client, { path: from, target, expected: { sha256, size } }).catch(unlessExpired);
    if (isWritten === undefined) fetched.expired++;
    else fetched[isWritten ? 'written' : 'unchanged']++;
  }
}

/** A file may expire before it is fetched. */
function unlessExpired(error: unknown): undefined {
  if (!(error instanceof Refusal) || (error.status !== 410 && error.status !== 404)) throw error;
}

async function listFiles(client: PatientClient, job: string): Promise<JobFile[]> {
  return (await client.json<{ data: JobFile[] }>({ method: 'GET', path: `/v1/jobs/${encodeURIComponent(job)}/files` }))
    .data;
}

import { basename } from 'node:path';
import type { Batch } from '../domain/batch.ts';
import type { Job } from '../domain/job.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { BatchProgress } from './batch-progress.ts';
import { LISTED } from './batch-report.ts';
import { fetchFile } from './fetch-file.ts';
import { type FetchedItems, fetchItems, type ListedItem } from './fetch-items.ts';
import { followBatch } from './follow-batch.ts';
import type { PatientClient } from './patient-client.ts';
import type { StatusLine } from './status-line.ts';

/** What becomes of a batch's files here. */
export type Target = { kind: 'items'; directory: string } | { kind: 'merged' | 'zip'; file: string } | undefined;

/** What is there when a batch has ended. */
interface EndedBatch {
  batch: Batch;
  /** of a directory */
  fetched: FetchedItems | undefined;
  /** whether the one file is there; undefined: there is none, or none is wanted */
  isFetched: boolean | undefined;
  /** the first items that failed */
  failed: ListedItem[];
}

/** Follows a batch to its end, with its progress on the line, and fetches what is wanted of it. */
export async function completeBatch(
  { client, line, progress }: { client: PatientClient; line: StatusLine; progress: BatchProgress },
  first: Batch,
  target: Target,
): Promise<EndedBatch> {
  const { id, items } = first;
  const draw = () => line.show((width) => progress.text(width));
  const onBatch = (batch: Batch) => {
    progress.update(batch, performance.now());
    draw();
  };
  onBatch(first);
  const follow = followBatch(client, id, onBatch);
  const fetch = target?.kind === 'items' && fetchItems(client, {
    id,
    rows: items.total + items.skipped,
    directory: target.directory,
    onFetched: ({ written, unchanged }) => {
      progress.fetched = written + unchanged;
      draw();
    },
  }); // prettier-ignore
  const [batch, fetched] = await Promise.all([follow, fetch]);
  line.show((width) => progress.text(width), true);
  const isFetched = target && target.kind !== 'items' ? await fetchResult({ client, line }, batch, target) : undefined;
  line.end();
  return { batch, fetched: fetched || undefined, isFetched, failed: await listFailed(client, batch) };
}

/** @returns false if there is nothing to fetch */
async function fetchResult(
  { client, line }: { client: PatientClient; line: StatusLine },
  batch: Batch,
  { kind, file: target }: { kind: 'merged' | 'zip'; file: string },
): Promise<boolean> {
  if (batch.items.completed === 0 || (kind === 'merged' && (batch.status !== 'completed' || batch.job === null)))
    return false;
  const onBytes = (got: number, size = 0) => {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    line.show(() => `${basename(target)}: ${megabytes(got)}${size > 0 ? ` of ${megabytes(size)}` : ''} MB`);
  };
  if (kind === 'zip')
    return fetchFile(client, { path: `/v1/batches/${batch.id}/zip`, target, onBytes }).then(() => true);
  const { file } = await client.json<Job>({ method: 'GET', path: `/v1/jobs/${batch.job}` });
  if (!file || file.url === null)
    throw new OperatorError('the merged PDF has expired; allowed: --new, which prints everything again');
  const path = `/v1/batches/${batch.id}/pdf`;
  await fetchFile(client, { path, target, expected: file, onBytes });
  return true;
}

/** The first items that failed, by row. */
async function listFailed(client: PatientClient, { id, items }: Batch): Promise<ListedItem[]> {
  if (items.failed === 0) return [];
  const path = `/v1/batches/${id}/items?status=failed&limit=${LISTED}`;
  return (await client.json<{ items: ListedItem[] }>({ method: 'GET', path })).items;
}

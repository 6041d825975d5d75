import { createHash } from 'node:crypto';
import { and, asc, eq, gt, gte, inArray, isNotNull, or, sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { file, job } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { Batch } from '../domain/batch.ts';
import { resultName } from '../domain/result-name.ts';
import { CodedError } from '../kernel/errors.ts';
import type { StoredAt } from '../storage/stores.ts';
import { isOwner } from './is-owner.ts';
import { uniqueName } from '../domain/unique-name.ts';

/** Files of one page of the list. */
const LISTED = 2_000;
/** Files that are looked for together while they are sent. */
const FOUND = 200;
/** Files of one zip, at most: a list of them is in memory while it is sent. */
const MAX_FILES = 250_000;

/** A file of the zip, before its bytes are wanted. */
interface Entry {
  row: number;
  position: number;
  name: string;
  /** bytes */
  size: number;
}

/** Where the bytes of such a file are. */
export interface FoundEntry extends Entry, StoredAt {
  fileId: string;
}

interface Which {
  userId: string;
  batchId: string;
}

/** Runs a query in its turn. */
type Turn = <T>(query: () => Promise<T>) => Promise<T>;

/** Whether a batch has a zip. @throws CodedError `batch_not_ready` */
export function checkZip({ status, completedAt, items }: Batch): void {
  const { total, open, completed, failed, cancelled } = items;
  if (completedAt === null)
    throw notReady(`the batch is ${status}, with ${open} of ${total} items open; the zip is there when it has ended`);
  if (completed === 0)
    throw notReady(`no item of the batch is completed: ${failed} have failed, ${cancelled} are cancelled`);
}

const notReady = (message: string) => new CodedError('batch_not_ready', message);

/**
 * Names and sizes of all files of completed items, by row: those of an item that has no filename are named by its row,
 * and no two names are the same, in capitals or not.
 * @returns `etag` says what the zip has; `places`: the stores that its files are in
 * @throws CodedError `file_expired`; `pdf_too_large` if there are too many files
 */
export async function listZip(
  db: Database,
  which: Which & { total: number },
  turn: Turn,
): Promise<{ entries: Entry[]; etag: string; places: StoredAt[] }> {
  const digits = Math.max(5, String(which.total).length);
  const entries: Entry[] = [];
  const names = new Set<string>();
  const places = new Map<string, StoredAt>();
  const hash = createHash('sha256');
  for (let page: Listed[] | undefined; !page || page.length === LISTED;) {
    const last = entries.at(-1);
    page = await turn(() => readNames(db, which, last));
    for (const { row, position, filename, size, type, sha256, isExpired, store, location } of page) {
      if (isExpired) throw new CodedError('file_expired', `the PDF of row ${row} is no longer kept`);
      if (row === null) continue;
      const wanted = resultName(filename ?? String(row).padStart(digits, '0'), { position, type });
      const name = uniqueName(wanted, row, names);
      entries.push({ row, position, name, size });
      places.set(`${store} ${location}`, { store, location });
      hash.update(JSON.stringify([name, Buffer.from(sha256).toString('hex')]));
    }
    if (entries.length > MAX_FILES)
      throw new CodedError(
        'pdf_too_large',
        `the zip would have more than ${MAX_FILES} files; fetch those of each item`,
      );
  }
  return { entries, etag: `"${hash.digest('hex')}"`, places: [...places.values()] };
}

type Listed = Awaited<ReturnType<typeof readNames>>[number];

async function readNames(db: Database, which: Which, last: Entry | undefined) {
  return db
    .select({
      row: job.batchRow,
      filename: job.filename,
      position: file.position,
      size: file.size,
      type: file.type,
      sha256: file.sha256,
      isExpired: sql<boolean>`${file.expiredAt} is not null`,
      store: file.store,
      location: file.location,
    })
    .from(job)
    .innerJoin(file, eq(file.jobId, job.id))
    .where(
      and(
        ofItems(which),
        // The first condition is the index's.
        last && and(gte(job.batchRow, last.row), or(gt(job.batchRow, last.row), gt(file.position, last.position))),
      ),
    )
    .orderBy(asc(job.batchRow), asc(file.position))
    .limit(LISTED);
}

/**
 * The same files with their places, in the same order, read page by page while they are sent.
 * @throws Error if one has gone, or is another: the item was retried or has expired meanwhile
 */
export async function* findFiles(
  db: Database,
  which: Which,
  entries: readonly Entry[],
  turn: Turn,
): AsyncGenerator<FoundEntry> {
  for (let at = 0; at < entries.length; at += FOUND) {
    const page = entries.slice(at, at + FOUND);
    const rows = [...new Set(page.map(({ row }) => row))];
    const found = await turn(() => readPlaces(db, which, rows));
    const byPlace = new Map(found.map((each) => [`${each.row} ${each.position}`, each]));
    for (const entry of page) {
      const { row, position, size } = entry;
      const place = byPlace.get(`${row} ${position}`);
      if (place?.size !== size) throw new Error(`the file ${position} of row ${row} is another one now, or none`);
      yield { ...place, ...entry };
    }
  }
}

async function readPlaces(db: Database, which: Which, rows: number[]) {
  return db
    .select({
      row: job.batchRow,
      position: file.position,
      fileId: file.id,
      size: file.size,
      store: file.store,
      location: file.location,
    })
    .from(job)
    .innerJoin(file, eq(file.jobId, job.id))
    .where(and(ofItems(which), inArray(job.batchRow, rows)));
}

const ofItems = ({ userId, batchId }: Which) =>
  and(
    forTenant(userId),
    isOwner(userId, batchId),
    eq(job.batchId, batchId),
    isNotNull(job.batchRow),
    sql`${job.status} = 'completed'`,
  );

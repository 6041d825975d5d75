import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { file, job, part } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { FileType } from '../domain/media-type.ts';
import type { StoreKind } from '../storage/store.ts';
import { isOwner } from './is-owner.ts';

export interface WhichBatch {
  userId: string;
  batchId: string;
}

/** A file of a completed item. */
export interface CompletedFile {
  row: number;
  /** of the item */
  filename: string | null;
  title: string | null;
  /** among the files of its item, from 0 */
  position: number;
  /** null: it has expired, or there is none */
  fileId: string | null;
  store: StoreKind;
  location: string | null;
  size: number;
  pages: number;
  type: FileType;
  /** lower-case hex */
  sha256: string;
}

/** Items that are read with one query. */
const ITEMS = 500;

/** The files of all completed items of a batch, in the order of their rows; of an item without any, one that is none. */
export async function* completedFiles(db: Database, { userId, batchId }: WhichBatch): AsyncGenerator<CompletedFile> {
  for (let after = 0; ;) {
    const rows = await db.execute<CompletedFile & Record<string, unknown>>(sql`
      select i.row, i.filename, i.title, coalesce(f.position, 0) as position,
        case when f.expired_at is null then f.id end as "fileId", f.store, f.location, f.size::float8 as size, f.pages, f.type,
        encode(f.sha256, 'hex') as sha256
      from (
        select j.id, j.batch_row as row, j.filename,
          (select p.settings ->> 'title' from ${part} p where p.job_id = j.id and p.position = 0) as title
        from ${job} j
        where ${forTenant(userId)} and j.batch_id = ${batchId} and j.batch_row > ${after} and ${isOwner(userId, batchId)}
          and j.status = 'completed'
        order by j.batch_row limit ${ITEMS}
      ) as i left join ${file} f on f.job_id = i.id
      order by i.row, f.position`);
    yield* rows;
    const last = rows.at(-1);
    if (!last) return;
    after = last.row;
  }
}

/** How many pages the files of all completed items have. */
export async function completedPages(db: Database, { userId, batchId }: WhichBatch): Promise<number> {
  const [row] = await db.execute<{ pages: number }>(sql`
    select coalesce(sum(f.pages), 0)::float8 as pages from ${job} j join ${file} f on f.job_id = j.id
    where ${forTenant(userId)} and j.batch_id = ${batchId} and j.batch_row > 0 and ${isOwner(userId, batchId)} and j.status = 'completed'`);
  return row?.pages ?? 0;
}

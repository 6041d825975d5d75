import type { Statements } from '../db/copy-transaction.ts';
import type { Queryable } from '../db/pools.ts';
import { CodedError } from '../kernel/errors.ts';
import { PdfDamaged } from '../storage/store.ts';
import type { Stores } from '../storage/stores.ts';
import type { LeftFiles } from './manifest.ts';

/** Tables whose rows name bytes that may be outside of the database. */
export const FILE_TABLES = ['pdfprompt_file', 'pdfprompt_asset'] as const;
export type FileTable = (typeof FILE_TABLES)[number];

const IS_KEPT: Record<FileTable, string> = { pdfprompt_file: 'expired_at is null', pdfprompt_asset: 'true' };

interface FileRow {
  id: string;
  user_id: string;
  size: string;
  location: string | null;
}

/** A file in a directory. */
interface StoredFile {
  table: FileTable;
  id: string;
  /** bytes */
  size: number;
  pieces: AsyncIterable<Uint8Array>;
}

/** How many files could not be read. */
export interface FileCounts {
  files: number;
  missing: number;
}

interface FileDeps {
  sql: Statements;
  db: Queryable;
  stores: Stores;
}

/**
 * The files in directories. One that is not there, or is damaged, is counted and left out: it may have been erased since
 * the snapshot.
 * @throws CodedError `unavailable` if a directory cannot be reached
 */
export async function* readStoredFiles({ sql, db, stores }: FileDeps, counts: FileCounts): AsyncGenerator<StoredFile> {
  for (const table of FILE_TABLES) {
    const rows = sql.unsafe<FileRow[]>(
      `select id, user_id, size::text, location from ${table} where store = 'file' and ${IS_KEPT[table]} order by id`,
    );
    for await (const some of rows.cursor(1_000)) {
      for (const { id, user_id: userId, size: text, location } of some) {
        const size = Number(text);
        const bytes = stores.of({ store: 'file', location })?.open(db, { fileId: id, userId, size });
        const pieces = bytes && (await begun(bytes));
        if (!pieces) counts.missing++;
        else {
          counts.files++;
          yield { table, id, size, pieces };
        }
      }
    }
  }
}

/** With its first piece read, so that a file that is not there is known at once. @returns undefined if it is not */
async function begun(bytes: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array> | undefined> {
  const iterator = bytes[Symbol.asyncIterator]();
  try {
    let next = await iterator.next();
    return (async function* () {
      for (; !next.done; next = await iterator.next()) yield next.value;
    })();
  } catch (error) {
    if (error instanceof PdfDamaged || (error instanceof CodedError && error.code === 'file_expired')) return undefined;
    throw error;
  }
}

/** Files that are neither in the database nor in a directory, by where they are. */
export async function countElsewhere(sql: Statements): Promise<LeftFiles[]> {
  const each = FILE_TABLES.map(
    (table) => `select store, location from ${table} where store not in ('postgres', 'file') and ${IS_KEPT[table]}`,
  );
  return sql.unsafe<LeftFiles[]>(
    `select coalesce(location, store) as location, count(*)::integer as files from (${each.join(' union all ')}) as f group by 1 order by 1`,
  );
}

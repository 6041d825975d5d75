import { createHash } from 'node:crypto';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import { preparedQuery } from '../db/prepared.ts';
import { type assetChunk, fileChunk } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { CodedError, messageOf, systemCodeOf } from '../kernel/errors.ts';
import {
  CHUNK_BYTES,
  PdfDamaged,
  type Store,
  StoreFailure,
  type StoreFileBytes,
  type WhichFile,
  wholeOf,
} from './store.ts';

const DISK_FULL = '53100';
/** disk_full, io_error: the database answers, but does not save anything. */
const FAILURES = new Set([DISK_FULL, '58030']);
const FOREIGN_KEY_VIOLATION = '23503';

/** A table with the pieces of files. */
export type ChunkTable = typeof fileChunk | typeof assetChunk;

/** Files in the database, in rows of {@link CHUNK_BYTES}, saved in the transaction that names them. */
export class PostgresStore implements Store {
  readonly kind = 'postgres';
  readonly location = null;
  readonly isInDatabase = true;
  readonly fullReason = DISK_FULL;
  readonly #table: typeof fileChunk;
  readonly #readChunk: ReturnType<typeof chunkReader>;

  constructor(table: ChunkTable = fileChunk) {
    this.#table = table as typeof fileChunk; // they have the same columns
    this.#readChunk = chunkReader(this.#table);
  }

  async check(): Promise<void> {
    // The database is checked when it is opened.
  }

  async put(db: Queryable, fileId: string, { chunks, size, sha256 }: StoreFileBytes): Promise<void> {
    let kept = 0;
    let seq = 0;
    for (const bytes of rechunk(chunks)) {
      const [row] = await db
        .insert(this.#table)
        .values({ fileId, seq: seq++, bytes })
        .onConflictDoUpdate({ target: [this.#table.fileId, this.#table.seq], set: { bytes: sql`excluded.bytes` } })
        .returning({ sha256: sql<string>`encode(sha256(${this.#table.bytes}), 'hex')` });
      const expected = bytes.byteLength === size ? sha256 : createHash('sha256').update(bytes).digest('hex');
      if (row?.sha256 === expected) kept += bytes.byteLength;
    }
    if (kept !== size) throw altered(size, kept);
  }

  /** The rows refer to no file, so Postgres rejects them at the end of the statement, if there was space to write them. */
  async probe(db: Queryable, bytes: number): Promise<void> {
    const fileId = uuidv7();
    const piece = new Uint8Array(Math.min(bytes, CHUNK_BYTES));
    try {
      await db.execute(sql`
        insert into ${this.#table} (${sql.identifier(this.#table.fileId.name)}, seq, bytes)
        select ${fileId}::uuid, seq, ${piece}::bytea from generate_series(1, ${Math.ceil(bytes / piece.length)}::int) as seq`);
    } catch (error) {
      if (systemCodeOf(error) !== FOREIGN_KEY_VIOLATION) throw storeFailureOf(error) ?? error;
    }
  }

  /** With a query for each piece, so that a slow reader holds no connection and no snapshot. */
  async *open(db: Queryable, which: WhichFile, range = wholeOf(which)): AsyncIterable<Uint8Array> {
    const { size, fileId } = which;
    for (let at = range.first; at <= range.last;) {
      const seq = Math.floor(at / CHUNK_BYTES);
      const start = seq * CHUNK_BYTES;
      const bytes = (seq === 0 && which.first) || (await this.#readChunk(db, which, seq));
      if (!bytes && (at === 0 || (at === range.first && !(await this.#readChunk(db, which, 0)))))
        throw new CodedError('file_expired', 'the PDF is no longer kept');
      if (bytes?.byteLength !== Math.min(CHUNK_BYTES, size - start))
        throw new PdfDamaged(fileId, start + (bytes?.byteLength ?? 0), size);
      const end = Math.min(range.last + 1 - start, bytes.byteLength);
      yield bytes.subarray(at - start, end);
      at = start + end;
    }
  }

  async remove(db: Queryable, fileIds: readonly string[]): Promise<void> {
    await db.delete(this.#table).where(inArray(this.#table.fileId, [...fileIds]));
  }

  /** Nothing is left by a transaction that was rolled back. */
  async sweep(): Promise<number> {
    return 0;
  }
}

/** Other bytes have arrived than were sent. */
export const altered = (size: number, kept = 0) =>
  new StoreFailure('altered', `${kept} of ${size} bytes are in the database as they were sent`);

/** The bytes of a file that fits into one row; undefined if it is larger. */
export function oneRowOf({ chunks, size }: StoreFileBytes): Uint8Array | undefined {
  return size > 0 && size <= CHUNK_BYTES ? Buffer.concat([...chunks]) : undefined;
}

/** The same bytes in pieces of {@link CHUNK_BYTES}. */
function* rechunk(chunks: Iterable<Uint8Array>): Iterable<Uint8Array> {
  let kept: Uint8Array[] = [];
  let size = 0;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength;) {
      const piece = chunk.subarray(at, at + CHUNK_BYTES - size);
      kept.push(piece);
      at += piece.byteLength;
      size += piece.byteLength;
      if (size < CHUNK_BYTES) continue;
      yield Buffer.concat(kept, size);
      [kept, size] = [[], 0];
    }
  }
  if (size > 0) yield Buffer.concat(kept, size);
}

/** Reads one piece of a file. */
const chunkReader = (table: typeof fileChunk) => {
  const read = preparedQuery((db) =>
    db
      .select({ bytes: table.bytes })
      .from(table)
      .where(
        and(
          forTenant(sql.placeholder('userId')),
          eq(table.fileId, sql.placeholder('fileId')),
          eq(table.seq, sql.placeholder('seq')),
        ),
      )
      .prepare('chunk'),
  );
  return async (db: Queryable, { userId, fileId }: WhichFile, seq: number): Promise<Uint8Array | undefined> => {
    const [row] = await read(db, { userId, fileId, seq });
    return row?.bytes;
  };
};

/** The failure of the store behind an error of any statement in its transaction; undefined for other errors. */
export function storeFailureOf(error: unknown): StoreFailure | undefined {
  if (error instanceof StoreFailure) return error;
  const code = systemCodeOf(error);
  return code !== undefined && FAILURES.has(code)
    ? new StoreFailure(code, messageOf(error), { cause: error })
    : undefined;
}

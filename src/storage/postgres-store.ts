import { createHash } from 'node:crypto';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Queryable, Transaction } from '../db/pools.ts';
import { fileChunk } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { CodedError, messageOf, systemCodeOf } from '../kernel/errors.ts';
import {
  CHUNK_BYTES,
  exactly,
  type KeptPdf,
  type PdfStore,
  rechunk,
  StoreFailure,
  type WhichPdf,
} from './pdf-store.ts';

/** disk_full, io_error: the database answers, but does not save anything. */
const FAILURES = new Set(['53100', '58030']);
const FOREIGN_KEY_VIOLATION = '23503';

/** PDFs in the database, saved in the transaction that finishes the job. */
export class PostgresStore implements PdfStore {
  readonly kind = 'postgres';

  async check(): Promise<void> {
    // The database is checked when it is opened.
  }

  async save(tx: Transaction, fileId: string, { chunks, size, sha256 }: KeptPdf): Promise<void> {
    let kept = 0;
    for (const [seq, bytes] of rechunk(chunks).entries()) {
      const [row] = await tx
        .insert(fileChunk)
        .values({ fileId, seq, bytes })
        .returning({ sha256: sql<string>`encode(sha256(${fileChunk.bytes}), 'hex')` });
      const expected = bytes.byteLength === size ? sha256 : createHash('sha256').update(bytes).digest('hex');
      if (row?.sha256 === expected) kept += bytes.byteLength;
    }
    if (kept !== size)
      throw new StoreFailure('altered', `${kept} of ${size} bytes are in the database as they were sent`);
  }

  /** The rows refer to no file, so Postgres rejects them at the end of the statement, if there was space to write them. */
  async probe(db: Queryable, bytes: number): Promise<void> {
    const fileId = uuidv7();
    const piece = new Uint8Array(Math.min(bytes, CHUNK_BYTES));
    try {
      await db.execute(sql`
        insert into ${fileChunk} (file_id, seq, bytes)
        select ${fileId}::uuid, seq, ${piece}::bytea from generate_series(1, ${Math.ceil(bytes / piece.length)}::int) as seq`);
    } catch (error) {
      if (systemCodeOf(error) !== FOREIGN_KEY_VIOLATION) throw storeFailureOf(error) ?? error;
    }
  }

  open(db: Queryable, which: WhichPdf): AsyncIterable<Uint8Array> {
    return exactly(pieces(db, which), which);
  }

  async remove(db: Queryable, fileIds: string[]): Promise<void> {
    await db.delete(fileChunk).where(inArray(fileChunk.fileId, fileIds));
  }
}

async function* pieces(db: Queryable, { userId, fileId }: WhichPdf): AsyncIterable<Uint8Array> {
  // A query for each piece, so that a slow reader holds no connection and no snapshot.
  for (let seq = 0; ; seq++) {
    const [row] = await db
      .select({ bytes: fileChunk.bytes })
      .from(fileChunk)
      .where(and(forTenant(userId), eq(fileChunk.fileId, fileId), eq(fileChunk.seq, seq)));
    if (!row) {
      if (seq === 0) throw new CodedError('file_expired', 'the PDF is no longer kept');
      return;
    }
    yield row.bytes;
  }
}

/** The failure of the store behind an error of any statement in its transaction; undefined for other errors. */
export function storeFailureOf(error: unknown): StoreFailure | undefined {
  if (error instanceof StoreFailure) return error;
  const code = systemCodeOf(error);
  return code !== undefined && FAILURES.has(code)
    ? new StoreFailure(code, messageOf(error), { cause: error })
    : undefined;
}

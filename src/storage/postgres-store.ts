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

/** No room on its disk, or the disk fails: the database is there, but does not keep what it is given. */
const FAILURES = new Set(['53100', '58030']);
const NO_SUCH_FILE = '23503';

/** PDFs in the database: saved in the same transaction as everything else about the job. */
export class PostgresStore implements PdfStore {
  readonly kind = 'postgres';

  async check(): Promise<void> {
    // the database is checked by whoever opens it
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

  /** The rows name no file, so they are refused; but only once they are written, and written they are only with room. */
  async probe(db: Queryable, bytes: number): Promise<void> {
    const fileId = uuidv7();
    const piece = new Uint8Array(Math.min(bytes, CHUNK_BYTES));
    try {
      await db.execute(sql`
        insert into ${fileChunk} (file_id, seq, bytes)
        select ${fileId}::uuid, seq, ${piece}::bytea from generate_series(1, ${Math.ceil(bytes / piece.length)}::int) as seq`);
    } catch (error) {
      const code = systemCodeOf(error);
      if (code !== NO_SUCH_FILE) throw storeFailureOf(error) ?? error;
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
  // One short query a piece: a slow reader holds neither a connection nor a snapshot.
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

/** What kept a PDF from being stored, whichever statement of its transaction it was; undefined if it was something else. */
export function storeFailureOf(error: unknown): StoreFailure | undefined {
  if (error instanceof StoreFailure) return error;
  const code = systemCodeOf(error);
  return code !== undefined && FAILURES.has(code)
    ? new StoreFailure(code, messageOf(error), { cause: error })
    : undefined;
}

import { and, asc, eq, gt, inArray } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/pools.ts';
import { fileChunk } from '../db/schema.ts';
import { entering } from '../db/tenant.ts';
import { CodedError } from '../kernel/errors.ts';
import { type PdfStore, rechunk } from './pdf-store.ts';

/** PDFs in the database: saved in the same transaction as everything else about the job. */
export class PostgresStore implements PdfStore {
  readonly kind = 'postgres';

  async check(): Promise<void> {
    // the database is checked by whoever opens it
  }

  async save(tx: Transaction, fileId: string, chunks: Uint8Array[]): Promise<void> {
    for (const [seq, bytes] of rechunk(chunks).entries()) await tx.insert(fileChunk).values({ fileId, seq, bytes });
  }

  async *open(db: Queryable, { userId, fileId }: { userId: string; fileId: string }): AsyncIterable<Uint8Array> {
    // One short query a piece: a slow reader holds neither a connection nor a snapshot.
    for (let seq = -1; ; seq++) {
      const [row] = await db
        .select({ bytes: fileChunk.bytes })
        .from(fileChunk)
        .where(and(entering(userId), eq(fileChunk.fileId, fileId), gt(fileChunk.seq, seq)))
        .orderBy(asc(fileChunk.seq))
        .limit(1);
      if (!row) {
        if (seq === -1) throw new CodedError('file_expired', 'the PDF is no longer kept');
        return;
      }
      yield row.bytes;
    }
  }

  async remove(db: Queryable, fileIds: string[]): Promise<void> {
    await db.delete(fileChunk).where(inArray(fileChunk.fileId, fileIds));
  }
}

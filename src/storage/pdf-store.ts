import type { Queryable, Transaction } from '../db/pools.ts';

/** As the row of a file names the store that has its bytes. */
export type StoreKind = 'postgres' | 'file';

/** Where the bytes of PDFs are kept. */
export interface PdfStore {
  readonly kind: StoreKind;
  /** Checks that the store can be written to. @throws OperatorError that names the setting */
  check(): Promise<void>;
  /** Keeps the bytes. If `tx` is rolled back afterwards the caller removes them again. */
  save(tx: Transaction, fileId: string, chunks: Uint8Array[]): Promise<void>;
  /** The bytes, for their owner, in pieces of at most 1 MB. @throws CodedError `file_expired` if they are gone */
  open(db: Queryable, which: { userId: string; fileId: string }): AsyncIterable<Uint8Array>;
  /** Forgets the bytes; fine if there are none. */
  remove(db: Queryable, fileIds: string[]): Promise<void>;
}

export const CHUNK_BYTES = 1024 * 1024;

/** The same bytes in pieces of {@link CHUNK_BYTES}. */
export function rechunk(chunks: Uint8Array[]): Uint8Array[] {
  const all = Buffer.concat(chunks);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < all.length; at += CHUNK_BYTES) pieces.push(all.subarray(at, at + CHUNK_BYTES));
  return pieces;
}

import type { Queryable, Transaction } from '../db/pools.ts';
import type { PdfBytes } from '../domain/outcome.ts';

/** The store of a file's bytes, as its row names it. */
export type StoreKind = 'postgres' | 'file';

/** A PDF to be saved. */
export type KeptPdf = Pick<PdfBytes, 'chunks' | 'size' | 'sha256'>;

/** A PDF to be read, and its owner. */
export interface WhichPdf {
  userId: string;
  fileId: string;
  /** bytes, by the file's row */
  size: number;
}

/** A place for the bytes of PDFs. */
export interface PdfStore {
  readonly kind: StoreKind;
  /** Checks that the store can be written to. @throws OperatorError that names the setting */
  check(): Promise<void>;
  /**
   * Saves the bytes and verifies them. If `tx` is rolled back afterwards, the caller removes them.
   * @throws StoreFailure if the store is full, cannot be written or reached, or has altered the bytes
   */
  save(tx: Transaction, fileId: string, pdf: KeptPdf): Promise<void>;
  /** Writes this many bytes and removes them again. @throws StoreFailure as {@link save} */
  probe(db: Queryable, bytes: number): Promise<void>;
  /**
   * The bytes of a PDF, exactly `size` of them, in pieces of at most 1 MB.
   * @throws CodedError `file_expired` if they were removed, `unavailable` if the store cannot be reached
   * @throws PdfDamaged if there are fewer or more; before the first piece if the store knows its size
   */
  open(db: Queryable, which: WhichPdf): AsyncIterable<Uint8Array>;
  /** Removes the bytes, if there are any. */
  remove(db: Queryable, fileIds: string[]): Promise<void>;
}

/** The store did not keep a PDF: it is full, read-only, broken, unreachable, or has altered the bytes. */
export class StoreFailure extends Error {
  override name = 'StoreFailure';
  /** the system's or Postgres's code; `altered` if other bytes were read back than were written */
  readonly reason: string;

  constructor(reason: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** The store does not have the bytes that were saved. */
export class PdfDamaged extends Error {
  override name = 'PdfDamaged';

  constructor(fileId: string, found: number | string, size: number) {
    super(`the PDF ${fileId} is damaged in its store: ${found} of ${size} bytes`);
  }
}

export const CHUNK_BYTES = 1024 * 1024;

/** The same bytes in pieces of {@link CHUNK_BYTES}. */
export function rechunk(chunks: Uint8Array[]): Uint8Array[] {
  const all = Buffer.concat(chunks);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < all.length; at += CHUNK_BYTES) pieces.push(all.subarray(at, at + CHUNK_BYTES));
  return pieces;
}

/** Passes the pieces on. @throws PdfDamaged before a piece that is too much, or at an end that is too early */
export async function* exactly(
  pieces: AsyncIterable<Uint8Array>,
  { fileId, size }: WhichPdf,
): AsyncIterable<Uint8Array> {
  let sent = 0;
  for await (const piece of pieces) {
    sent += piece.byteLength;
    if (sent > size) throw new PdfDamaged(fileId, `more than ${size}`, size);
    yield piece;
  }
  if (sent < size) throw new PdfDamaged(fileId, sent, size);
}

import type { Queryable, Transaction } from '../db/pools.ts';
import type { RenderedPdf } from '../domain/outcome.ts';

/** As the row of a file names the store that has its bytes. */
export type StoreKind = 'postgres' | 'file';

/** What a store is given to keep. */
export type KeptPdf = Pick<RenderedPdf, 'chunks' | 'size' | 'sha256'>;

/** Whose PDF is read, and which. */
export interface WhichPdf {
  userId: string;
  fileId: string;
  /** bytes, as its row says */
  size: number;
}

/** Where the bytes of PDFs are kept. */
export interface PdfStore {
  readonly kind: StoreKind;
  /** Checks that the store can be written to. @throws OperatorError that names the setting */
  check(): Promise<void>;
  /**
   * Keeps the bytes, and looks whether what is there is what was given. If `tx` is rolled back afterwards the caller
   * removes them again.
   * @throws StoreFailure if it has no room for them, cannot be written or reached, or has other bytes now
   */
  save(tx: Transaction, fileId: string, pdf: KeptPdf): Promise<void>;
  /** Writes as many bytes as a PDF may have, and leaves nothing of them. @throws StoreFailure as {@link save} */
  probe(db: Queryable, bytes: number): Promise<void>;
  /**
   * The bytes, for their owner, in pieces of at most 1 MB: exactly `size` of them.
   * @throws CodedError `file_expired` if they are gone, `unavailable` if the store is
   * @throws PdfDamaged if there are fewer or more; before the first piece where that can be seen
   */
  open(db: Queryable, which: WhichPdf): AsyncIterable<Uint8Array>;
  /** Forgets the bytes; fine if there are none. */
  remove(db: Queryable, fileIds: string[]): Promise<void>;
}

/** The store did not keep a PDF: it is full, read-only, broken, not there, or has something else than it was given. */
export class StoreFailure extends Error {
  override name = 'StoreFailure';
  /** the system's or Postgres's code; `altered` if what is there is not what was written */
  readonly reason: string;

  constructor(reason: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** What is in the store is not what was put there. */
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

/** Passes the pieces on. @throws PdfDamaged instead of a piece too many, and instead of an end that comes too soon */
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

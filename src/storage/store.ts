import { createHash, randomBytes } from 'node:crypto';
import type { StoreLocation } from '../config/kinds.ts';
import type { Queryable } from '../db/pools.ts';
import { messageOf, systemCodeOf } from '../kernel/errors.ts';

/** Of a store, as the column `store` of a file's row says it. */
export type StoreKind = StoreLocation['kind'];

/** A file to be stored. */
export interface StoreFileBytes {
  /** may be read more than once */
  chunks: Iterable<Uint8Array>;
  /** bytes */
  size: number;
  /** lower-case hex */
  sha256: string;
}

/** A file to be read, and its owner. */
export interface WhichFile {
  userId: string;
  fileId: string;
  /** bytes, by the file's row */
  size: number;
  /** its first piece, if it was read with the row */
  first?: Uint8Array | undefined;
}

/** How a store's own link to a file shall be. */
export interface StoreLink {
  /** from which the seconds count; milliseconds are dropped */
  now: Date;
  /** 1 to 7 days */
  seconds: number;
  /** headers of the answer */
  contentType: string;
  contentDisposition: string;
}

/** Offsets of the first and the last byte, both included. */
export interface ByteRange {
  first: number;
  last: number;
}

/**
 * A place for the bytes of files: one of a kind in each location. One suite of tests checks every kind. Nothing here
 * needs a deadline of its own: `TimedStore` sets one for every call.
 */
export interface Store {
  /** the column `store` of a file's row */
  readonly kind: StoreKind;
  /** the column `location` of a file's row, as PDF_STORE says it: `file:///var/pdfs`; null: the database */
  readonly location: string | null;
  /** whether {@link put} is a part of the transaction that finishes the job; otherwise it comes before */
  readonly isInDatabase: boolean;
  /** the reason of its {@link StoreFailure} when it is full */
  readonly fullReason: string;
  /**
   * Checks that the store can be written to, and prepares it.
   * @throws OperatorError that names the setting; with a StoreFailure as its cause if the store may only be unavailable
   */
  check(): Promise<void>;
  /**
   * Saves the bytes and verifies them. Called again for the same id, it replaces them.
   * @param signal aborted when nobody waits any longer: no bytes appear in the store after that, if this can be prevented
   * @throws StoreFailure if the store is full, cannot be written or reached, or has altered the bytes
   */
  put(db: Queryable, fileId: string, bytes: StoreFileBytes, signal?: AbortSignal): Promise<void>;
  /** Counts as a {@link put} a statement that saves a file in the database beside others; absent: nobody counts. */
  measurePut?<T>(statement: () => Promise<T>): Promise<T>;
  /**
   * Exactly the bytes of the range, in pieces of at most 1 MB.
   * @param range default: all
   * @throws CodedError `file_expired` if they were removed, `unavailable` if the store cannot be reached
   * @throws PdfDamaged if there are fewer or more; before the first piece if the store knows its size
   */
  open(db: Queryable, which: WhichFile, range?: ByteRange): AsyncIterable<Uint8Array>;
  /**
   * A URL of the store itself, from which anybody can read the file until it expires; absent: the store has none.
   * Nothing is asked of the store.
   */
  link?(fileId: string, about: StoreLink): string | undefined;
  /** Removes the bytes, if there are any. @throws StoreFailure if the store cannot be reached */
  remove(db: Queryable, fileIds: readonly string[]): Promise<void>;
  /**
   * Removes what puts have left that never ended, such as drafts, if it is older than that.
   * @returns how many
   */
  sweep(olderThanMs: number): Promise<number>;
  /** Ids of the files in one part of a directory that are older than that; `jobs/sweep-files.ts` needs it. */
  list?(part: number, olderThanMs: number): Promise<string[]>;
  /** Writes this many bytes and removes them again. @throws StoreFailure as {@link put} */
  probe(db: Queryable, bytes: number): Promise<void>;
}

/** The store did not do what it was asked: it is full, read-only, broken, slow, unreachable, or has altered the bytes. */
export class StoreFailure extends Error {
  override name = 'StoreFailure';
  /** the system's or Postgres's code; `altered` if other bytes were read back than were written; `slow` */
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

/** Seconds for `retryAfterSeconds` while a store cannot be reached. */
export const UNREACHED_SECONDS = 5;

/** Turns every error of `work` into a {@link StoreFailure}. */
export async function withStoreFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreFailure) throw error;
    throw new StoreFailure(systemCodeOf(error) ?? 'unknown', messageOf(error), { cause: error });
  }
}

/** A file for a probe: random, because a store may compress. */
export function randomFile(size: number): StoreFileBytes {
  const piece = randomBytes(Math.min(size, CHUNK_BYTES));
  const chunks = Array<Uint8Array>(Math.floor(size / piece.length)).fill(piece);
  chunks.push(piece.subarray(0, size % piece.length));
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return { chunks, size, sha256: hash.digest('hex') };
}

export function wholeOf({ size }: WhichFile): ByteRange {
  return { first: 0, last: size - 1 };
}

/** Passes the pieces of a range on. @throws PdfDamaged before a piece that is too much, or at an end that is too early */
export async function* exactly(
  pieces: AsyncIterable<Uint8Array>,
  { fileId }: WhichFile,
  { first, last }: ByteRange,
): AsyncIterable<Uint8Array> {
  const wanted = last - first + 1;
  let sent = 0;
  for await (const piece of pieces) {
    sent += piece.byteLength;
    if (sent > wanted) throw new PdfDamaged(fileId, `more than ${wanted}`, wanted);
    yield piece;
  }
  if (sent < wanted) throw new PdfDamaged(fileId, sent, wanted);
}

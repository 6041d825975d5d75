import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FieldProblem } from '../kernel/errors.ts';

/** A row as it was sent. */
export interface SentRow {
  /** from 1, without the header of a CSV */
  row: number;
  /** an item as `domain/batch-request.ts` has it, or anything else */
  item: unknown;
  /** in a CSV every value is a string, which may stand for something else */
  isText?: boolean;
  /** why it could not be read; fields are those of the item */
  problem?: FieldProblem;
}

/** Rows in pieces. */
export type SentRows = AsyncIterable<SentRow[]>;

/** Rows of one piece, at most. */
const PIECE_ROWS = 2_000;
/** Bytes after which a piece ends. A larger row is a piece of its own. */
const PIECE_BYTES = 512 * 1024;

/** What is read before others have their turn on this thread: bytes, and what a row costs beside its own. */
const TURN_BYTES = 128 * 1024;
const ROW_COST = 256;

/** Bytes of one row, at most. */
export const ROW_BYTES = 10 * 1024 * 1024;
export const ROW_TOO_LARGE = `it is larger than ${ROW_BYTES} bytes, which is the most that is allowed`;

/** A row that was read, and its bytes in the file. */
export interface ReadRow {
  row: SentRow;
  bytes: number;
}

/** Chunks of at most that many bytes. */
export async function* inSlices(chunks: AsyncIterable<Buffer>, bytes: number): AsyncIterable<Buffer> {
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length; at += bytes) yield chunk.subarray(at, at + bytes);
}

/**
 * Puts the rows of each chunk of a file together, or apart.
 * @param chunks whose rows are read when they are taken, so that no chunk, whatever is in it, holds the thread for long
 */
export async function* inPieces(chunks: AsyncIterable<Iterable<ReadRow>>): SentRows {
  let piece: SentRow[] = [];
  let size = 0;
  for await (const rows of chunks) {
    let cost = 0;
    for (const { row, bytes } of rows) {
      if (piece.length > 0 && (piece.length === PIECE_ROWS || size + bytes > PIECE_BYTES)) {
        yield piece;
        piece = [];
        size = 0;
      }
      piece.push(row);
      size += bytes;
      cost += bytes + ROW_COST;
      if (cost < TURN_BYTES) continue;
      await nextTurn();
      cost = 0;
    }
    await nextTurn();
  }
  if (piece.length > 0) yield piece;
}

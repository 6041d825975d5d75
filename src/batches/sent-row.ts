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
/** Bytes after which a piece ends. */
const PIECE_BYTES = 2 * 1024 * 1024;

/** Bytes of one row, at most. */
export const ROW_BYTES = 10 * 1024 * 1024;
export const ROW_TOO_LARGE = `it is larger than ${ROW_BYTES} bytes, which is the most that is allowed`;

/** Puts the rows of each chunk of a file together, or apart. */
export async function* inPieces(chunks: AsyncIterable<{ rows: SentRow[]; bytes: number }>): SentRows {
  let piece: SentRow[] = [];
  let size = 0;
  for await (const { rows, bytes } of chunks) {
    piece = piece.length === 0 ? rows : piece.concat(rows);
    size += bytes;
    for (; piece.length >= PIECE_ROWS; piece = piece.slice(PIECE_ROWS)) yield piece.slice(0, PIECE_ROWS);
    if (size < PIECE_BYTES) continue;
    if (piece.length > 0) yield piece;
    piece = [];
    size = 0;
  }
  if (piece.length > 0) yield piece;
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { messageOf, OperatorError } from '../kernel/errors.ts';
import { ArchiveDamaged } from './tar.ts';

/*
 * What ends a backup: the SHA-256 of every byte before it, in a frame that decoders of zstd skip. So a file can be checked
 * without being unpacked, and one that is cut off has none.
 */

/** Of a skippable frame, and of its 32 bytes. */
const FRAME = Buffer.from('502a4d1820000000', 'hex');
export const SEAL_BYTES = FRAME.length + 32;
/** What a file begins with that zstd has compressed. */
const COMPRESSED = Buffer.from('28b52ffd', 'hex');

/** Passes a stream on, and its seal after it. @param onBytes called with the length of each piece, the seal's included */
export function sealing(onBytes: (count: number) => void): Transform {
  const hash = createHash('sha256');
  return new Transform({
    transform(piece: Buffer, _, done) {
      hash.update(piece);
      onBytes(piece.length);
      done(null, piece);
    },
    flush(done) {
      onBytes(SEAL_BYTES);
      done(null, Buffer.concat([FRAME, hash.digest()]));
    },
  });
}

/** Reads all of a file. @throws ArchiveDamaged if a bit of it is another, or it is cut off; OperatorError if it cannot be read */
export async function checkSeal(path: string): Promise<void> {
  const hash = createHash('sha256');
  let held = Buffer.alloc(0);
  let size = 0;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1024 ** 2 }) as AsyncIterable<Buffer>) {
      if (size === 0 && !piece.subarray(0, COMPRESSED.length).equals(COMPRESSED))
        throw new ArchiveDamaged('it is no backup of pdfprompt, or damaged');
      size += piece.length;
      held = Buffer.concat([held, piece]);
      hash.update(held.subarray(0, -SEAL_BYTES));
      held = held.subarray(-SEAL_BYTES);
    }
  } catch (error) {
    if (error instanceof ArchiveDamaged) throw error;
    throw new OperatorError(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (held.length < SEAL_BYTES || !held.subarray(0, FRAME.length).equals(FRAME))
    throw new ArchiveDamaged('it is cut off, or has more at its end');
  if (!held.subarray(FRAME.length).equals(hash.digest())) throw new ArchiveDamaged('it is damaged');
}

import { createHash } from 'node:crypto';
import type { CDPSession } from 'puppeteer';
import type { PdfBytes } from '../domain/outcome.ts';
import { CodedError } from '../kernel/errors.ts';

/** Most files fit into one piece, and no large one is in memory as base64 as a whole. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Reads a stream of the browser. Hashes each piece on arrival: hashing a large file at once would block the process for
 * a tenth of a second.
 * @throws CodedError `pdf_too_large`
 */
export async function readStream(
  session: CDPSession,
  handle: string,
  { what, maxBytes }: { what: 'PDF' | 'HTML'; maxBytes: number },
): Promise<Pick<PdfBytes, 'chunks' | 'size' | 'sha256'>> {
  const chunks: Buffer[] = [];
  const hash = createHash('sha256');
  let size = 0;
  try {
    for (let isDone = false; !isDone;) {
      const { data, eof, base64Encoded } = await session.send('IO.read', { handle, size: PIECE_BYTES });
      const piece = Buffer.from(data, base64Encoded ? 'base64' : 'latin1');
      size += piece.byteLength;
      if (size > maxBytes) throw new CodedError('pdf_too_large', `the ${what} is larger than ${maxBytes} bytes`);
      if (piece.byteLength > 0) chunks.push(piece);
      hash.update(piece);
      isDone = eof || (what === 'PDF' && endsPdf(piece));
    }
  } finally {
    session.send('IO.close', { handle }).catch(() => undefined);
  }
  return { chunks, size, sha256: hash.digest('hex') };
}

/** What the last bytes of a PDF contain. */
const END_OF_PDF = '%%EOF';

/**
 * Whether a piece is the last one of a PDF. The browser says so only when it is asked for one more. A piece with fewer
 * bytes than were asked for is the last of a file, and has the end of the PDF as its own.
 */
function endsPdf(piece: Buffer): boolean {
  return piece.byteLength < PIECE_BYTES && piece.subarray(-8).includes(END_OF_PDF);
}

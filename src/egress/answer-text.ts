import type { IncomingMessage } from 'node:http';

/** Bytes that are read of an answer. */
const MAX_BYTES = 1_024;

/** The beginning of an answer, as far as it is text. */
interface AnswerText {
  text: string;
  /** false if it was cut before its end, and before as much was there as is read */
  isComplete: boolean;
}

/** Reads the first 1 KB of an answer. Never rejects; does not end before the answer does if there is less. */
export async function readAnswer(answer: IncomingMessage): Promise<AnswerText> {
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  const pieces: Buffer[] = [];
  let size = 0;
  let isComplete = false;
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      pieces.push(piece);
      size += piece.byteLength;
      if (size >= MAX_BYTES) break; // which closes it
    }
    isComplete = size >= MAX_BYTES || answer.complete;
  } catch {
    // the connection ended, or what came is not HTTP
  }
  const isText = encoding.toLowerCase() === 'identity';
  return { text: isText ? printable(Buffer.concat(pieces).subarray(0, MAX_BYTES)) : '', isComplete };
}

/** UTF-8 without characters that nobody sees, such as NUL, which Postgres refuses. What is not UTF-8 becomes U+FFFD. */
export function printable(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes, { stream: true }); // without a character that the limit has cut
  return text.replaceAll(/[^\P{C}\n\t]/gu, '');
}

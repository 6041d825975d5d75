import type { Readable } from 'node:stream';

/** @returns a function that returns the last 2,000 characters of the stream, which is read */
export function collectTail(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (data: string) => {
    text = (text + data).slice(-2_000);
  });
  return () => text;
}

import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Files } from '../kernel/files.ts';

/** The bytes of a file; undefined if there is none, or it is larger. @param maxBytes for files that are read whole */
export async function readFile(files: Files, name: string, maxBytes: number): Promise<Buffer | undefined> {
  const opened = await files.open(name);
  if (!opened) return undefined;
  const { content, size } = opened;
  if (!(content instanceof Readable)) return size > maxBytes ? undefined : Buffer.from(content);
  if (size <= maxBytes) return buffer(content);
  content.destroy();
  return undefined;
}

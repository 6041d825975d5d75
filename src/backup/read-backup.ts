import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import type { z } from 'zod';
import { messageOf, OperatorError, systemCodeOf } from '../kernel/errors.ts';
import {
  type ArchiveEnd,
  endSchema,
  FIRST,
  FORMAT,
  formatSchema,
  LAST,
  type Manifest,
  manifestSchema,
} from './manifest.ts';
import { ArchiveDamaged, type ArchivedFile, readArchive } from './tar.ts';

/** What a backup has in it, as it says itself. */
export interface BackupContents {
  manifest: Manifest;
  end: ArchiveEnd;
}

/** Reads all of a backup. @throws OperatorError if it is damaged, cut off, of another format, or none */
export async function checkBackup(path: string): Promise<BackupContents> {
  let manifest: Manifest | undefined;
  let end: ArchiveEnd | undefined;
  await readFiles(path, async (file) => {
    if (!manifest) {
      if (file.name !== FIRST) throw new ArchiveDamaged('it is no backup of pdfprompt');
      manifest = await readManifest(file);
    } else if (file.name === LAST) {
      end = await read(file, endSchema);
      if (end.sha256 !== file.sha256Before) throw new ArchiveDamaged('it is damaged: its checksum is another');
    }
  });
  if (!manifest || !end) throw cannot(path, 'it is cut off');
  return { manifest, end };
}

/** Passes the files of a backup on, in order. @throws OperatorError if it cannot be read */
export async function readFiles(path: string, take: (file: ArchivedFile) => Promise<void>): Promise<void> {
  const stream = createZstdDecompress();
  pipeline(createReadStream(path, { highWaterMark: 1024 ** 2 }), stream, () => undefined); // its error comes out of the stream
  try {
    for await (const file of readArchive(readable(stream, path))) await take(file);
  } catch (error) {
    throw error instanceof ArchiveDamaged ? cannot(path, error.message) : error;
  } finally {
    stream.destroy();
  }
}

async function* readable(stream: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* stream;
  } catch (error) {
    const code = systemCodeOf(error) ?? '';
    if (code === 'Z_BUF_ERROR') throw new ArchiveDamaged('it is cut off', { cause: error });
    if (code === 'ZSTD_error_prefix_unknown') throw new ArchiveDamaged('it is no backup of pdfprompt, or damaged');
    if (code.startsWith('Z')) throw new ArchiveDamaged('it is damaged', { cause: error });
    throw new OperatorError(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

const cannot = (path: string, why: string) => new OperatorError(`${path} cannot be restored: ${why}.`);

async function readManifest(file: ArchivedFile): Promise<Manifest> {
  const { format, version, ...rest } = await read(file, formatSchema);
  if (format === FORMAT) return parse({ format, version, ...rest }, manifestSchema);
  throw new ArchiveDamaged(
    `its format is ${format}, and this version reads ${FORMAT}. Use pdfprompt ${version}, which made it, or a later one`,
  );
}

async function read<T>(file: ArchivedFile, schema: z.ZodType<T>): Promise<T> {
  const pieces: Buffer[] = [];
  for await (const piece of file.pieces) pieces.push(piece);
  const text = Buffer.concat(pieces).toString('utf8');
  try {
    return parse(JSON.parse(text), schema);
  } catch (error) {
    throw error instanceof ArchiveDamaged ? error : new ArchiveDamaged(`it is damaged: ${file.name}`, { cause: error });
  }
}

function parse<T>(value: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ArchiveDamaged('it is damaged: its description is not complete', { cause: result.error });
}

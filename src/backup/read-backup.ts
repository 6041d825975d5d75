import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
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
import { checkSeal, SEAL_BYTES } from './seal.ts';
import { ArchiveDamaged, type ArchivedFile, readArchive } from './tar.ts';

/** What a backup has in it, as it says itself. */
export interface BackupContents {
  manifest: Manifest;
  end: ArchiveEnd;
}

/** Reads all of a backup. @throws OperatorError if it is damaged, cut off, of another format, or none */
export async function checkBackup(path: string): Promise<BackupContents> {
  await named(path, () => checkSeal(path));
  let manifest: Manifest | undefined;
  let end: ArchiveEnd | undefined;
  await readFiles(path, async (file) => {
    if (!manifest) {
      if (file.name !== FIRST) throw new ArchiveDamaged('it is no backup of pdfprompt');
      manifest = await readManifest(file);
    } else if (file.name === LAST) {
      end = await read(file, endSchema);
    }
  });
  if (!manifest || !end) throw cannot(path, 'it is damaged: it does not say what is in it');
  return { manifest, end };
}

/** Passes the files of a backup on, in order. @throws OperatorError if it cannot be read */
export async function readFiles(path: string, take: (file: ArchivedFile) => Promise<void>): Promise<void> {
  const { size } = await stat(path);
  const packed = createReadStream(path, { end: size - SEAL_BYTES - 1, highWaterMark: 1024 ** 2 });
  const stream = createZstdDecompress();
  pipeline(packed, stream, () => undefined); // its error comes out of the stream
  try {
    await named(path, async () => {
      for await (const file of readArchive(unpacked(stream, path))) await take(file);
    });
  } finally {
    stream.destroy();
  }
}

async function* unpacked(stream: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* stream;
  } catch (error) {
    if (systemCodeOf(error)?.startsWith('Z')) throw new ArchiveDamaged('it is damaged', { cause: error });
    throw new OperatorError(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

async function named(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof ArchiveDamaged ? cannot(path, error.message) : error;
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

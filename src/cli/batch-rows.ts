import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MAX_ITEMS } from '../domain/batch.ts';
import { messageOf, OperatorError, systemCodeOf, UsageError } from '../kernel/errors.ts';

/** Formats of the rows of a batch, with their media types. */
const FORMATS = { csv: 'text/csv', ndjson: 'application/x-ndjson', json: 'application/json' } as const;
export type RowFormat = keyof typeof FORMATS;
export const ROW_FORMATS = Object.keys(FORMATS) as [RowFormat, ...RowFormat[]];

/** The rows of a batch: on disk, however many there are. */
export interface BatchRows {
  path: string;
  format: RowFormat;
  /** media type */
  type: string;
  /** bytes */
  size: number;
  /** SHA-256 in hex */
  hash: string;
  /** Removes what was made of standard input. */
  close: () => Promise<void>;
}

/**
 * Finds the rows of a batch.
 * @param path `-`: standard input, which is kept in a temporary file until all is sent
 * @param format default: by the name's ending
 * @throws UsageError if there is no such file, or its format is not known
 */
export async function openRows(
  path: string,
  { format, signal }: { format: RowFormat | undefined; signal: AbortSignal },
): Promise<BatchRows> {
  const known = format ?? ROW_FORMATS.find((each) => extname(path).toLowerCase() === `.${each}`);
  if (known === undefined) {
    const allowed = path === '-' ? '' : 'a file that ends with .csv, .ndjson or .json; or ';
    throw new UsageError(`${path}: allowed: ${allowed}--format csv, ndjson or json`);
  }
  if (path !== '-') return { ...(await openFile(path, known)), close: async () => undefined };
  const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-rows-'));
  const close = () => rm(directory, { recursive: true, force: true });
  try {
    const copy = join(directory, 'rows');
    await pipeline(process.stdin, createWriteStream(copy), { signal });
    return { ...(await openFile(copy, known, 'standard input')), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openFile(path: string, format: RowFormat, name = path): Promise<Omit<BatchRows, 'close'>> {
  const stats = await stat(path).catch((error: unknown) => {
    throw new UsageError(systemCodeOf(error) === 'ENOENT' ? `there is no file ${name}` : messageOf(error), {
      cause: error,
    });
  });
  if (!stats.isFile()) throw new UsageError(`${name}: allowed: a file with rows, or - for standard input`);
  if (stats.size === 0)
    throw new OperatorError(`${name} is empty; allowed: 1 to ${MAX_ITEMS.toLocaleString('en')} rows`);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash).catch((error: unknown) => {
    throw new OperatorError(`${name}: ${messageOf(error)}`, { cause: error });
  });
  return { path, format, type: FORMATS[format], size: stats.size, hash: hash.digest('hex') };
}

/**
 * The bytes of the rows, once more.
 * @throws OperatorError at their end, if they are not what they were
 */
export async function* readRows({ path, hash: expected }: BatchRows): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== expected) throw new OperatorError(`${path} was changed while it was sent`);
}

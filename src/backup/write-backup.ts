import { pipeline } from 'node:stream/promises';
import { Readable, type Writable } from 'node:stream';
import { constants, createZstdCompress } from 'node:zlib';
import { type CopyTransaction, inCopyTransaction, type Statements } from '../db/copy-transaction.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { Stores } from '../storage/stores.ts';
import { readMigrationRows, readSequences, readTables } from './catalogue.ts';
import { type ArchiveEnd, FIRST, FORMAT, LAST, type Manifest } from './manifest.ts';
import { sealing } from './seal.ts';
import { countElsewhere, type FileCounts, readStoredFiles } from './stored-files.ts';
import { END_OF_ARCHIVE, header, padding } from './tar.ts';

/** Bytes of rows that make a file of the archive. */
const PIECE_BYTES = 1024 ** 2;

interface BackupDeps {
  /** without a pooler in between */
  url: string;
  connectTimeoutMs: number;
  stores: Stores;
  /** of this program */
  version: string;
  onProgress?: (message: string) => void;
}

/** A backup that was written. */
export interface WrittenBackup {
  manifest: Manifest;
  end: ArchiveEnd;
  /** compressed */
  bytes: number;
}

/**
 * Writes all of the database that is ours, as it is in one snapshot, and the files in directories. The service goes on
 * meanwhile. docs/deployment.md describes the format. Neither a table nor a row is ever wholly in memory, unless the row is large.
 * @throws OperatorError if the database is none of ours
 */
export async function writeBackup(deps: BackupDeps, out: Writable): Promise<WrittenBackup> {
  const { url, connectTimeoutMs } = deps;
  let locked: string[] = [];
  const snapshotOf = async (sql: Statements) => (locked = (await readTables(sql)).map(({ name }) => name));
  const options = { url, connectTimeoutMs, applicationName: 'pdfprompt backup', snapshotOf };
  return inCopyTransaction(options, async (transaction) => {
    const manifest = await describe(transaction, deps.version);
    if (manifest.tables.some(({ name }) => !locked.includes(name)))
      throw new OperatorError('The database was migrated at this moment. Type the same again.');
    const end: ArchiveEnd = { rows: {}, files: 0, missing: 0, elsewhere: [] };
    let bytes = 0;
    const params = { [constants.ZSTD_c_compressionLevel]: 3 };
    await pipeline(
      Readable.from(archive(transaction, deps, manifest, end), { objectMode: false }),
      createZstdCompress({ params }),
      sealing((count) => (bytes += count)),
      out,
    );
    return { manifest, end, bytes };
  });
}

async function describe({ sql }: CopyTransaction, version: string): Promise<Manifest> {
  const [row] = await sql<{ at: string; postgres: string }[]>`
    select to_json(now() at time zone 'utc')#>>'{}' || 'Z' as at, current_setting('server_version') as postgres`;
  const tables = await readTables(sql);
  if (!row || tables.length === 0)
    throw new OperatorError('The database has no tables of pdfprompt: there is nothing to back up.');
  return {
    format: FORMAT,
    version,
    postgres: row.postgres,
    takenAt: row.at,
    migrations: await readMigrationRows(sql),
    tables: tables.map((table) => ({ ...table })),
    sequences: await readSequences(sql),
  };
}

/** @param end gets what it says at the end */
async function* archive(
  transaction: CopyTransaction,
  deps: BackupDeps,
  manifest: Manifest,
  end: ArchiveEnd,
): AsyncGenerator<Buffer> {
  yield* contents(transaction, deps, manifest, end);
  yield* file(LAST, Buffer.from(`${JSON.stringify(end)}\n`), manifest);
  yield END_OF_ARCHIVE;
}

async function* contents(
  { sql, db, copyOut }: CopyTransaction,
  { stores, onProgress }: BackupDeps,
  manifest: Manifest,
  end: ArchiveEnd,
): AsyncGenerator<Buffer> {
  yield* file(FIRST, Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`), manifest);
  for (const { name, columns } of manifest.tables) {
    onProgress?.(`Reading ${name}`);
    end.rows[name] = 0;
    const rows = await copyOut(`${name} (${columns.map((column) => `"${column}"`).join(', ')})`);
    let number = 0;
    for await (const piece of inPieces(rows)) {
      end.rows[name] += linesIn(piece);
      yield* file(`tables/${name}/${String(++number).padStart(8, '0')}.copy`, piece, manifest);
    }
  }
  onProgress?.('Reading files');
  const counts: FileCounts = { files: 0, missing: 0 };
  for await (const { table, id, size, pieces } of readStoredFiles({ sql, db, stores }, counts)) {
    yield header(`files/${table}/${id}`, size, secondsOf(manifest));
    for await (const piece of pieces) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    yield padding(size);
  }
  Object.assign(end, counts, { elsewhere: (await countElsewhere(sql)).map((each) => ({ ...each })) });
}

function* file(name: string, bytes: Buffer, manifest: Manifest): Generator<Buffer> {
  yield header(name, bytes.length, secondsOf(manifest));
  yield bytes;
  yield padding(bytes.length);
}

function secondsOf({ takenAt }: Manifest): number {
  return Math.floor(Date.parse(takenAt) / 1_000);
}

/** Whole rows, some {@link PIECE_BYTES} of them. */
async function* inPieces(rows: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let some: Buffer[] = [];
  let size = 0;
  for await (const row of rows) {
    some.push(row);
    size += row.length;
    if (size < PIECE_BYTES || row.at(-1) !== NEWLINE) continue;
    yield Buffer.concat(some);
    some = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(some);
}

const NEWLINE = 10;

/** In the rows' text a line feed ends a row: those in values are escaped. */
function linesIn(piece: Buffer): number {
  let lines = 0;
  for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { CopyTransaction, Statements } from '../db/copy-transaction.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { Stores } from '../storage/stores.ts';
import { readSuspended } from './catalogue.ts';
import type { Manifest } from './manifest.ts';
import { readFiles } from './read-backup.ts';
import { FILE_TABLES, type FileTable } from './stored-files.ts';
import type { ArchivedFile } from './tar.ts';

/** The stores of the files that a table names. */
export type FileStores = Record<FileTable, Stores>;

interface LoadInput {
  path: string;
  manifest: Manifest;
  stores: FileStores;
  onProgress?: ((message: string) => void) | undefined;
}

/**
 * Fills the tables, which are empty. Files go to the store that new ones go to. Meanwhile nothing checks or announces
 * rows; in the end every foreign key is checked.
 */
export async function loadBackup(transaction: CopyTransaction, input: LoadInput): Promise<void> {
  const { sql } = transaction;
  const { manifest, path, stores, onProgress } = input;
  const columnsOf = new Map(manifest.tables.map(({ name, columns }) => [name, columns]));
  await sql.unsafe(`set local maintenance_work_mem = '256MB'`);
  const suspended = await readSuspended(sql);
  for (const { suspend } of suspended) await sql.unsafe(suspend);
  await sql.unsafe(`truncate ${[...columnsOf.keys()].join(', ')}`);

  let open: { table: string; rows: Writable } | undefined;
  const endOpen = async () => {
    if (open) await finished(open.rows.end());
    open = undefined;
  };
  await readFiles(path, async (file) => {
    const [folder, table = '', id = ''] = file.name.split('/');
    if (folder !== 'tables' || table !== open?.table) await endOpen();
    if (folder === 'tables') {
      const columns = columnsOf.get(table);
      if (!columns) throw new OperatorError(`${path} cannot be restored: it does not describe ${table}.`);
      if (!open) onProgress?.(`Filling ${table}`);
      open ??= { table, rows: await transaction.copyIn(`${table} (${columns.map((each) => `"${each}"`).join(', ')})`) };
      for await (const piece of file.pieces) if (!open.rows.write(piece)) await drained(open.rows);
    } else if (folder === 'files') {
      const isFileTable = (name: string): name is FileTable => (FILE_TABLES as readonly string[]).includes(name);
      if (isFileTable(table)) await putFile(transaction, stores[table], { table, id, file });
    }
  });
  await endOpen();

  onProgress?.('Making indexes, and checking references');
  for (const { resume } of suspended.toReversed()) await sql.unsafe(resume);
  await resumeSequences(sql, manifest);
}

/** @throws what Postgres says of the rows */
async function drained(rows: Writable): Promise<void> {
  await Promise.race([once(rows, 'drain'), finished(rows)]);
}

async function putFile(
  { sql, db }: CopyTransaction,
  { current }: Stores,
  { table, id, file }: { table: FileTable; id: string; file: ArchivedFile },
): Promise<void> {
  const chunks: Buffer[] = [];
  const hash = createHash('sha256');
  for await (const piece of file.pieces) {
    hash.update(piece);
    chunks.push(piece);
  }
  await current.put(db, id, { chunks, size: file.size, sha256: hash.digest('hex') });
  await sql`update ${sql(table)} set store = ${current.kind}, location = ${current.location} where id = ${id}`;
}

async function resumeSequences(sql: Statements, { sequences }: Manifest): Promise<void> {
  for (const { name, next } of sequences) await sql`select setval(${name}::regclass, ${next}::bigint, false)`;
}

import { open, rename, rm, stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { basename, dirname, join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { type WrittenBackup, writeBackup } from '../backup/write-backup.ts';
import type { Config } from '../config/load.ts';
import { messageOf, OperatorError, systemCodeOf, UsageError } from '../kernel/errors.ts';
import { recordBackup } from '../jobs/last-backup.ts';
import { Stores } from '../storage/stores.ts';
import { VERSION } from './version.ts';
import { acquireDatabase, type Progress } from './acquire-database.ts';
import { databaseError, openConfiguredPool } from './database.ts';

interface BackupInput {
  config: Config;
  onProgress: Progress;
}

/**
 * Backs the database of the settings up into a stream, whatever its schema, and records that in it.
 * @param out ended when all is written
 * @param keep called then, before it counts as made
 * @throws OperatorError if there is nothing to back up, or the database cannot be used
 */
export async function backUp(
  { config, onProgress }: BackupInput,
  out: Writable,
  keep: () => Promise<void> = async () => undefined,
): Promise<WrittenBackup> {
  const handle = await acquireDatabase(config, onProgress);
  try {
    const { databaseConnectTimeoutMs: connectTimeoutMs } = config;
    const deps = { url: handle.directUrl, connectTimeoutMs, stores: new Stores(config), version: VERSION, onProgress };
    const written = await writeBackup(deps, out);
    await keep();
    const { manifest, end, bytes } = written;
    if (manifest.tables.some(({ name }) => name === 'pdfprompt_backup')) {
      const pool = openConfiguredPool(config, { url: handle.url, applicationName: 'pdfprompt command', max: 1 });
      const made = { takenAt: new Date(manifest.takenAt), bytes, files: end.files, version: VERSION };
      try {
        await recordBackup(pool.db, made);
      } finally {
        await pool.close();
      }
    }
    return written;
  } catch (error) {
    throw databaseError(error, handle.url);
  } finally {
    await handle.release();
  }
}

/** As {@link backUp}, into a file that only its owner may read. It has its name when it is on the disk, whole. */
export async function backUpToFile(input: BackupInput, path: string): Promise<WrittenBackup> {
  const target = resolve(path);
  const draft = join(dirname(target), `.${basename(target)}.${randomBytes(4).toString('hex')}.tmp`);
  const cannot = (error: unknown) =>
    new OperatorError(`${path} cannot be written: ${messageOf(error)}`, { cause: error });
  if ((await stat(target).catch(() => undefined))?.isDirectory())
    throw new UsageError(`${path} is a directory. Name a file in it.`);
  const handle = await open(draft, 'wx', 0o600).catch((error: unknown) => {
    throw cannot(error);
  });
  const out = handle.createWriteStream({ flush: true }); // it closes the file
  const keep = async () => {
    if (!out.closed) await once(out, 'close');
    await rename(draft, target);
    const directory = await open(dirname(target), 'r');
    await directory.sync().catch(() => undefined); // not every file system can
    await directory.close();
  };
  try {
    return await backUp(input, out, keep);
  } catch (error) {
    throw FILE_ERRORS.has(systemCodeOf(error) ?? '') ? cannot(error) : error;
  } finally {
    out.destroy();
    await rm(draft, { force: true });
  }
}

const FILE_ERRORS = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS', 'EISDIR', 'EACCES', 'EPERM', 'ENOTDIR']);

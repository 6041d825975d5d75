import { stat } from 'node:fs/promises';
import { type BackupContents, checkBackup } from '../backup/read-backup.ts';
import { type Restored, restoreBackup } from '../backup/restore-backup.ts';
import { checkMigrations } from '../backup/target.ts';
import type { Config } from '../config/load.ts';
import { readMigrations } from '../db/migrate.ts';
import { assetChunk } from '../db/schema.ts';
import { JobQueue } from '../queue/boss.ts';
import { Stores } from '../storage/stores.ts';
import { acquireDatabase, type Progress } from './acquire-database.ts';
import { databaseError, migrateDatabase } from './database.ts';

/** A backup that was read from its first to its last byte. */
export interface CheckedBackup extends BackupContents {
  path: string;
  /** compressed */
  bytes: number;
}

/** @throws OperatorError if it is damaged, cut off, no backup, or made by a later release */
export async function checkBackupFile(path: string): Promise<CheckedBackup> {
  const contents = await checkBackup(path);
  checkMigrations(contents.manifest, await readMigrations());
  return { ...contents, path, bytes: (await stat(path)).size };
}

/** Restores into the database of the settings. @throws OperatorError if that is not empty, is used, or cannot be reached */
export async function restore(
  { config, onProgress }: { config: Config; onProgress: Progress },
  backup: CheckedBackup,
): Promise<Restored> {
  const handle = await acquireDatabase(config, onProgress);
  const { directUrl: url } = handle;
  try {
    return await restoreBackup(
      {
        url,
        connectTimeoutMs: config.databaseConnectTimeoutMs,
        stores: { pdfprompt_file: new Stores(config), pdfprompt_asset: new Stores(config, undefined, assetChunk) },
        queueOf: (db) => new JobQueue({ db, supervise: false, onError: () => undefined }),
        migrate: async (versions) => void (await migrateDatabase({ url, config, versions, onProgress })),
        onProgress,
      },
      backup,
    );
  } catch (error) {
    throw databaseError(error, url);
  } finally {
    await handle.release();
  }
}

import { inCopyTransaction } from '../db/copy-transaction.ts';
import { recordBackup } from '../jobs/last-backup.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Queryable } from '../db/pools.ts';
import { type FileStores, loadBackup } from './load-backup.ts';
import type { BackupContents } from './read-backup.ts';
import { settleRestored } from './settle-restored.ts';
import { checkEmpty, checkSchema } from './target.ts';

/** Advisory lock, so that only one process restores at a time. */
const LOCK = 7_233_704;

interface RestoreDeps {
  /** without a pooler in between */
  url: string;
  connectTimeoutMs: number;
  stores: FileStores;
  queueOf: (db: Queryable) => JobQueue;
  /** applies these migrations, or all */
  migrate: (versions?: ReadonlySet<number>) => Promise<void>;
  onProgress?: ((message: string) => void) | undefined;
}

interface RestoreInput extends BackupContents {
  path: string;
  /** of the file, compressed */
  bytes: number;
}

/** What was restored. */
export interface Restored {
  /** jobs that wait for a worker, without those that are paused */
  queued: number;
}

/**
 * Restores a backup that was checked, in one transaction: if it is interrupted, the database is as empty as before, and
 * the same may be done again.
 * @throws OperatorError if the database is not empty, is used, or has another schema
 */
export async function restoreBackup(deps: RestoreDeps, input: RestoreInput): Promise<Restored> {
  const { url, connectTimeoutMs, stores, queueOf, migrate, onProgress } = deps;
  const { manifest, end, path, bytes } = input;
  const options = { url, connectTimeoutMs, applicationName: 'pdfprompt restore' };
  await inCopyTransaction(options, ({ sql }) => checkEmpty(sql)); // before it is migrated
  if (end.files > 0) for (const { current } of Object.values(stores)) await current.check();
  await migrate(new Set(manifest.migrations.map(({ version }) => version)));
  const restored = await inCopyTransaction(options, async (transaction) => {
    const { sql, db } = transaction;
    const [lock] = await sql<{ taken: boolean }[]>`select pg_try_advisory_xact_lock(${LOCK}) as taken`;
    if (!lock?.taken) throw new OperatorError('Another process restores a backup into this database.');
    await checkSchema(sql, manifest);
    await sql.unsafe(`lock table ${manifest.tables.map(({ name }) => name).join(', ')} in access exclusive mode`);
    await checkEmpty(sql);
    await loadBackup(transaction, { path, manifest, stores, onProgress });
    onProgress?.('Making the queue');
    const hasPauses = manifest.tables.some(({ columns }) => columns.includes('paused_at'));
    const queued = await settleRestored(db, queueOf(db), hasPauses);
    if (manifest.tables.some(({ name }) => name === 'pdfprompt_backup'))
      await recordBackup(db, {
        takenAt: new Date(manifest.takenAt),
        bytes,
        files: end.files,
        version: manifest.version,
      });
    return { queued };
  });
  await migrate();
  await inCopyTransaction(options, async ({ sql }) => {
    onProgress?.('Analyzing');
    for (const { name } of manifest.tables) await sql.unsafe(`analyze ${name}`);
  });
  return restored;
}

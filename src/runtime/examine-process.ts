import { access, constants, mkdir } from 'node:fs/promises';
import type { Config } from '../config/load.ts';
import { messageOf } from '../kernel/errors.ts';
import { MEGABYTE } from '../kernel/units.ts';
import { Stores } from '../storage/stores.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { checkOpenDatabase } from './check-database.ts';
import { checkDisks } from './check-disks.ts';
import { checkSigner } from './signer.ts';

const ENOUGH_MEMORY_MB = 1_024;

/** What a process that is running can check of itself: everything but Chromium, which may be on another machine. */
export async function examineProcess(
  config: Config,
  database: Parameters<typeof checkOpenDatabase>[1],
): Promise<Check[]> {
  return [
    checkNode(),
    await checkDataDir(config),
    ...(await checkOpenDatabase(config, database)),
    await checkStore(config),
    ...(await checkDisks(config)),
    ...(await checkSigner(config)),
    checkMemory(),
  ];
}

/** An older one does not get here. */
export const checkNode = () => ok('node', `Node ${process.versions.node}`);

export async function checkDataDir({ dataDir }: Config): Promise<Check> {
  try {
    await mkdir(dataDir, { recursive: true });
    await access(dataDir, constants.W_OK);
    return ok('data directory', dataDir);
  } catch (error) {
    const fix = 'set PDFPROMPT_DATA_DIR to a directory that can be written';
    return fail('data directory', `${dataDir} cannot be written: ${messageOf(error)}`, fix);
  }
}

export async function checkStore(config: Config): Promise<Check> {
  try {
    const store = new Stores(config).current;
    await store.check();
    return ok(
      'pdf store',
      config.pdfStore.kind === 'file' ? config.pdfStore.directory : (store.location ?? 'in Postgres'),
    );
  } catch (error) {
    return failure('pdf store', error, 'set PDF_STORE to postgres, or to a directory that can be written');
  }
}

export function checkMemory(): Check {
  const limit = process.constrainedMemory() || Infinity;
  const available = Math.round(Math.min(limit, process.availableMemory()) / MEGABYTE);
  const message = `${available} MB available`;
  if (available >= ENOUGH_MEMORY_MB) return ok('memory', message);
  const fix = `give it ${ENOUGH_MEMORY_MB} MB, or lower BROWSER_POOL_SIZE and PDFPROMPT_WORKER_CONCURRENCY`;
  return warn('memory', message, fix);
}

/** The first line of a message says what went wrong, the others what to do. */
export function failure(name: string, error: unknown, otherwise?: string): Check {
  const [message = '', ...fix] = messageOf(error).split('\n');
  return fail(name, message, fix.join('\n') || otherwise);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { isDatabaseUnavailable } from '../db/pools.ts';
import { CodedError } from '../kernel/errors.ts';

/** Milliseconds that a document waits for the database and for the store of its files. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 500;

/** Milliseconds until a document is tried again whose files cannot be read: it would be here again at once. */
export const STORE_PAUSE_MS = 5_000;

/**
 * Tries again while the database or the store cannot be reached, for a while.
 * @throws CodedError `unavailable` if that takes too long; what `load` throws
 */
export async function patiently<T>(load: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await load();
    } catch (error) {
      const mayChange = isDatabaseUnavailable(error) || (error instanceof CodedError && error.code === 'unavailable');
      if (!mayChange || signal?.aborted) throw error;
      if (performance.now() > until)
        throw new CodedError('unavailable', 'the files of the document could not be read', { cause: error });
      await sleep(PAUSE_MS);
    }
  }
}

import { systemCodeOf } from '../kernel/errors.ts';

const DEADLOCK_DETECTED = '40P01';
const TRIES = 4;

/**
 * Runs a transaction again if Postgres ended it because of a deadlock. A claim locks the job's row in the queue first
 * and the job second; erasing locks them the other way round. Items lock the counters of their batch after them, in any
 * order if one transaction ends several; erasing a batch has its counters first.
 */
export async function retryAfterDeadlock<T>(transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction();
    } catch (error) {
      if (systemCodeOf(error) !== DEADLOCK_DETECTED || tries === TRIES) throw error;
    }
  }
}

import { systemCodeOf } from '../kernel/errors.ts';

const DEADLOCK = '40P01';
const TRIES = 4;

/**
 * For transactions that lock a job and its place in the queue: a claim locks the place first, who cancels or erases the
 * job. So one can be in the other's way, and then Postgres gives up one of the two.
 */
export async function againAfterDeadlock<T>(transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction();
    } catch (error) {
      if (systemCodeOf(error) !== DEADLOCK || tries === TRIES) throw error;
    }
  }
}

import { systemCodeOf } from '../kernel/errors.ts';

const DEADLOCK = '40P01';
const TRIES = 4;

/**
 * For a transaction that locks a job before its place in the queue. A claim locks the place first, so one of them can be
 * in the other's way: then Postgres gives up one of the two.
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

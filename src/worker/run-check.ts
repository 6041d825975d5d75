import type { Database } from '../db/pools.ts';
import { currentRuns } from '../jobs/current-runs.ts';

interface RunCheckOptions {
  db: Database;
  /** @param run that the job is in; undefined: it is not being rendered */
  onRun: (jobId: string, run: number | undefined) => void;
  onError: (error: unknown) => void;
}

/**
 * Looks at the rows of jobs that are said to have ended: everybody who may connect to the database can send such a
 * notification. There is one query at a time, however many are sent.
 */
export class RunCheck {
  readonly #options: RunCheckOptions;
  #ids = new Set<string>();
  #isAsking = false;

  constructor(options: RunCheckOptions) {
    this.#options = options;
  }

  check(jobId: string): void {
    this.#ids.add(jobId);
    if (!this.#isAsking) void this.#ask();
  }

  async #ask(): Promise<void> {
    const { db, onRun, onError } = this.#options;
    this.#isAsking = true;
    while (this.#ids.size > 0) {
      const ids = [...this.#ids];
      this.#ids = new Set(); // what is said from now on may be true after the answer
      try {
        const runs = await currentRuns(db, ids);
        for (const id of ids) onRun(id, runs.get(id));
      } catch (error) {
        onError(error); // what has ended is then found when its result is written
      }
    }
    this.#isAsking = false;
  }
}

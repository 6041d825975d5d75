import type { Database } from '../db/pools.ts';
import { settlePauses } from '../jobs/paused-jobs.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';

interface PauseKeeperOptions {
  /** the pool for slow statements */
  db: Database;
  queue: JobQueue;
  events: Events;
}

const EVERY_MS = 2_000;
/** It takes at most this part of the time, however many jobs are paused. */
const MAX_SHARE = 1 / 20;

/** Keeps the queue as the pauses say: takes the places of jobs that are paused, and makes them again afterwards. */
export class PauseKeeper extends Lifecycle<PauseKeeperOptions> {
  protected async onStart(): Promise<void> {
    let tookMs = 0;
    void this.repeat(
      () => Math.max(EVERY_MS, tookMs / MAX_SHARE),
      async () => {
        const startedAt = performance.now();
        await this.#settle();
        tookMs = performance.now() - startedAt;
      },
    );
  }

  async #settle(): Promise<void> {
    const { events } = this.options;
    try {
      await settlePauses(this.options, { until: this.ending });
    } catch (error) {
      events.backgroundFailed('keeping pauses', error);
    }
  }
}

import type { Database } from '../db/pools.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Events } from '../telemetry/events.ts';
import { retryRun, runDue, type RunAbout, untilDue } from './run-due.ts';

interface TickerOptions {
  /** the pool for background work */
  db: Database;
  events: Events;
}

/** Milliseconds until a schedule that another process has saved is seen. */
const EVERY_MS = 5_000;
/** Milliseconds between two looks at least. */
const SOON_MS = 50;

/** Runs the schedules that are due. Any number of processes do so: each time is one's. */
export class ScheduleTicker extends Lifecycle<TickerOptions> {
  protected async onStart(): Promise<void> {
    let pauseMs = EVERY_MS;
    void this.repeat(
      () => pauseMs,
      async () => {
        pauseMs = EVERY_MS;
        try {
          await this.#runAll();
          if (this.ending.aborted) return;
          const ms = await untilDue(this.options.db);
          pauseMs = Math.min(EVERY_MS, Math.max(SOON_MS, ms ?? EVERY_MS));
        } catch (error) {
          this.options.events.backgroundFailed('running schedules', error);
        }
      },
    );
  }

  async #runAll(): Promise<void> {
    const { db, events } = this.options;
    const onBroken = (scheduleId: string, error: unknown) =>
      events.backgroundFailed(`the schedule ${scheduleId}`, error);
    for (const some of [() => runDue({ db, onBroken }), () => retryRun({ db })])
      for (let runs: RunAbout[] | undefined = []; runs && !this.ending.aborted;) {
        runs = await some();
        for (const run of runs ?? []) events.bulk.scheduleRan(run);
      }
  }
}

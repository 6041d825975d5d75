import { setTimeout as sleep } from 'node:timers/promises';
import type { Notifier } from '../db/notifier.ts';
import type { Database } from '../db/pools.ts';
import { queueAllScheduled, untilScheduled } from '../jobs/queue-scheduled.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Events } from '../telemetry/events.ts';
import { retryRun, runDue, type RunAbout, untilDue } from './run-due.ts';

interface TickerOptions {
  /** the pool for background work */
  db: Database;
  /** says that a job of a time shortly ahead was accepted */
  notifier: Notifier;
  events: Events;
}

/** Milliseconds until a schedule that another process has saved is seen. */
const EVERY_MS = 5_000;
/** Milliseconds between two looks at least. */
const SOON_MS = 100;

interface Chore {
  /** for the log */
  what: string;
  run: () => Promise<void>;
  untilMore: () => Promise<number | undefined>;
}

/** Runs the schedules that are due, and queues the jobs whose time has come. Any number of processes do so: each time is one's. */
export class ScheduleTicker extends Lifecycle<TickerOptions> {
  /** Each by itself: what keeps one waiting does not keep the other. */
  protected async onStart(): Promise<void> {
    const { db, notifier } = this.options;
    const look = { pause: new AbortController() };
    notifier.on('scheduled', this.ending, () => look.pause.abort());
    this.#keep(look, {
      what: 'queueing scheduled jobs',
      run: () => queueAllScheduled(db, this.ending),
      untilMore: () => untilScheduled(db),
    });
    this.#keep(
      { pause: new AbortController() },
      { what: 'running schedules', run: () => this.#runAll(), untilMore: () => untilDue(db) },
    );
  }

  /** @param look its `pause` is aborted to look at once */
  #keep(look: { pause: AbortController }, chore: Chore): void {
    const signal = this.ending;
    signal.addEventListener('abort', () => look.pause.abort());
    void this.repeat(SOON_MS, async () => {
      look.pause = new AbortController(); // before it looks, so that it does not miss a job in between
      const ms = Math.max(SOON_MS, Math.min(EVERY_MS, await this.#attempt(chore)));
      if (!signal.aborted) await sleep(ms - SOON_MS, undefined, { signal: look.pause.signal }).catch(() => undefined);
    });
  }

  /** @returns milliseconds until more is due */
  async #attempt({ what, run, untilMore }: Chore): Promise<number> {
    try {
      await run();
      return (this.ending.aborted ? undefined : await untilMore()) ?? EVERY_MS;
    } catch (error) {
      this.options.events.backgroundFailed(what, error);
      return EVERY_MS;
    }
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

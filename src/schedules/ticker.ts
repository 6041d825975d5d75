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

/** Runs the schedules that are due, and queues the jobs whose time has come. Any number of processes do so: each time is one's. */
export class ScheduleTicker extends Lifecycle<TickerOptions> {
  protected async onStart(): Promise<void> {
    const signal = this.ending;
    let pause = new AbortController();
    const endPause = () => pause.abort();
    this.options.notifier.on('scheduled', signal, endPause);
    signal.addEventListener('abort', endPause);
    void this.repeat(SOON_MS, async () => {
      pause = new AbortController(); // before it looks, so that it does not miss a job in between
      const ms = await this.#look();
      if (!signal.aborted) await sleep(ms - SOON_MS, undefined, { signal: pause.signal }).catch(() => undefined);
    });
  }

  /** @returns milliseconds until it is to be called again */
  async #look(): Promise<number> {
    const { db } = this.options;
    // Each by itself: what is wrong with one does not keep the other from going on.
    const waits = [
      await this.#attempt(
        'queueing scheduled jobs',
        () => queueAllScheduled(db, this.ending),
        () => untilScheduled(db),
      ),
      await this.#attempt(
        'running schedules',
        () => this.#runAll(),
        () => untilDue(db),
      ),
    ];
    return Math.max(SOON_MS, Math.min(EVERY_MS, ...waits));
  }

  /** @returns milliseconds until more is due */
  async #attempt(
    what: string,
    run: () => Promise<void>,
    untilMore: () => Promise<number | undefined>,
  ): Promise<number> {
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

import { setTimeout as sleep } from 'node:timers/promises';
import { waitBriefly } from './deadline.ts';

/** Something that can be started and stopped. {@link Lifecycle} says what callers may rely on. */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The start/stop protocol of all services. A subclass implements how to start and stop (`onStart`, `onStop`). This
 * class calls the two alternately and never at the same time, whatever the order of the calls:
 *
 * - A second `start` (or `stop`) has the same result as the first, and does nothing.
 * - `stop` of what is not started does nothing.
 * - `stop` during a start waits until the start is over. If that failed there is nothing to stop.
 * - `start` during or after a stop starts anew when the stop is over, even if it failed. Nothing of the first life
 *   may change the second.
 * - A start that failed leaves nothing behind, and may be tried again.
 *
 * test/integration/lifecycle.test.ts checks every service.
 */
export abstract class Lifecycle<Options = void> implements Service {
  protected readonly options: Options;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #life = new AbortController();
  readonly #loops: Promise<void>[] = [];

  constructor(options: Options) {
    this.options = options;
  }

  protected abstract onStart(): Promise<void>;
  protected async onStop(): Promise<void> {}

  /** Aborted when a stop begins, before `onStop`, and when a start fails. Each start has a new one. */
  protected get ending(): AbortSignal {
    return this.#life.signal;
  }

  /**
   * For `onStart`: runs `work` now, and again `pauseMs` after each run has ended. `work` must not throw. A stop ends this
   * before `onStop`, and waits a moment for a run that is under way.
   * @returns resolves when the first run has ended
   */
  protected repeat(pauseMs: number | (() => number), work: () => Promise<void> | void): Promise<void> {
    const signal = this.ending;
    const first = (async () => work())();
    const loop = async () => {
      for (await first; ; await work()) {
        const ms = typeof pauseMs === 'number' ? pauseMs : pauseMs();
        await sleep(ms, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
      }
    };
    this.#loops.push(loop());
    return first;
  }

  start(): Promise<void> {
    if (this.#starting) return this.#starting;
    const stopped = this.#stopping?.catch(() => undefined) ?? Promise.resolve();
    this.#stopping = undefined;
    const starting = stopped.then(() => {
      this.#life = new AbortController();
      return this.onStart();
    });
    this.#starting = starting;
    starting.catch(() => {
      this.#life.abort();
      if (this.#starting === starting) this.#starting = undefined;
    });
    return starting;
  }

  stop(): Promise<void> {
    if (this.#stopping) return this.#stopping;
    if (!this.#starting) return Promise.resolve();
    this.#stopping = this.#starting.then(
      async () => {
        this.#life.abort();
        await Promise.all(this.#loops.splice(0).map(waitBriefly));
        await this.onStop();
      },
      () => undefined,
    );
    this.#starting = undefined;
    return this.#stopping;
  }
}

/** Services that are started in order and stopped in the opposite order. If one does not start, the others are stopped. */
export class ServiceGroup extends Lifecycle {
  readonly #services: readonly Service[];
  readonly #onAwait: (services: readonly Service[]) => void;

  /** @param onAwait called before each start with the services that have not started yet, and with none at the end */
  constructor(services: readonly Service[], onAwait: (services: readonly Service[]) => void = () => undefined) {
    super();
    this.#services = services;
    this.#onAwait = onAwait;
  }

  protected async onStart(): Promise<void> {
    try {
      for (const [index, service] of this.#services.entries()) {
        this.#onAwait(this.#services.slice(index));
        await service.start();
      }
      this.#onAwait([]);
    } catch (error) {
      await this.onStop().catch(() => undefined); // the first error says more
      throw error;
    }
  }

  /** Stops every service, even if stopping an earlier one failed. @throws the first failure */
  protected override async onStop(): Promise<void> {
    const failures: unknown[] = [];
    for (const service of this.#services.toReversed())
      await service.stop().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}

/** What has a lifetime. Starting twice, stopping twice, stopping before starting are all fine. */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The one start/stop protocol: a subclass says what to do once (`onStart`, `onStop`), this class
 * sees to it that it happens once, in order, however often and from wherever it is called.
 * A stop that arrives during a start waits for it; a start that failed may be tried again.
 */
export abstract class Lifecycle implements Service {
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  protected abstract onStart(): Promise<void>;
  protected abstract onStop(): Promise<void>;

  start(): Promise<void> {
    if (this.#starting) return this.#starting;
    const after = this.#stopping ?? Promise.resolve();
    this.#stopping = undefined;
    const starting = after.then(() => this.onStart());
    this.#starting = starting;
    starting.catch(() => {
      if (this.#starting === starting) this.#starting = undefined;
    });
    return starting;
  }

  stop(): Promise<void> {
    if (this.#stopping) return this.#stopping;
    if (!this.#starting) return Promise.resolve();
    const started = this.#starting;
    this.#starting = undefined;
    this.#stopping = started.then(
      () => this.onStop(),
      () => undefined, // what never started has nothing to stop
    );
    return this.#stopping;
  }
}

/** Services that belong together: started in order, stopped in the opposite order, all or none. */
export class ServiceGroup extends Lifecycle {
  readonly #services: readonly Service[];
  readonly #onAwait: (services: readonly Service[]) => void;

  /** @param onAwait told of those that have yet to start, as they become fewer */
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
      await this.onStop();
      throw error;
    }
  }

  /** Every service is stopped, also if one before it failed to. */
  protected async onStop(): Promise<void> {
    const failures: unknown[] = [];
    for (const service of this.#services.toReversed())
      await service.stop().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}

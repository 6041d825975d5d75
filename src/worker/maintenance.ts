import type { Database } from '../db/pools.ts';
import { expire } from '../jobs/expire.ts';
import { waitBriefly } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { PdfStores } from '../storage/pdf-stores.ts';
import type { Events } from '../telemetry/events.ts';

const INTERVAL_MS = 60_000;

interface MaintenanceDeps {
  db: Database;
  stores: PdfStores;
  /** milliseconds that a PDF is kept */
  retentionMs: number;
  events: Events;
}

/** What has to be done now and then, by whichever worker comes to it first. */
export class Maintenance extends Lifecycle {
  readonly #deps: MaintenanceDeps;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> = Promise.resolve();

  constructor(deps: MaintenanceDeps) {
    super();
    this.#deps = deps;
  }

  protected async onStart(): Promise<void> {
    this.#timer = setInterval(() => {
      this.#pass = this.#run();
    }, INTERVAL_MS);
  }

  protected async onStop(): Promise<void> {
    clearInterval(this.#timer);
    await waitBriefly(this.#pass); // whoever comes next does the rest
  }

  async #run(): Promise<void> {
    const { events } = this.#deps;
    try {
      const expired = await expire(this.#deps);
      if (expired.files + expired.documents + expired.jobs > 0) events.expired(expired);
    } catch (error) {
      events.backgroundFailed('expiring PDFs', error);
    }
  }
}

import type { Database } from '../db/pools.ts';
import { finishErasing } from '../jobs/erase-user.ts';
import { expire } from '../jobs/expire.ts';
import { requeueStranded } from '../jobs/requeue.ts';
import { sweepFiles } from '../jobs/sweep-files.ts';
import { waitBriefly } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { JobQueue } from '../queue/boss.ts';
import { FileStore, PARTS } from '../storage/file-store.ts';
import type { PdfStore } from '../storage/pdf-store.ts';
import type { PdfStores } from '../storage/pdf-stores.ts';
import type { Events } from '../telemetry/events.ts';

interface MaintenanceDeps {
  db: Database;
  queue: JobQueue;
  store: PdfStore;
  stores: PdfStores;
  /** milliseconds that a PDF is kept */
  retentionMs: number;
  events: Events;
}

/** One of the things that have to be done now and then. */
interface Chore {
  name: string;
  everyMs: number;
  run: () => Promise<void>;
}

/** What has to be done now and then, and at the start, by whichever worker comes to it first. */
export class Maintenance extends Lifecycle {
  readonly #deps: MaintenanceDeps;
  #timers: NodeJS.Timeout[] = [];
  readonly #running = new Map<Chore, Promise<void>>();
  /** of the directory, to be swept next: workers begin at different ones */
  #part = Math.floor(Math.random() * PARTS);

  constructor(deps: MaintenanceDeps) {
    super();
    this.#deps = deps;
  }

  protected async onStart(): Promise<void> {
    const chores: Chore[] = [
      { name: 'expiring PDFs', everyMs: 60_000, run: () => this.#expire() },
      { name: 'erasing users', everyMs: 60_000, run: () => this.#finishErasing() },
      { name: 'looking for jobs that the queue lost', everyMs: 10_000, run: () => this.#requeue() },
      { name: 'looking for PDFs that nobody knows of', everyMs: 60_000, run: () => this.#sweep() },
    ];
    for (const chore of chores) this.#begin(chore);
    this.#timers = chores.map((chore) => setInterval(() => this.#begin(chore), chore.everyMs));
  }

  protected async onStop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await waitBriefly(Promise.all(this.#running.values())); // whoever comes next does the rest
  }

  /** Unless it is still at it. */
  #begin(chore: Chore): void {
    if (this.#running.has(chore)) return;
    const run = chore
      .run()
      .catch((error: unknown) => this.#deps.events.backgroundFailed(chore.name, error))
      .finally(() => this.#running.delete(chore));
    this.#running.set(chore, run);
  }

  async #expire(): Promise<void> {
    const expired = await expire(this.#deps);
    if (expired.files + expired.documents + expired.jobs > 0) this.#deps.events.expired(expired);
  }

  async #finishErasing(): Promise<void> {
    for (const { id, jobs } of await finishErasing(this.#deps)) this.#deps.events.userErased({ userId: id, jobs });
  }

  async #requeue(): Promise<void> {
    for (const job of await requeueStranded(this.#deps)) this.#deps.events.jobRequeued(job, 'stranded');
  }

  async #sweep(): Promise<void> {
    const { db, store, events } = this.#deps;
    if (!(store instanceof FileStore)) return; // what is in Postgres has its row, by its foreign key
    const files = await sweepFiles({ db, store }, { part: this.#part++ });
    if (files > 0) events.filesSwept({ files });
  }
}

import type { Database } from '../db/pools.ts';
import { finishErasing } from '../jobs/erase-user.ts';
import { expire } from '../jobs/expire.ts';
import { requeueStranded } from '../jobs/requeue.ts';
import { sweepFiles } from '../jobs/sweep-files.ts';
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

/** Work that is due at regular intervals, done by whichever worker comes first. */
export class Maintenance extends Lifecycle<MaintenanceDeps> {
  /** of the directory of PDFs, to be swept next; each worker begins at a random one */
  #part = Math.floor(Math.random() * PARTS);

  protected async onStart(): Promise<void> {
    this.#repeat('expiring PDFs', 60_000, () => this.#expire());
    this.#repeat('erasing users', 60_000, () => this.#finishErasing());
    this.#repeat('looking for jobs that the queue lost', 10_000, () => this.#requeue());
    this.#repeat('looking for PDFs that no row names', 60_000, () => this.#sweep());
  }

  /** What is unfinished at a stop is done by the next worker. */
  #repeat(name: string, everyMs: number, task: () => Promise<void>): void {
    const { events } = this.options;
    void this.repeat(everyMs, () => task().catch((error: unknown) => events.backgroundFailed(name, error)));
  }

  async #expire(): Promise<void> {
    const expired = await expire(this.options);
    if (expired.files + expired.documents + expired.jobs > 0) this.options.events.expired(expired);
  }

  async #finishErasing(): Promise<void> {
    for (const { id, jobs } of await finishErasing(this.options)) this.options.events.userErased({ userId: id, jobs });
  }

  async #requeue(): Promise<void> {
    for (const job of await requeueStranded(this.options)) this.options.events.jobRequeued(job, 'stranded');
  }

  async #sweep(): Promise<void> {
    const { db, store, events } = this.options;
    if (!(store instanceof FileStore)) return; // in Postgres a foreign key ties each PDF to its row
    const files = await sweepFiles({ db, store }, { part: this.#part++ });
    if (files > 0) events.orphansRemoved({ files });
  }
}

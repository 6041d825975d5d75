import { deleteOldAudits } from '../accounts/audit.ts';
import { removeUnusedAssets } from '../assets/remove-unused-assets.ts';
import { finishCancelling } from '../batches/cancel-batch.ts';
import { repairBatches } from '../batches/repair-batches.ts';
import type { Config } from '../config/load.ts';
import type { Database } from '../db/pools.ts';
import { finishErasing } from '../jobs/erase-user.ts';
import { expire } from '../jobs/expire.ts';
import { addItemTerms, fillTerms } from '../jobs/fill-terms.ts';
import { requeueStranded } from '../jobs/requeue.ts';
import { sweepFiles } from '../jobs/sweep-files.ts';
import { locateFiles, removeAbandonedPuts } from '../jobs/unowned-files.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { rotateLinkKeys } from '../links/rotate-link-keys.ts';
import type { JobQueue } from '../queue/boss.ts';
import { PARTS } from '../storage/file-store.ts';
import type { Stores } from '../storage/stores.ts';
import { removeDeletedVersions } from '../templates/delete-template.ts';
import type { Events } from '../telemetry/events.ts';

/** Milliseconds after which a put has ended, whatever became of it. */
const UNFINISHED_MS = 3_600_000;
/** Rows of the audit log that are deleted in one transaction. */
const AUDITS = 1_000;

interface MaintenanceDeps {
  db: Database;
  queue: JobQueue;
  stores: Stores;
  /** milliseconds that a PDF is kept */
  retentionMs: number;
  config: Pick<Config, 'auditRetentionMs'>;
  events: Events;
}

/** Work that is due at regular intervals, done by whichever worker comes first. */
export class Maintenance extends Lifecycle<MaintenanceDeps> {
  /** of the directory, to be swept next; each worker begins at a random one */
  #part = Math.floor(Math.random() * PARTS);

  protected async onStart(): Promise<void> {
    this.#repeat('expiring PDFs', 60_000, () => this.#expire());
    this.#repeat('removing old rows of the audit log', 600_000, () => this.#removeAudits());
    this.#repeat('erasing users', 60_000, () => this.#finishErasing());
    this.#repeat('cancelling batches', 2_000, async () => void (await finishCancelling(this.options)));
    this.#repeat('looking for batches without an end', 60_000, () => repairBatches(this.options));
    this.#repeat('looking for jobs that the queue lost', 10_000, () => this.#requeue());
    this.#repeat('removing PDFs that no job will have', 5_000, () => this.#removeAbandoned());
    this.#repeat('removing unused files', 600_000, () => this.#removeUnused());
    this.#repeat('removing what puts have left', 3_600_000, () => this.#sweep());
    this.#repeat('rotating the keys of links', 3_600_000, () => this.#rotateLinkKeys());
    this.#repeat('noting where PDFs are', 60_000, () => this.#locate());
    this.#repeat('noting what items are found by', 2_000, () => this.#addItemTerms());
    this.#repeat('noting what earlier jobs are found by', 60_000, () => this.#fillTerms());
    this.#repeat('looking for PDFs that no row names', 60_000, () => this.#sweepFiles());
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

  async #removeAudits(): Promise<void> {
    const { db, config } = this.options;
    const older = { keptMs: config.auditRetentionMs, limit: AUDITS };
    while (!this.ending.aborted && (await deleteOldAudits(db, older)) === AUDITS);
  }

  async #finishErasing(): Promise<void> {
    for (const { id, jobs } of await finishErasing(this.options))
      this.options.events.accounts.userErased({ userId: id, jobs });
  }

  async #requeue(): Promise<void> {
    for (const job of await requeueStranded(this.options)) this.options.events.jobRequeued(job, 'stranded');
  }

  async #removeAbandoned(): Promise<void> {
    const files = await removeAbandonedPuts(this.options);
    if (files > 0) this.options.events.orphansRemoved({ files });
  }

  /** Versions first: their files may be unused then. */
  async #removeUnused(): Promise<void> {
    const versions = await removeDeletedVersions(this.options.db);
    const assets = await removeUnusedAssets(this.options.db);
    if (versions + assets > 0) this.options.events.unusedRemoved({ assets, versions });
  }

  async #sweep(): Promise<void> {
    const files = await this.options.stores.current.sweep(UNFINISHED_MS);
    if (files > 0) this.options.events.orphansRemoved({ files });
  }

  async #rotateLinkKeys(): Promise<void> {
    const keys = await rotateLinkKeys(this.options.db);
    if (keys.made + keys.deleted > 0) this.options.events.linkKeysRotated(keys);
  }

  async #locate(): Promise<void> {
    while (!this.ending.aborted && (await locateFiles(this.options)) > 0);
  }

  async #addItemTerms(): Promise<void> {
    while (!this.ending.aborted && (await addItemTerms(this.options.db)) > 0);
  }

  async #fillTerms(): Promise<void> {
    while (!this.ending.aborted && (await fillTerms(this.options.db)) > 0);
  }

  /** One of the subdirectories: all of them in some four hours. What is found, {@link expire} removes. */
  async #sweepFiles(): Promise<void> {
    const files = await sweepFiles(this.options, this.#part++);
    if (files > 0) this.options.events.orphansRemoved({ files });
  }
}

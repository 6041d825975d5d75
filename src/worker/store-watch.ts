import type { Database } from '../db/pools.ts';
import { unlessAborted } from '../kernel/abort.ts';
import { Condition } from '../kernel/health.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Store, StoreFailure } from '../storage/store.ts';
import { PostgresStore } from '../storage/postgres-store.ts';
import type { Events } from '../telemetry/events.ts';

const PROBE_MS = 1_000;
/** Bytes that the end of a job writes into the database in addition to the PDF: one page. */
const ROWS_BYTES = 8_192;

interface StoreWatchOptions {
  db: Database;
  store: Store;
  events: Pick<Events, 'storeFailed' | 'storeRecovered'>;
}

/**
 * Whether the store takes PDFs. After it has refused one, no job is claimed until as many bytes could be written again:
 * a PDF that cannot be stored need not be rendered. What is rendered already waits for that too.
 */
export class StoreWatch extends Lifecycle<StoreWatchOptions> {
  readonly condition = new Condition('store');
  readonly #database = new PostgresStore();
  /** of the largest PDF that was refused */
  #bytes = 0;
  #recovered = Promise.withResolvers<void>();

  protected async onStart(): Promise<void> {
    void this.repeat(PROBE_MS, () => this.#probe());
  }

  /** The store refused a PDF of so many bytes. */
  failed(failure: StoreFailure, bytes: number): void {
    const { store, events } = this.options;
    const wasOk = this.condition.isOk;
    this.#bytes = Math.max(this.#bytes, bytes);
    if (wasOk) this.#recovered = Promise.withResolvers();
    this.condition.set(`PDFs cannot be stored: ${failure.reason}`);
    events.storeFailed({ store: store.kind, reason: failure.reason, isNew: wasOk }, failure);
  }

  /** Waits until the store takes PDFs again. @returns false if `signal` was aborted before */
  async recovers(signal: AbortSignal): Promise<boolean> {
    if (this.condition.isOk) return !signal.aborted;
    return unlessAborted([signal], this.#recovered.promise).then(
      () => true,
      () => false,
    );
  }

  async #probe(): Promise<void> {
    if (this.condition.isOk) return;
    const { db, store, events } = this.options;
    try {
      await store.probe(db, this.#bytes);
      if (!store.isInDatabase) await this.#database.probe(db, ROWS_BYTES);
    } catch {
      return; // reported by `failed` already
    }
    this.#bytes = 0;
    this.condition.set(undefined);
    this.#recovered.resolve();
    events.storeRecovered({ store: store.kind });
  }
}

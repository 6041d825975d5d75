import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../db/pools.ts';
import { waitBriefly } from '../kernel/deadline.ts';
import { Condition } from '../kernel/health.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { PdfStore, StoreFailure } from '../storage/pdf-store.ts';
import { PostgresStore } from '../storage/postgres-store.ts';
import type { Events } from '../telemetry/events.ts';

const PROBE_MS = 1_000;
/** Bytes that the end of a job writes into the database in addition to the PDF: one page. */
const ROWS_BYTES = 8_192;

interface StoreWatchOptions {
  db: Database;
  store: PdfStore;
  events: Pick<Events, 'storeFailed' | 'storeRecovered'>;
}

/**
 * Whether the store takes PDFs. After it has refused one, no job is claimed until as many bytes could be written again:
 * a PDF that cannot be stored need not be rendered.
 */
export class StoreWatch extends Lifecycle {
  readonly condition = new Condition('store');
  readonly #options: StoreWatchOptions;
  readonly #database = new PostgresStore();
  /** of the largest PDF that was refused */
  #bytes = 0;
  #stopping = new AbortController();
  #probing: Promise<void> = Promise.resolve();

  constructor(options: StoreWatchOptions) {
    super();
    this.#options = options;
  }

  protected async onStart(): Promise<void> {
    this.#stopping = new AbortController();
    if (!this.condition.isOk) this.#probing = this.#probe(this.#stopping.signal);
  }

  protected async onStop(): Promise<void> {
    this.#stopping.abort();
    await waitBriefly(this.#probing);
  }

  /** The store refused a PDF of so many bytes. */
  failed(failure: StoreFailure, bytes: number): void {
    const { store, events } = this.#options;
    const wasOk = this.condition.isOk;
    this.#bytes = Math.max(this.#bytes, bytes);
    this.condition.set(`PDFs cannot be kept: ${failure.reason}`);
    events.storeFailed({ store: store.kind, reason: failure.reason, isNew: wasOk }, failure);
    if (wasOk) this.#probing = this.#probe(this.#stopping.signal);
  }

  async #probe(signal: AbortSignal): Promise<void> {
    const { db, store, events } = this.#options;
    for (;;) {
      await sleep(PROBE_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await store.probe(db, this.#bytes);
        if (store.kind !== this.#database.kind) await this.#database.probe(db, ROWS_BYTES);
        break;
      } catch {
        // reported by `failed` already
      }
    }
    this.#bytes = 0;
    this.condition.set(undefined);
    events.storeRecovered({ store: store.kind });
  }
}

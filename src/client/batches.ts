import type { Batch, BatchRequest, BatchStatus, ItemRequest, JobStatus, ListedItem, ListedItemPage } from './api-types.ts'; // prettier-ignore
import { type CallOptions, type Connection, idempotent, jsonBody, type SubmitOptions } from './connection.ts';
import { type WaitOptions, withDeadline } from './deadline.ts';
import { Download } from './download.ts';
import { type FormFile, formBody } from './form.ts';
import { pages } from './pages.ts';
import { pause } from './pause.ts';
import type { Upload, Uploads } from './upload.ts';

/** A batch with its items, or with a file of them. */
export type NewBatch = Omit<BatchRequest, 'items'> & { items?: ItemRequest[] | undefined };

export interface BatchOptions extends SubmitOptions {
  /** files that all documents need: they are sent with the request */
  files?: Uploads | undefined;
  /** the items as a file: CSV with a header, JSON, or JSON in lines */
  rows?: { content: Upload; type: 'csv' | 'tsv' | 'json' | 'ndjson' } | undefined;
}

/** Milliseconds between two looks at a batch, longer each time up to the last. */
const FIRST_LOOK_MS = 200;
const LAST_LOOK_MS = 5_000;

export class Batches {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Submits many documents. All are accepted, or none is. */
  async create(batch: NewBatch, { files = {}, rows, idempotencyKey, signal }: BatchOptions = {}): Promise<Batch> {
    const sent: FormFile[] = Object.entries(files).map(([filename, content]) => ({ name: 'files', filename, content }));
    if (rows) sent.unshift({ name: 'items', filename: `items.${rows.type}`, content: rows.content });
    const body = sent.length === 0 ? jsonBody(batch) : await formBody(batch, sent);
    return this.#connection.json({
      method: 'POST',
      path: 'batches',
      headers: idempotent(idempotencyKey),
      body,
      signal,
    });
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<Batch> {
    return this.#connection.json({ method: 'GET', path: batchPath(id), signal });
  }

  /** Your batches, newest first. */
  list(options: CallOptions & { status?: BatchStatus | undefined } = {}): AsyncGenerator<Batch, void, undefined> {
    return pages(this.#connection, 'batches', options);
  }

  /** The items of a batch, by row. */
  async *items(
    id: string,
    { status, signal }: CallOptions & { status?: JobStatus | undefined } = {},
  ): AsyncGenerator<ListedItem, void, undefined> {
    let after: number | null = 0;
    while (after !== null) {
      const query: object = { status, after, limit: 1_000 };
      const path = `${batchPath(id)}/items`;
      const page: ListedItemPage = await this.#connection.json({ method: 'GET', path, query, signal });
      yield* page.items;
      after = page.next;
    }
  }

  /** The batch when it has ended, with whatever became of its items. */
  async wait(id: string, options: WaitOptions = {}): Promise<Batch> {
    return withDeadline(options, async (signal) => {
      for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 1.5, LAST_LOOK_MS)) {
        const batch = await this.get(id, { signal });
        if (batch.completedAt !== null) return batch;
        await pause(lookMs, signal);
      }
    });
  }

  /** All files of the completed items, as a zip. */
  async zip(id: string, { signal }: CallOptions = {}): Promise<Download> {
    return new Download(await this.#connection.send({ method: 'GET', path: `${batchPath(id)}/zip`, signal }));
  }

  /** The merged PDF of a batch with `result: 'merged'`. */
  async pdf(id: string, { signal }: CallOptions = {}): Promise<Download> {
    return new Download(await this.#connection.send({ method: 'GET', path: `${batchPath(id)}/pdf`, signal }));
  }

  /** Cancels all items that have not ended. */
  async cancel(id: string, { signal }: CallOptions = {}): Promise<Batch> {
    return this.#connection.json({ method: 'DELETE', path: batchPath(id), signal });
  }

  /** Tries again what failed or was cancelled. */
  async retry(id: string, { signal }: CallOptions = {}): Promise<Batch> {
    return this.#connection.json({ method: 'POST', path: `${batchPath(id)}/retry`, signal });
  }
}

const batchPath = (id: string) => `batches/${encodeURIComponent(id)}`;

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '../../src/domain/batch.ts';
import { invoiceCsv, invoiceTemplate, nonceOf } from '../support/invoice-batch.ts';
import { batchForm } from '../support/send-batch.ts';
import { Refused, type Sender } from './sender.ts';

/** What becomes of a batch: the large one is merged; of the small ones one is cancelled, one retried, one fetched as a zip. */
export type BatchKind = 'merged' | 'cancelled' | 'retried' | 'zip';

/** What a client was promised. */
export interface PromisedBatch {
  id: string;
  kind: BatchKind;
  key: string;
  /** of its nonces */
  run: string;
  rows: number;
}

const FEW = 24;
const SMALL_KINDS: BatchKind[] = ['cancelled', 'retried', 'zip'];
const PAUSE_MS = 2_000;
/** A batch is more than a request; it may wait for one that was sent twice. */
const TIMEOUT_MS = 30_000;
/** Milliseconds without an item that ends: longer than a claim lasts that nobody settles. */
const STILL_MS = 180_000;

/** The file name of a row: some of the large batch make their worker fail, or kill it. */
export function filenameOf(kind: BatchKind, row: number, run: string): string {
  if (kind === 'merged' && row % 250 === 17) return 'chaos-throw.pdf';
  if (kind === 'merged' && row % 500 === 37) return 'chaos-kill.pdf';
  if (kind === 'retried' && row === 5) return 'chaos-throw.pdf';
  return `${nonceOf(row, run)}.pdf`;
}

interface BatchClientsOptions {
  sender: Sender;
  /** of who sends the large batch, and of who sends small ones */
  keys: { large: string; small: string };
  rows: number;
  webhook: string;
}

/** Clients that send batches as they should: each has an Idempotency-Key, and is sent until it is acknowledged, and again. */
export class BatchClients {
  readonly ledger: PromisedBatch[] = [];
  /** what a client should not have been answered */
  readonly problems: string[] = [];
  /** how often something was sent that had been answered before */
  repeated = 0;
  /** items of the large batch that have ended */
  done = 0;
  readonly #options: BatchClientsOptions;
  #isOver = false;

  constructor(options: BatchClientsOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { keys, rows } = this.#options;
    for (const key of Object.values(keys)) await this.#pushTemplate(key);
    const note = (error: unknown) => void this.problems.push(String(error));
    const small = this.#sendSmall(keys.small).catch(note);
    try {
      const large = await this.#submit('merged', keys.large, rows);
      const again = this.#repeatNowAndThen(large).catch(note);
      await this.#ended(large, ({ items }) => (this.done = items.total - items.open));
      this.#isOver = true;
      await again;
    } finally {
      this.#isOver = true;
      await small;
    }
  }

  async #pushTemplate(key: string): Promise<void> {
    const files = Object.entries(invoiceTemplate()).map(([name, text]) => [name, { text }]);
    const body = JSON.stringify({ files: Object.fromEntries(files) as object });
    await this.#options.sender.send({ method: 'PUT', path: '/v1/templates/invoice', key, body });
  }

  /** Twice at the same time, to whatever API: it is one batch. */
  async #submit(kind: BatchKind, key: string, rows: number): Promise<PromisedBatch> {
    const promised = { id: '', kind, key, run: randomBytes(4).toString('hex'), rows };
    const [first, second] = await Promise.all([this.#send(promised), this.#send(promised)]);
    if (first !== second) this.problems.push(`one key, two batches: ${first} and ${second}`);
    this.repeated++;
    promised.id = first;
    this.ledger.push(promised);
    return promised;
  }

  async #send({ kind, key, run, rows }: PromisedBatch): Promise<string> {
    const { sender, webhook } = this.#options;
    const result = kind === 'merged' || kind === 'zip' ? kind : 'files';
    const common = { request: { template: 'invoice', webhook }, result };
    const csv = invoiceCsv(rows, run, (row) => filenameOf(kind, row, run));
    const form = () => batchForm(common, csv);
    const headers = { 'idempotency-key': run };
    const answer = await sender.send({
      method: 'POST',
      path: '/v1/batches',
      key,
      headers,
      form,
      timeoutMs: TIMEOUT_MS,
    });
    return (JSON.parse(answer) as { id: string }).id;
  }

  /** As a client does that was started again. */
  async #repeatNowAndThen(promised: PromisedBatch): Promise<void> {
    while (!this.#isOver) {
      await sleep(Math.random() * 20_000);
      const id = await this.#send(promised);
      if (id !== promised.id) this.problems.push(`sent again, ${promised.id} was ${id}`);
      this.repeated++;
    }
  }

  async #sendSmall(key: string): Promise<void> {
    for (let number = 0; !this.#isOver; number++) {
      const kind = SMALL_KINDS[number % SMALL_KINDS.length] ?? 'zip';
      const promised = await this.#submit(kind, key, FEW);
      if (kind === 'cancelled') {
        await sleep(Math.random() * 6_000);
        await this.#options.sender.send({ method: 'DELETE', path: `/v1/batches/${promised.id}`, key });
      }
      await this.#ended(promised);
      if (kind === 'retried') {
        await this.#retry(promised);
        await this.#ended(promised);
      }
      await sleep(Math.random() * PAUSE_MS);
    }
  }

  async #retry({ id, key }: PromisedBatch): Promise<void> {
    try {
      await this.#options.sender.send({ method: 'POST', path: `/v1/batches/${id}/retry`, key });
    } catch (error) {
      // It was sent before, and not answered: there may be nothing to retry, or it is open again.
      if (!(error instanceof Refused && error.status === 409)) throw error;
    }
  }

  /** Until a batch is over, or nothing of it has ended for so long that nothing will: the oracle finds that. */
  async #ended({ id, key }: PromisedBatch, onProgress?: (batch: Batch) => void): Promise<void> {
    for (let [before, since] = ['', performance.now()]; performance.now() - since < STILL_MS; await sleep(500)) {
      const answer = await this.#options.sender.send({ method: 'GET', path: `/v1/batches/${id}`, key });
      const batch = JSON.parse(answer) as Batch;
      onProgress?.(batch);
      if (batch.completedAt !== null) return;
      const now = `${batch.status} ${batch.items.open}`;
      if (now !== before) since = performance.now();
      before = now;
    }
  }
}

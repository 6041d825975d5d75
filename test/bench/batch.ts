import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '../../src/domain/batch.ts';
import { launchChromium } from '../../src/render/chromium.ts';
import { asker } from '../support/guests.ts';
import { dataOf, invoiceCsv, invoiceTemplate, nonceOf } from '../support/invoice-batch.ts';
import { download, noncesOfPages, noncesOfZip } from '../support/printed-batch.ts';
import { acceptRows } from '../support/send-batch.ts';
import { fill } from '../support/templates.ts';
import type { BenchOptions } from './options.ts';
import { Peaks } from './peaks.ts';
import { warmLoop } from './render.ts';
import { ask, mean, percentile, type Result, spread, type Stage } from './stage.ts';

const ROWS = 10_000;
/** Of the raw loop, before and after the batch: the machine's speed changes. */
const RAW_SECONDS = 10;
const WARM_UP_SECONDS = 3;
const IDLE_DOCUMENTS = 30;
/** The batch before it, so that everything has been done once. */
const WARM_UP_ROWS = 100;
/** With more open items than this the end is far, and is asked for seldom: what the benchmark costs is missing elsewhere. */
const MANY_OPEN = 100;
const TARGETS = { acceptSeconds: 1, ofRaw: 0.9, megabytes: 1_500 };

/**
 * Invoices of a CSV, merged into one PDF and as a zip, beside the raw loop with the same document; and what another tenant
 * who sends a document a second notices of it.
 */
export async function batch(stage: Stage, { rows = ROWS }: BenchOptions): Promise<Result> {
  const binary = await stage.chromium();
  const { address } = await stage.serve();
  await stage.start(['work'], /pdfprompt works/);
  const { key } = await stage.user('bulk@example.com');
  const other = new Trickle(stage, address, (await stage.user('other@example.com')).key);
  const client = asker(address);
  const files = Object.entries(invoiceTemplate()).map(([name, text]) => [name, { text }]);
  await client({ key }, 'PUT', '/v1/templates/invoice', 201, { body: { files: Object.fromEntries(files) } });

  const chromium = await launchChromium(binary);
  const loop = await warmLoop(chromium.browser);
  const html = fill(invoiceTemplate(), dataOf(1, '00000000'));
  const raw = async () => {
    await loop(html, WARM_UP_SECONDS);
    const startedAt = performance.now();
    const times = await loop(html, RAW_SECONDS);
    return times.length / ((performance.now() - startedAt) / 1_000);
  };
  const send = async (count: number) => {
    const run = randomBytes(4).toString('hex');
    const csv = invoiceCsv(count, run);
    const common = { request: { template: 'invoice' }, result: 'merged', filename: 'all.pdf' };
    const startedAt = performance.now();
    const { id } = await acceptRows(address, key, { common, csv, idempotencyKey: run });
    return { id, run, acceptSeconds: (performance.now() - startedAt) / 1_000 };
  };
  const ended = async (id: string, isOver: (one: Batch) => boolean) => {
    for (;;) {
      const one = (await client({ key }, 'GET', `/v1/batches/${id}`, 200)) as Batch;
      if (isOver(one)) return one;
      await sleep(one.items.open > MANY_OPEN ? 2_000 : 250);
    }
  };

  const says = (what: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${what}\n`);
  const warmUp = await send(WARM_UP_ROWS);
  await ended(warmUp.id, ({ completedAt }) => completedAt !== null);
  says('the other tenant alone');
  const idle = await other.documents(IDLE_DOCUMENTS);
  says('raw loop');
  const before = await raw();
  const peaks = new Peaks(await stage.pids());

  const { id, run, acceptSeconds } = await send(rows);
  says(`${rows} rows accepted`);
  const beside = other.start();
  await ended(id, ({ items }) => items.open === 0);
  says('the items have ended');
  const besideTimes = await beside();
  const mergingSince = performance.now();
  const end = await ended(id, ({ completedAt }) => completedAt !== null);
  const mergeSeconds = (performance.now() - mergingSince) / 1_000;
  says('merged');
  const made = await rateOf(stage, id);
  const merged = join(stage.directory, 'merged.pdf');
  const zip = join(stage.directory, 'all.zip');
  await download(`${address}/v1/jobs/${end.job}/pdf`, key, merged);
  const zippedSince = performance.now();
  await download(`${address}/v1/batches/${id}/zip`, key, zip);
  const zipSeconds = (performance.now() - zippedSince) / 1_000;
  says('downloaded');
  const used = await peaks.stop();
  const after = await raw();
  await chromium.close();

  const pages = await noncesOfPages(merged);
  const inZip = await noncesOfZip(zip);
  const expected = Array.from({ length: rows }, (_, index) => nonceOf(index + 1, run));
  const wrongPages = expected.filter((nonce, index) => pages[index]?.join() !== nonce).length;
  const wrongFiles = expected.filter((nonce) => inZip.get(`${nonce}.pdf`)?.join() !== nonce).length;
  const ratio = made.rate / mean([before, after]);
  const limit = 2 * percentile(idle, 95) + made.documentMs;
  const p95 = percentile(besideTimes, 95);
  return {
    [`${rows} rows of CSV accepted, s`]: `${acceptSeconds.toFixed(2)}, ${verdict(acceptSeconds <= TARGETS.acceptSeconds)}: at most ${TARGETS.acceptSeconds}`,
    'the batch': `${end.status}, ${JSON.stringify(end.items)}`,
    'raw loop before and after, documents/s': `${before.toFixed(1)}  ${after.toFixed(1)}`,
    'batch, with what the other tenant sends, documents/s': made.rate.toFixed(1),
    'batch / raw': `${ratio.toFixed(2)}, ${verdict(ratio >= TARGETS.ofRaw)}: at least ${TARGETS.ofRaw}`,
    'another tenant, a document a second, idle': spread(idle),
    [`beside the batch, ${besideTimes.length} documents`]: spread(besideTimes),
    'its p95': `${verdict(p95 <= limit)}: at most ${limit.toFixed(0)} ms, 2 × idle + one document (${made.documentMs.toFixed(0)} ms)`,
    'merged after the last item, s': mergeSeconds.toFixed(1),
    'merged PDF': `${pages.length} pages of ${rows}, ${wrongPages} wrong: ${verdict(wrongPages === 0 && pages.length === rows)}`,
    'zip, s': zipSeconds.toFixed(1),
    'files in the zip': `${inZip.size} of ${rows}, ${wrongFiles} wrong: ${verdict(wrongFiles === 0 && inZip.size === rows)}`,
    'CPU for each document, ms': used.map(({ kind, cpuMs }) => `${kind} ${(cpuMs / rows).toFixed(1)}`).join(', '),
    'largest processes (PSS), MB': used.map(({ kind, megabytes }) => `${kind} ${megabytes}`).join(', '),
    [`each at most ${TARGETS.megabytes} MB`]: verdict((used[0]?.megabytes ?? 0) <= TARGETS.megabytes),
  };
}

const verdict = (isMet: boolean) => (isMet ? 'met' : 'NOT MET');

/** From the start of the first item to the end of the last, and how long one is under way (p50). */
async function rateOf({ sql }: Stage, batch: string): Promise<{ rate: number; documentMs: number }> {
  const [row] = await sql<{ rate: number; ms: number }[]>`
    with own as (
      select min(started_at) as since, max(completed_at) as until,
        percentile_cont(0.5) within group (order by extract(epoch from completed_at - started_at) * 1000) as ms
      from pdfprompt_job where batch_id = ${batch} and batch_row is not null and status = 'completed'
    )
    select own.ms::float as ms, (
        select count(*) from pdfprompt_job j where j.completed_at between own.since and own.until and j.status = 'completed'
      )::float / extract(epoch from own.until - own.since)::float as rate
    from own`;
  if (!row) throw new Error('nothing was completed');
  return { rate: row.rate, documentMs: row.ms };
}

/** Somebody who sends a document a second, whether or not the last one has ended. */
class Trickle {
  readonly #stage: Stage;
  readonly #address: string;
  readonly #key: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(stage: Stage, address: string, key: string) {
    this.#stage = stage;
    this.#address = address;
    this.#key = key;
  }

  /** @returns milliseconds from acceptance to end of each */
  async documents(count: number): Promise<number[]> {
    const stop = this.start();
    await sleep(count * 1_000);
    return stop();
  }

  /** @returns what ends it, with the same */
  start(): () => Promise<number[]> {
    const over = new AbortController();
    const ids: string[] = [];
    const body = Buffer.from(JSON.stringify({ html: fill(invoiceTemplate(), dataOf(1, 'ffffffff')) }));
    const sending = (async () => {
      for (let due = performance.now(); !over.signal.aborted; due += 1_000) {
        await sleep(Math.max(0, due - performance.now()), undefined, { signal: over.signal }).catch(() => undefined);
        if (over.signal.aborted) break;
        const sent = await ask(this.#agent, 'POST', `${this.#address}/v1/jobs`, this.#key, body);
        ids.push((JSON.parse(sent) as { id: string }).id);
      }
    })();
    return async () => {
      over.abort();
      await sending;
      return Promise.all(ids.map((id) => this.#timeOf(id)));
    };
  }

  async #timeOf(id: string): Promise<number> {
    for (;;) {
      const [row] = await this.#stage.sql<{ status: string; ms: number }[]>`
        select status, (extract(epoch from completed_at - created_at) * 1000)::float as ms from pdfprompt_job where id = ${id}`;
      if (row?.status === 'completed') return row.ms;
      if (row?.status !== 'queued' && row?.status !== 'processing') throw new Error(`${id} is ${row?.status}`);
      await sleep(100);
    }
  }
}

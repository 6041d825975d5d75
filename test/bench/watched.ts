import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKey } from '../../src/accounts/keys.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { submitJob } from '../../src/jobs/submit.ts';
import { freePort } from '../support/free-port.ts';
import { silentEvents } from '../support/silent-events.ts';
import { mean, type Result, type Stage } from './stage.ts';

const ROUNDS = 3;
const WARM_UP = 60;
const JOBS = 400;
/** Milliseconds; Prometheus asks a third as often. */
const SCRAPE_EVERY_MS = 5_000;
const INVOICE = new URL('../fixtures/invoice.html', import.meta.url);

/**
 * Documents a second with everything that watches (metrics scraped, each job traced, every event logged,
 * the queue's figures asked for as the console does), beside the same with nothing of it.
 */
export async function watched(stage: Stage): Promise<Result> {
  await stage.chromium();
  const collector = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(200).end());
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => collector.once('listening', listening));
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const admin = await createKey(stage.pool.db, { email: 'admin@example.com', tier: 'system', scopes: ['admin'] });
  const rates: Record<'watched' | 'unwatched', number[]> = { watched: [], unwatched: [] };
  try {
    for (let round = 0; round < ROUNDS; round++)
      for (const kind of round % 2 === 0 ? (['unwatched', 'watched'] as const) : (['watched', 'unwatched'] as const))
        rates[kind].push(await measure(stage, kind === 'watched' ? { endpoint, key: admin.key } : undefined));
  } finally {
    collector.close();
  }
  const shown = (values: number[]) => values.map((value) => value.toFixed(2)).join('  ');
  return {
    'documents a second, unwatched': shown(rates.unwatched),
    'documents a second, watched': shown(rates.watched),
    'watched, of unwatched': Number((mean(rates.watched) / mean(rates.unwatched)).toFixed(3)),
  };
}

/** @returns documents a second of one API and one worker with enough to do */
async function measure(stage: Stage, watching: { endpoint: string; key: string } | undefined): Promise<number> {
  const ports = [await freePort(), await freePort()] as const;
  const options = (port: number) =>
    watching && {
      onLog: () => undefined,
      env: { LOG_LEVEL: 'info', OPS_PORT: String(port), OTEL_EXPORTER_OTLP_ENDPOINT: watching.endpoint },
    };
  const apiPort = await freePort();
  const stops = [
    await stage.startAndStop(['serve', '--port', String(apiPort)], /serves at/, options(ports[0])),
    await stage.startAndStop(['work'], /pdfprompt works/, options(ports[1])),
  ];
  const over = new AbortController();
  const looking = watching && look(over.signal, { ports, apiPort, key: watching.key });
  await run(stage, WARM_UP);
  const rate = await run(stage, JOBS);
  over.abort();
  await looking;
  for (const stop of stops) await stop();
  return rate;
}

async function look(signal: AbortSignal, from: { ports: readonly number[]; apiPort: number; key: string }) {
  const headers = { Authorization: `Bearer ${from.key}` };
  while (!signal.aborted) {
    for (const port of from.ports) await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    await (await fetch(`http://127.0.0.1:${from.apiPort}/v1/admin/queue`, { headers })).text();
    await sleep(SCRAPE_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Jobs from the first start to the last end, by the database's clock. @returns a second */
async function run(stage: Stage, jobs: number): Promise<number> {
  const principal = await stage.principal(`run${crypto.randomUUID()}@example.com`);
  const parsed = parsePdfRequest({ html: readFileSync(INVOICE, 'utf8') });
  if (!parsed.ok) throw new Error('the invoice is no request');
  const queue = await stage.queue();
  const deps = { db: stage.pool.db, reads: stage.pool.db, queue, limiter: stage.limiter, events: silentEvents() };
  for (let job = 0; job < jobs; job++) await submitJob(deps, { principal, request: parsed.request });
  await queue.stop();
  for (;;) {
    const [row] = await stage.sql<{ done: number; seconds: number }[]>`
      select count(*) filter (where status = 'completed')::int as done,
        extract(epoch from max(completed_at) - min(started_at))::float as seconds
      from pdfprompt_job where user_id = ${principal.userId}`;
    if (row?.done === jobs) return jobs / row.seconds;
    await sleep(250);
  }
}

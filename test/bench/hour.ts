import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/kernel/errors.ts';
import { type Arrival, arrivals } from '../../src/planning/arrivals.ts';
import { freePort } from '../support/free-port.ts';
import { scrape } from '../support/scrape.ts';
import type { BenchOptions, Isolation } from './options.ts';
import { ask, percentile, type Result, spread, type Stage } from './stage.ts';
import { Usage } from './usage.ts';

const USERS = 10_000;
const PDFS_AN_HOUR = 5_000;
const MINUTES = 10;
/** If several ways are compared, each is measured so often, in turns: the machine's speed changes. */
const TURNS = 2;
/** Of each kind of document, for a worker that has just started. */
const WARM_UPS = 4;
const INVOICE = new URL('../fixtures/invoice.html', import.meta.url);
const PAGES = 'pdfprompt_warm_page_requests_total';

/** How a worker is set up, and what came of it. */
interface Way {
  name: string;
  env: Record<string, string>;
  /** of the jobs that were accepted */
  ids: string[];
  /** milliseconds */
  seen: number[];
  failures: string[];
  /** by how they were taken */
  pages: Map<string, number>;
  /** seconds of CPU by kind of process */
  cpu: Map<string, number>;
}

/**
 * The largest row of the capacity plan on one machine, API, worker, database and clients together: documents of
 * many users, at random moments. With several isolations the same of each, with the same moments, users and documents.
 */
export async function hour(
  stage: Stage,
  { files, users = USERS, pdfs = PDFS_AN_HOUR, minutes = MINUTES, isolation }: BenchOptions,
): Promise<Result> {
  const documents = (files.length > 0 ? files : [INVOICE]).map((file) =>
    Buffer.from(JSON.stringify({ html: readFileSync(file, 'utf8') })),
  );
  await stage.chromium();
  const keys = await stage.users(users, 'professional');
  const { key } = await stage.user('warm-up@example.com');
  const { address } = await stage.serve();
  const agent = new Agent({ keepAlive: true, maxSockets: 500 });
  const print = async (key: string, body: Buffer | undefined, onId?: (id: string) => void) => {
    const { id } = JSON.parse(await ask(agent, 'POST', `${address}/v1/jobs`, key, body)) as { id: string };
    onId?.(id);
    const ended = JSON.parse(await ask(agent, 'GET', `${address}/v1/jobs/${id}?wait=60`, key)) as { status: string };
    if (ended.status !== 'completed') throw new Error(`a job is ${ended.status} after a minute`);
  };
  const measure = async (way: Way, part: Arrival[]) => {
    const port = await freePort();
    const env = { ...way.env, OPS_PORT: String(port) };
    const stop = await stage.startAndStop(['work'], /pdfprompt works/, { env });
    for (const body of documents)
      await Promise.all(Array.from({ length: WARM_UPS }, () => print(key, body).catch(() => undefined)));
    const pagesBefore = await pagesTaken(port);
    const usage = new Usage(await stage.pids());
    const startedAt = performance.now() - (part[0]?.atMs ?? 0);
    const one = async ({ atMs, user, document }: Arrival) => {
      await sleep(Math.max(0, startedAt + atMs - performance.now()));
      const sentAt = performance.now();
      try {
        await print(keys[user] ?? '', documents[Math.floor(document * documents.length)], (id) => way.ids.push(id));
        way.seen.push(performance.now() - sentAt);
      } catch (error) {
        way.failures.push(messageOf(error));
      }
    };
    await Promise.all(part.map(one));
    add(way.cpu, usage.cpuSecondsByKind());
    add(way.pages, await pagesTaken(port), pagesBefore);
    await stop();
  };

  const ways = waysOf(isolation);
  const durationMs = minutes * 60_000;
  const rates = Array.from({ length: users }, () => pdfs / 3_600 / users);
  const all = [...arrivals({ rates, rampMs: 0, durationMs, seed: 1 })];
  const turns = ways.length > 1 ? TURNS : 1;
  for (let turn = 0; turn < turns; turn++) {
    const part = all.filter(({ atMs }) => Math.floor((atMs / durationMs) * turns) === turn);
    for (const way of ways) await measure(way, part);
  }
  agent.destroy();
  const result: Result = { users, 'PDFs an hour, sent': Math.round((all.length * 60) / minutes) };
  for (const way of ways)
    for (const [what, value] of Object.entries(await figuresOf(stage, way)))
      result[ways.length > 1 ? `${way.name}: ${what}` : what] = value;
  return result;
}

/** For `tenant` without and with spare pages. */
function waysOf(isolation: Isolation[] | undefined): Way[] {
  const way = (name: string, env: Record<string, string>): Way => {
    return { name, env, ids: [], seen: [], failures: [], pages: new Map(), cpu: new Map() };
  };
  if (!isolation) return [way('default', {})];
  return isolation.flatMap((kind) => [
    ...(kind === 'tenant' ? [way('tenant, no spare pages', { RENDER_ISOLATION: kind, BROWSER_SPARE_PAGES: '0' })] : []),
    way(kind, { RENDER_ISOLATION: kind }),
  ]);
}

async function figuresOf({ sql }: Stage, { ids, seen, failures, pages, cpu }: Way): Promise<Result> {
  const totals = await sql<{ ms: number; queued: number }[]>`
    select (timings->>'total')::float as ms, (timings->>'queued')::float as queued
    from pdfprompt_job where status = 'completed' and id in (select value::uuid from json_array_elements_text(${JSON.stringify(ids)}::text::json))`;
  const turnaround = totals.map(({ ms }) => ms);
  const taken = [...pages.values()].reduce((sum, count) => sum + count, 0);
  const shares = [...pages].map(([kind, count]) => `${kind} ${Math.round((count / taken) * 100)} %`);
  const each = [...cpu].map(([kind, seconds]) => `${kind} ${((seconds * 1000) / totals.length).toFixed(1)}`);
  return {
    completed: totals.length,
    failures: failures.length === 0 ? 0 : `${failures.length}: ${failures[0]}`,
    'turnaround, by the database': spread(turnaround),
    'of which in the queue': spread(totals.map(({ queued }) => queued)),
    'seen by the client, who waits': spread(seen),
    'p95 of the turnaround, ms': percentile(turnaround, 95),
    'pages taken': shares.join(', '),
    'CPU for each document, ms': each.join(', '),
  };
}

async function pagesTaken(port: number): Promise<Map<string, number>> {
  const { series } = await scrape(port);
  const own = series.filter(({ name }) => name === PAGES);
  return new Map(own.map(({ labels, value }) => [labels['result'] ?? '', value]));
}

function add(sums: Map<string, number>, values: Map<string, number>, without = new Map<string, number>()): void {
  for (const [name, value] of values) sums.set(name, (sums.get(name) ?? 0) + value - (without.get(name) ?? 0));
}

import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import { launchChromium } from '../../src/render/chromium.ts';
import type { BenchOptions } from './options.ts';
import { CLIENTS, Ended, inSlots, submitAndWait, warmLoop } from './render.ts';
import { mean, percentile, type Result, type Stage } from './stage.ts';
import { Usage } from './usage.ts';

const ROUNDS = 2;
const SECONDS = 6;
/** More than come in all rounds. */
const USERS = 20_000;
const OPEN_SECONDS = 25;
const LOAD = 0.4;
/** For spare pages to be opened after a start, as on a worker that has been there for a while. */
const SETTLE_MS = 3_000;
const INVOICE = new URL('../fixtures/invoice.html', import.meta.url).pathname;

interface Way {
  name: string;
  env: Record<string, string>;
  /** whether each document is its tenant's first */
  isNew: boolean;
}

const WAYS: Way[] = [
  { name: 'one tenant', env: {}, isNew: false },
  { name: 'new tenants, no spare pages', env: { BROWSER_SPARE_PAGES: '0' }, isNew: true },
  { name: 'new tenants', env: {}, isNew: true },
  { name: 'new tenants, static', env: { RENDER_ISOLATION: 'static' }, isNew: true },
];

interface Seen {
  rates: number[];
  cpuMs: number[];
  /** milliseconds each at 40 % of what the machine can do for new tenants */
  times: number[];
}

/**
 * Documents whose tenants come for the first time: how many a second beside the raw loop, with every client busy; and
 * how long one takes at 40 % of that, beside one of a tenant with a warm page. All in turns, a worker for each.
 */
export async function firstDocuments(stage: Stage, { files }: BenchOptions): Promise<Result> {
  const chromium = await launchChromium(await stage.chromium());
  const { address } = await stage.serve();
  const ended = new Ended();
  await stage.sql.listen('pdfprompt_ended', (id) => ended.notify(id));
  const agent = new Agent({ keepAlive: true, maxSockets: 500 });
  const keys = await stage.users(USERS, 'professional');
  const { key: regular } = await stage.user('regular@example.com');
  const raw = await warmLoop(chromium.browser);
  const result: Result = {};
  for (const [name, html] of documents(files)) {
    const body = Buffer.from(JSON.stringify({ html }));
    const rawRates: number[] = [];
    const seen = new Map<string, Seen>(WAYS.map((way) => [way.name, { rates: [], cpuMs: [], times: [] }]));
    let arrivals = 0;
    for (let round = 0; round < ROUNDS; round++) {
      rawRates.push((await raw(html, SECONDS)).length / SECONDS);
      for (const { name: way, env, isNew } of WAYS) {
        const stop = await stage.startAndStop(['work'], /pdfprompt works/, { env });
        const one = () => submitAndWait(agent, address, isNew ? (keys.pop() ?? '') : regular, body, ended);
        await one();
        await sleep(SETTLE_MS);
        const into = seen.get(way);
        // Before it is busy: a worker that was has hundreds of warm pages.
        if (arrivals > 0) into?.times.push(...(await openLoop(arrivals * LOAD, seededRandom(round), one)));
        const usage = new Usage(await stage.pids());
        const startedAt = performance.now();
        const times = await inSlots(CLIENTS, SECONDS, one);
        into?.rates.push((times.length * 1000) / (performance.now() - startedAt));
        into?.cpuMs.push((usage.cpuSeconds() * 1000) / times.length);
        if (way === 'new tenants, no spare pages') arrivals = into?.rates.at(-1) ?? 0;
        await stop();
      }
    }
    const warm = percentile(seen.get('one tenant')?.times ?? [], 50);
    result[`${name}: raw loop`] = `${mean(rawRates).toFixed(1)}/s`;
    for (const [way, { rates, cpuMs, times }] of seen)
      result[`${name}: ${way}`] =
        `${mean(rates).toFixed(1)}/s, ${(mean(rates) / mean(rawRates)).toFixed(2)} of raw, CPU ${mean(cpuMs).toFixed(0)} ms; at ${LOAD * 100} % p50 ${percentile(times, 50)} (${(percentile(times, 50) / warm).toFixed(2)} of warm) p95 ${percentile(times, 95)} ms`;
  }
  agent.destroy();
  await chromium.close();
  return result;
}

function documents(files: string[]): [string, string][] {
  if (files.length > 0) return files.map((file) => [basename(file, '.html'), readFileSync(file, 'utf8')]);
  return [
    ['tiny', '<h1>Hello</h1>'],
    ['invoice', readFileSync(INVOICE, 'utf8')],
  ];
}

/** Documents at random moments. @returns milliseconds each */
async function openLoop(perSecond: number, random: () => number, one: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  const all: Promise<void>[] = [];
  for (let at = 0; at < OPEN_SECONDS * 1000; at += (-Math.log(1 - random()) / perSecond) * 1000)
    all.push(
      sleep(at).then(async () => {
        const startedAt = performance.now();
        await one();
        times.push(performance.now() - startedAt);
      }),
    );
  await Promise.all(all);
  return times;
}

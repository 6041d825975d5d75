import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type { Browser, Page } from 'puppeteer';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { launchChromium } from '../../src/render/chromium.ts';
import type { Renderer } from '../../src/render/renderer.ts';
import type { BenchOptions } from './options.ts';
import { ask, percentile, type Result, type Stage } from './stage.ts';
import { Usage } from './usage.ts';

const SECONDS = 5;
const ROUNDS = 2;
const WARM_UP_SECONDS = 1;
const CORES = availableParallelism();
/** Clients of the service, each with one job under way: the queue is never empty. */
export const CLIENTS = 4 * CORES;
const TENANTS = 200;
const ZIPF = 1.1;
/** Users who are there before the measurement, for those who come once. */
const NEWCOMERS = 1_000;
const SCRIPT = '<script>0</script>';
const FIXTURE = new URL('../fixtures/invoice.html', import.meta.url).pathname;

/** One way to render: documents rendered, how long each took, and what it cost. */
interface Measured {
  times: number[];
  seconds: number;
  cpuSeconds: number;
  pssBytes: number;
}

interface Way {
  name: string;
  /** before each measurement: what has been rendered for a while by a service in use */
  warmUp?: (html: string) => Promise<unknown>;
  /** has the document rendered over and over until time is up */
  run: (html: string, seconds: number) => Promise<number[]>;
  /** process ids whose trees do the work */
  pids: number[];
}

/**
 * The raw Chromium loop (warm pages, setContent, page.pdf), a new context for each document, our renderer
 * alone, and the whole service (HTTP, queue, rendered, stored), in turns, in one run. With files: those
 * documents; as they are, and with an static script added.
 */
export async function render(stage: Stage, { files }: BenchOptions): Promise<Result> {
  const binary = await stage.chromium();
  const [, address = ''] = await stage.start(['serve', '--port', '0'], /serves at (http:\S+)/);
  await stage.start(['work'], /pdfprompt works/);
  const chromium = await launchChromium(binary);
  const renderer = await stage.renderer();
  const ended = new Ended();
  await stage.sql.listen('pdfprompt_ended', (id) => ended.notify(id));
  const agent = new Agent({ keepAlive: true, maxSockets: 2 * CLIENTS });
  const keys = await Promise.all(
    Array.from({ length: TENANTS }, async (_, index) => (await stage.user(`tenant${index}@example.com`)).key),
  );
  const newcomer = async () => (await stage.user(`${randomUUID()}@example.com`)).key;
  const newcomers: string[] = [];
  for (let count = 0; count < NEWCOMERS; count++) newcomers.push(await newcomer());

  const own = [process.pid];
  const service = await stage.pids();
  const someTenant = async () => keys[zipf()] ?? '';
  const tenants: [string, () => Promise<string>][] = [
    ['one tenant', async () => keys[0] ?? ''],
    [`${TENANTS} tenants, Zipf(${ZIPF})`, someTenant],
    ['every job a new tenant', async () => newcomers.pop() ?? (await newcomer())],
  ];
  const ways: Way[] = [
    { name: 'raw loop, warm page', run: await warmLoop(chromium.browser), pids: own },
    { name: 'new context for each', run: contextLoop(chromium.browser), pids: own },
    { name: 'renderer alone', run: rendererLoop(renderer, () => 'bench'), pids: own },
    { name: 'renderer alone, every job a new tenant', run: rendererLoop(renderer, randomUUID), pids: own },
    ...tenants.map(([name, key]) => ({
      name: `service, ${name}`,
      run: (html: string, seconds: number) => {
        const body = Buffer.from(JSON.stringify({ html }));
        return inSlots(CLIENTS, seconds, async () => submitAndWait(agent, address, await key(), body, ended));
      },
      pids: service,
      // Its regular tenants have all been here: which of them are warm is up to the service.
      ...(key === someTenant && {
        warmUp: (html: string) => {
          const body = Buffer.from(JSON.stringify({ html }));
          const open = [...keys];
          return inSlots(CLIENTS, Infinity, async () => {
            const next = open.pop();
            if (next === undefined) return false;
            await submitAndWait(agent, address, next, body, ended);
            return true;
          });
        },
      }),
    })),
  ];

  const result: Result = {};
  const failed = async () =>
    Number((await stage.sql`select count(*) from pdfprompt_job where status = 'failed'`)[0]?.['count']);
  for (const [document, html] of documents(files)) {
    const measured = new Map<string, Measured>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of ways) {
        await way.warmUp?.(html);
        await way.run(html, WARM_UP_SECONDS);
        const usage = new Usage(way.pids);
        const startedAt = performance.now();
        const times = await way.run(html, SECONDS);
        const seconds = (performance.now() - startedAt) / 1000;
        const before = measured.get(way.name);
        measured.set(way.name, {
          times: [...(before?.times ?? []), ...times],
          seconds: (before?.seconds ?? 0) + seconds,
          cpuSeconds: (before?.cpuSeconds ?? 0) + usage.cpuSeconds(),
          pssBytes: usage.pssBytes(),
        });
      }
    }
    const [raw] = [...measured.values()];
    for (const [name, each] of measured) result[`${document}: ${name}`] = describe(each, raw ?? each);
  }
  result['jobs that failed'] = await failed();
  agent.destroy();
  await renderer.stop();
  await chromium.close();
  return result;
}

function describe({ times, seconds, cpuSeconds, pssBytes }: Measured, raw: Measured): string {
  const rate = times.length / seconds;
  return [
    `${rate.toFixed(1).padStart(6)}/s`,
    `ratio ${(rate / (raw.times.length / raw.seconds)).toFixed(2)}`,
    `p50 ${percentile(times, 50)} p95 ${percentile(times, 95)} p99 ${percentile(times, 99)} ms`,
    `CPU ${((cpuSeconds / times.length) * 1000).toFixed(0)} ms each`,
    `PSS ${Math.round(pssBytes / 1024 / 1024)} MB`,
  ].join('  ');
}

export function documents(files: string[]): [string, string][] {
  return (files.length > 0 ? files : [FIXTURE]).flatMap((file) =>
    withAndWithoutScript(basename(file, '.html'), readFileSync(file, 'utf8')),
  );
}

export function withAndWithoutScript(name: string, html: string): [string, string][] {
  return [
    [name, html],
    [`${name} + script`, html.replace(/<\/body>|$/i, (end) => `${SCRIPT}${end}`)],
  ];
}

/** @param once false ends the slot */
export async function inSlots(slots: number, seconds: number, once: () => Promise<boolean | void>): Promise<number[]> {
  const times: number[] = [];
  const until = performance.now() + seconds * 1000;
  const slot = async () => {
    while (performance.now() < until) {
      const startedAt = performance.now();
      if ((await once()) === false) break;
      times.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: slots }, slot));
  return times;
}

const PRINT = { format: 'letter', printBackground: true, tagged: false, waitForFonts: false, timeout: 0 } as const;

export async function warmLoop(browser: Browser): Promise<Way['run']> {
  const print = await warmPages(browser);
  return (html, seconds) => inSlots(CORES, seconds, async () => void (await print(html)));
}

/** Prints in the first of its pages that is free, one for each core. @returns the PDF */
export async function warmPages(browser: Browser): Promise<(html: string) => Promise<Uint8Array>> {
  const free = await Promise.all(
    Array.from({ length: CORES }, async () => (await browser.createBrowserContext()).newPage()),
  );
  const waiting: ((page: Page) => void)[] = [];
  return async (html) => {
    const page = free.pop() ?? (await new Promise<Page>((done) => waiting.push(done)));
    try {
      await page.setContent(html);
      return await page.pdf(PRINT);
    } finally {
      const next = waiting.shift();
      if (next) next(page);
      else free.push(page);
    }
  };
}

function contextLoop(browser: Browser): Way['run'] {
  return (html, seconds) =>
    inSlots(CORES, seconds, async () => {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.setContent(html);
      await page.pdf(PRINT);
      await context.close();
    });
}

function rendererLoop(renderer: Renderer, tenant: () => string): Way['run'] {
  return (html, seconds) => {
    const parsed = parsePdfRequest({ html });
    if (!parsed.ok) throw new Error('the document is not a valid request');
    return inSlots(CORES, seconds, async () => {
      const outcome = await renderer.render(onlyPart(parsed.request), { tenant: tenant() });
      if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
    });
  };
}

/** Weights 1, 1/2^1.1, 1/3^1.1, … */
const CUMULATIVE = Array.from({ length: TENANTS }, (_, index) => 1 / (index + 1) ** ZIPF).map(
  (
    (sum) => (weight) =>
      (sum += weight)
  )(0),
);

function zipf(): number {
  const at = Math.random() * (CUMULATIVE.at(-1) ?? 0);
  return CUMULATIVE.findIndex((sum) => at <= sum);
}

/** Submits a job and waits until the database announces that its PDF is stored. */
export async function submitAndWait(
  agent: Agent,
  address: string,
  key: string,
  body: Buffer,
  ended: Ended,
): Promise<void> {
  const { id } = JSON.parse(await ask(agent, 'POST', `${address}/v1/jobs`, key, body)) as { id: string };
  await ended.of(id);
}

/** Receives the notification that each job's last transaction sends. */
export class Ended {
  readonly #waiting = new Map<string, () => void>();
  readonly #early = new Set<string>();

  notify(id: string): void {
    const wake = this.#waiting.get(id);
    if (wake) wake();
    else this.#early.add(id); // before its submission was answered
  }

  of(id: string): Promise<void> {
    if (this.#early.delete(id)) return Promise.resolve();
    return new Promise((done) => {
      this.#waiting.set(id, () => {
        this.#waiting.delete(id);
        done();
      });
    });
  }
}

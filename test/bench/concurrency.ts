import { Agent } from 'node:http';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Result, type Stage } from './stage.ts';

const GIVEN = [1, 2, 3, 4, 6, 8];
const SECONDS = 10;
const AUTO_SECONDS = 60;
/** Documents that are always queued. */
const BACKLOG = 20;
const FILE = new URL('../fixtures/invoice.html', import.meta.url);

/** Throughput of one worker with a given number of documents at a time, and with what `auto` finds. */
export async function concurrency(stage: Stage): Promise<Result> {
  const [, address = ''] = await stage.start(['serve', '--port', '0'], /serves at (http:\S+)/);
  const { key } = await stage.user('bench@example.com');
  const agent = new Agent({ keepAlive: true });
  const body = Buffer.from(JSON.stringify({ html: readFileSync(FILE, 'utf8') }));
  const count = async (status: string) =>
    Number((await stage.sql`select count(*) from pdfprompt_job where status = ${status}`)[0]?.['count']);
  let isOver = false;
  const feed = async () => {
    while (!isOver) {
      const missing = BACKLOG - (await count('queued'));
      for (let sent = 0; sent < missing; sent++) await ask(agent, 'POST', `${address}/v1/jobs`, key, body);
      await sleep(100);
    }
  };
  const feeding = feed();
  const rate = async (seconds: number) => {
    const before = await count('completed');
    const startedAt = performance.now();
    await sleep(seconds * 1000);
    return ((await count('completed')) - before) / ((performance.now() - startedAt) / 1000);
  };

  const result: Result = {};
  let best = 0;
  for (const given of GIVEN) {
    const stop = await stage.startAndStop(['work', '--concurrency', String(given)], /pdfprompt works/);
    await sleep(2_000);
    const measured = await rate(SECONDS);
    best = Math.max(best, measured);
    result[`${given} at a time, documents/s`] = Math.round(measured * 10) / 10;
    await stop();
  }
  const stop = await stage.startAndStop(['work'], /pdfprompt works/);
  await sleep(AUTO_SECONDS * 1000);
  const auto = await rate(2 * SECONDS);
  await stop();
  isOver = true;
  await feeding;
  agent.destroy();
  result['auto, after a minute, documents/s'] = Math.round(auto * 10) / 10;
  result['auto / best given'] = Math.round((auto / best) * 100) / 100;
  return result;
}

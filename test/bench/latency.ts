import { Agent } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { ask, percentile, type Result, spread, type Stage } from './stage.ts';

const ROUNDS = 100;
const COLD_STARTS = 5;
const DOCUMENTS = {
  tiny: '<h1>Hello</h1>',
  invoice: readFileSync(new URL('../fixtures/invoice.html', import.meta.url), 'utf8'),
};

/** From the start of a worker to its first PDF, and of `up` until it is ready; and what the service adds to a rendering, one document at a time. */
export async function latency(stage: Stage): Promise<Result> {
  await stage.chromium(); // unpacked before
  const [, address = ''] = await stage.start(['serve', '--port', '0'], /serves at (http:\S+)/);
  const { key } = await stage.user('bench@example.com');
  const agent = new Agent({ keepAlive: true });
  const pdf = (html: string) => ask(agent, 'POST', `${address}/v1/pdf`, key, Buffer.from(JSON.stringify({ html })));

  const cold: number[] = [];
  for (let round = 0; round < COLD_STARTS; round++) {
    const answered = pdf(DOCUMENTS.tiny); // waits for a worker
    const startedAt = performance.now();
    const stop = await stage.startAndStop(['work'], /pdfprompt works/);
    await answered;
    cold.push(performance.now() - startedAt);
    await stop();
  }

  const again: number[] = [];
  for (let round = -1; round < COLD_STARTS; round++) {
    const startedAt = performance.now();
    // A database of its own, which stops with it.
    const env = { DATABASE_URL: '', PDFPROMPT_DATA_DIR: join(stage.directory, 'up') };
    const stop = await stage.startAndStop(['up', '--port', '0'], /is ready at/, { env });
    if (round >= 0) again.push(performance.now() - startedAt); // the first one makes the database
    await stop();
  }

  await stage.start(['work'], /pdfprompt works/);
  const renderer = await stage.renderer();
  const result: Result = {
    'cold worker: start → first PDF': spread(cold),
    'up, not for the first time: start → ready': spread(again),
  };
  for (const [name, html] of Object.entries(DOCUMENTS)) {
    const parsed = parsePdfRequest({ html });
    if (!parsed.ok) throw new Error('the benchmark does not fit the code');
    const raw: number[] = [];
    const service: number[] = [];
    for (let round = -5; round < ROUNDS; round++) {
      const rawAt = performance.now();
      await renderer.render(onlyPart(parsed.request), { tenant: 'bench' });
      const serviceAt = performance.now();
      await pdf(html);
      if (round < 0) continue; // warm
      raw.push(serviceAt - rawAt);
      service.push(performance.now() - serviceAt);
    }
    result[`${name}: raw rendering, warm`] = spread(raw);
    result[`${name}: POST /v1/pdf, warm tenant`] = spread(service);
    result[`${name}: added by the service at p50, ms`] = Math.round(percentile(service, 50) - percentile(raw, 50));
  }
  agent.destroy();
  await renderer.stop();
  return result;
}

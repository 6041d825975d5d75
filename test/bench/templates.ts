import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { basename } from 'node:path';
import { launchChromium } from '../../src/render/chromium.ts';
import type { BenchOptions } from './options.ts';
import { CLIENTS, Ended, inSlots, submitAndWait, warmLoop } from './render.ts';
import { ask, type Result, type Stage } from './stage.ts';

const SECONDS = 6;
const ROUNDS = 3;
const WARM_UP_SECONDS = 2;
const DATA_URL = /data:[\w.+-]+\/([\w.+-]+);base64,([A-Za-z0-9+/=]+)/g;

/**
 * The same document sent whole, with fonts and pictures in it, and as a template whose fonts and pictures are files:
 * the raw Chromium loop and the service, in turns, in one run.
 */
export async function templates(stage: Stage, { files }: BenchOptions): Promise<Result> {
  const binary = await stage.chromium();
  const [, address = ''] = await stage.start(['serve', '--port', '0'], /serves at (http:\S+)/);
  await stage.start(['work'], /pdfprompt works/);
  const chromium = await launchChromium(binary);
  const raw = await warmLoop(chromium.browser);
  const ended = new Ended();
  await stage.sql.listen('pdfprompt_ended', (id) => ended.notify(id));
  const agent = new Agent({ keepAlive: true, maxSockets: 2 * CLIENTS });
  const { key } = await stage.user('bench@example.com');

  const result: Result = {};
  for (const file of files.length > 0 ? files : [new URL('../fixtures/invoice.html', import.meta.url).pathname]) {
    const html = readFileSync(file, 'utf8');
    const name = basename(file, '.html');
    const folder = folderOf(html);
    await ask(agent, 'PUT', `${address}/v1/templates/${name}`, key, Buffer.from(JSON.stringify({ files: folder })));
    const whole = Buffer.from(JSON.stringify({ html }));
    const small = Buffer.from(JSON.stringify({ template: name, data: { title: 'A title' } }));
    const service = (body: Buffer) => (seconds: number) =>
      inSlots(CLIENTS, seconds, () => submitAndWait(agent, address, key, body, ended));
    const ways: [string, (seconds: number) => Promise<number[]>][] = [
      ['raw loop, warm page', (seconds) => raw(html, seconds)],
      [`service, sent whole (${whole.byteLength} bytes)`, service(whole)],
      [`service, as a template (${small.byteLength} bytes)`, service(small)],
    ];
    const counts = ways.map(() => ({ documents: 0, seconds: 0 }));
    for (let round = 0; round < ROUNDS; round++)
      for (const [index, [, run]] of ways.entries()) {
        await run(WARM_UP_SECONDS);
        const startedAt = performance.now();
        const times = await run(SECONDS);
        const count = counts[index] as (typeof counts)[number];
        count.documents += times.length;
        count.seconds += (performance.now() - startedAt) / 1_000;
      }
    const [ofRaw = 0, ofWhole = 0, ofTemplate = 0] = counts.map(({ documents, seconds }) => documents / seconds);
    for (const [index, [way]] of ways.entries())
      result[`${name}: ${way}`] = `${[ofRaw, ofWhole, ofTemplate][index]?.toFixed(1)}/s`;
    result[`${name}: template / whole`] = (ofTemplate / ofWhole).toFixed(2);
    result[`${name}: template / raw`] = (ofTemplate / ofRaw).toFixed(2);
  }
  const [row] = await stage.sql`select count(*)::integer from pdfprompt_job where status = 'failed'`;
  result['jobs that failed'] = Number(row?.['count']);
  agent.destroy();
  await chromium.close();
  return result;
}

/** The document, and what is in it as `data:` URLs, as files beside it. */
function folderOf(html: string): Record<string, object> {
  const folder: Record<string, object> = {};
  const text = html.replaceAll(DATA_URL, (_, type: string, base64: string) => {
    const name = `assets/${Object.keys(folder).length}.${type.replace('+xml', '')}`;
    folder[name] = { base64 };
    return name;
  });
  folder['index.html'] = { text: text.replace(/<title>[^<]*<\/title>/, '<title>{{ title }}</title>') };
  return folder;
}

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { undoLater } from '../support/clean-up.ts';
import { temporaryDirectory } from '../support/files.ts';
import { freePort } from '../support/free-port.ts';
import { readPdf } from '../support/pdf.ts';
import { eventually } from '../support/processes.ts';
import { writeScenarios } from '../support/runtimes.ts';
import { startService } from '../support/service.ts';

const run = promisify(execFile);
const checkout = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(checkout, 'docs/client.md'), 'utf8');
const blocks = [...page.matchAll(/^```js\n(.*\n)([\s\S]*?)^```$/gm)].map(([, head = '', text = '']) => ({
  name: /node ([\w-]+\.mjs)/.exec(head)?.[1] ?? head,
  text,
}));

const port = await freePort();
const service = await startService({ worker: true, deliverer: true, env: { EGRESS_ALLOW: `127.0.0.1:${port}` } });
const directory = await temporaryDirectory('client-examples');

// The package, as far as an example imports it.
const home = join(directory, 'node_modules', 'pdfprompt');
await mkdir(home, { recursive: true });
writeScenarios(home);
const exports = { './client': './client/client.js' };
await writeFile(join(home, 'package.json'), JSON.stringify({ name: 'pdfprompt', type: 'module', exports }));
cpSync(join(checkout, 'examples/invoice/logo.svg'), join(directory, 'logo.svg'));

/** The example with the address and the key of this service; nothing else of it is changed. */
async function write(name: string): Promise<string> {
  const text = blocks.find((block) => block.name === name)?.text ?? '';
  const filledIn = text
    .replaceAll('http://127.0.0.1:3000', service.address)
    .replaceAll('pdf_…', service.key)
    .replace('listen(8080)', `listen(${port}, '127.0.0.1')`);
  await writeFile(join(directory, name), filledIn);
  return name;
}

async function output(name: string): Promise<string> {
  const { stdout } = await run(process.execPath, [await write(name)], { cwd: directory });
  return stdout;
}

const pdf = async (name: string) => readPdf(await readFile(join(directory, name)));

describe('the examples of docs/client.md', () => {
  it('are all run here', () => {
    expect(blocks.map(({ name }) => name)).toEqual([
      'print.mjs',
      'print-files.mjs',
      'jobs.mjs',
      'refused.mjs',
      'serve-hooks.mjs',
    ]);
  });

  it('print a document', async () => {
    expect(await output('print.mjs')).toMatch(/^[\w-]{36}: \d+ bytes\n$/);
    expect((await pdf('hello.pdf')).text).toEqual(['Hello']);
  });

  it('print a document with files of its own', async () => {
    expect(await output('print-files.mjs')).toBe('');
    expect((await pdf('letter.pdf')).text).toEqual([expect.stringContaining('Dear Ann')]);
  });

  it('submit a job and listen to it', async () => {
    const [type, link, ...jobs] = (await output('jobs.mjs')).trim().split('\n');
    expect(type).toBe('job.completed');
    expect(link).toMatch(/^1 page: http:\/\/127\.0\.0\.1:\d+\/v1\/links\//);
    expect(jobs[0]).toMatch(/^[\w-]{36} 7$/);
  });

  it('name what is wrong', async () => {
    expect(await output('refused.mjs')).toMatch(/^invalid_request options\.scale allowed: .*\n$/);
  });

  it('verify a webhook that was really sent', async () => {
    const url = `http://127.0.0.1:${port}/hooks`;
    const hook = await service.request('/v1/webhooks', { method: 'POST', body: JSON.stringify({ url }) });
    const { secret } = (await hook.json()) as { secret: string };
    const receiver = spawn(process.execPath, [await write('serve-hooks.mjs')], {
      cwd: directory,
      env: { WEBHOOK_SECRET: secret },
    });
    undoLater(async () => {
      receiver.kill();
      await once(receiver, 'exit');
    });
    let said = '';
    receiver.stdout.on('data', (data: Buffer) => (said += data.toString()));
    const job = await service.request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' });
    const { id } = (await job.json()) as { id: string };
    await eventually(() => said.includes(`job.completed ${id}`), 30_000, 'the end of the job is received');
    const forged = await fetch(url, { method: 'POST', body: '{}', headers: { 'webhook-id': 'x' } });
    expect(forged.status).toBe(400);
  });
});

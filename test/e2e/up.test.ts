import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/files.ts';
import { readPdf } from '../support/pdf.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { descendants, eventually, isAlive } from '../support/processes.ts';

const run = promisify(execFile);
const dataDir = await temporaryDirectory('up');
const work = await temporaryDirectory('cwd');

const start = () => pdfprompt(['up', '--port', '0'], { env: { PDFPROMPT_DATA_DIR: dataDir } });
const READY = /pdfprompt is ready at (http:\S+)[\s\S]*key: (pdf_\w+)[\s\S]*?(curl .*)\n/;

async function stop(up: Cli, signal: NodeJS.Signals = 'SIGINT'): Promise<number> {
  const postgres = Number((await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  const below = [...descendants(up.pid), postgres];
  const startedAt = performance.now();
  up.child.kill(signal);
  expect(await up.exited).toMatchObject({ code: 0 });
  const ms = performance.now() - startedAt;
  await eventually(() => !below.some(isAlive), 2_000, 'every process of it has ended');
  expect(below.length).toBeGreaterThan(3);
  return ms;
}

describe('pdfprompt up', () => {
  let firstKey = '';

  it('on an empty directory prints an address, a key and a line that writes hello.pdf', async () => {
    const up = start();
    const [, , key = '', curl = ''] = await up.until(READY);
    firstKey = key;
    await run('sh', ['-c', curl], { cwd: work });
    const pdf = await readPdf(await readFile(join(work, 'hello.pdf')));
    expect(pdf).toMatchObject({ pages: 1, text: ['Hello\nfrom pdfprompt'] });
    expect((await stat(join(dataDir, 'demo-key'))).mode & 0o777).toBe(0o600);
    expect(await stop(up)).toBeLessThan(5_000);
  });

  it("is ready again in moments, with the same key and yesterday's jobs", async () => {
    const startedAt = performance.now();
    const up = start();
    const [, url, key] = await up.until(READY);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(key).toBe(firstKey);
    const list = (await (await fetch(`${url}/v1/jobs`, { headers: { authorization: `Bearer ${key}` } })).json()) as {
      data: { status: string }[];
    };
    expect(list.data).toMatchObject([{ status: 'completed' }]);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await stop(up, 'SIGTERM')).toBeLessThan(5_000);
  });

  it('ends within 5 s in the middle of a document, which is printed at the next start', async () => {
    const up = start();
    const [, url, key] = await up.until(READY);
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const slow = await fetch(`${url}/v1/jobs`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ html: '<p>slow</p>', waitForTimeout: 8_000 }),
    });
    const { id } = (await slow.json()) as { id: string };
    const status = async (address: string) =>
      (await (await fetch(`${address}/v1/jobs/${id}?wait=20`, { headers })).json()) as {
        status: string;
        attempts: number;
      };
    await eventually(
      async () =>
        ((await (await fetch(`${url}/v1/jobs/${id}`, { headers })).json()) as { status: string }).status ===
        'processing',
      10_000,
      'it runs',
    );
    expect(await stop(up)).toBeLessThan(5_000);

    const again = start();
    const [, newUrl = ''] = await again.until(READY);
    expect(await status(newUrl)).toMatchObject({ status: 'completed', attempts: 1 });
    await stop(again);
  });

  it('says in a sentence that its port is taken, and leaves nothing running', async () => {
    const up = start();
    const [, url = ''] = await up.until(READY);
    const second = pdfprompt(['up', '--port', new URL(url).port], { env: { PDFPROMPT_DATA_DIR: dataDir } });
    const { code, stderr } = await second.exited;
    expect(code).toBe(1);
    expect(stderr).toMatch(/PORT: \d+ on 127\.0\.0\.1 is taken by another program; choose another with --port or PORT/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await stop(up);
  });
});

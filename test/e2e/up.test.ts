/**
 * @module-tag long
 * @module-tag user
 */

import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryDataDirectory, temporaryDirectory } from '../support/files.ts';
import { readPdf } from '../support/pdf.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { startGate } from '../support/gate.ts';
import { descendants, eventually, isAlive } from '../support/processes.ts';

const run = promisify(execFile);
const dataDir = await temporaryDataDirectory('up'); // unpacking Chromium is in pack.test.ts
const work = await temporaryDirectory('cwd');

const gate = await startGate();
const env = { PDFPROMPT_DATA_DIR: dataDir, SHUTDOWN_GRACE: '1', ...gate.env };

const start = () => pdfprompt(['up', '--port', '0'], { env });
const READY = /pdfprompt is ready at (http:\S+)[\s\S]*key: (pdf_\w+)[\s\S]*?(curl .*)\n/;

/** Within the grace that running documents have, and some; with nothing of it left. */
async function stop(up: Cli, signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
  const postgres = Number((await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  const below = [...descendants(up.pid), postgres];
  expect(below.length).toBeGreaterThan(3);
  const startedAt = performance.now();
  up.child.kill(signal);
  expect(await up.exited).toMatchObject({ code: 0 });
  expect(performance.now() - startedAt).toBeLessThan(30_000); // on a quiet machine: 5 s
  await eventually(() => !below.some(isAlive), 30_000, 'every process of it has ended');
}

interface Answer {
  id: string;
  status: string;
  attempts: number;
}

describe('pdfprompt up', () => {
  let firstKey = '';
  let interrupted = '';

  it('on a directory without a database prints an address, a key and a line that writes hello.pdf', async () => {
    const up = start();
    const [, url = '', key = '', curl = ''] = await up.until(READY);
    firstKey = key;
    await run('sh', ['-c', curl], { cwd: work });
    const pdf = await readPdf(await readFile(join(work, 'hello.pdf')));
    expect(pdf).toMatchObject({ pages: 1, text: ['Hello\nfrom pdfprompt'] });
    expect((await stat(join(dataDir, 'demo-key'))).mode & 0o777).toBe(0o600);

    // The address of its database, for psql, is there as long as it runs.
    const address = await pdfprompt(['db', 'url'], { env }).exited;
    expect(address).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^postgres:\/\/pdfprompt:\w+@127\.0\.0\.1:\d+\/pdfprompt\n$/),
    });
    expect((await pdfprompt(['status', '--url', url], { env }).exited).stdout).toMatch(/^processes\t1 up$/m);

    // Says in a sentence that its port is taken, and leaves the first one running.
    const second = pdfprompt(['up', '--port', new URL(url).port], { env });
    const { code, stderr } = await second.exited;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /PORT: \d+ on 127\.0\.0\.1 is taken by \S*node \S*pdfprompt\.js up \(pid \d+\); type --port \d+, or set PORT/,
    );
    expect((await fetch(`${url}/readyz`)).status).toBe(200);

    // Ends in the middle of a document.
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ html: gate.html, timeoutMs: 120_000 });
    interrupted = ((await (await fetch(`${url}/v1/jobs`, { method: 'POST', headers, body })).json()) as Answer).id;
    await eventually(() => gate.waiting === 1, 60_000, 'it is rendered');
    await stop(up);
  });

  it('prints at the next start what it was interrupted in, has the same key, and what was there before', async () => {
    const up = start();
    const [, url = '', key = ''] = await up.until(READY);
    expect(key).toBe(firstKey);
    gate.open();
    const headers = { authorization: `Bearer ${key}` };
    const ask = async <T>(path: string) => (await (await fetch(`${url}${path}`, { headers })).json()) as T;
    const statusOf = async () => (await ask<Answer>(`/v1/jobs/${interrupted}?wait=20`)).status;
    await eventually(async () => (await statusOf()) === 'completed', 60_000, 'it is printed');
    const list = await ask<{ data: Answer[] }>('/v1/jobs');
    expect(list.data).toMatchObject([
      { id: interrupted, status: 'completed', attempts: 1 },
      { status: 'completed', attempts: 1 },
    ]);
    for (const path of ['/livez', '/readyz'])
      expect([path, (await fetch(`${url}${path}`)).status]).toEqual([path, 200]);
    await stop(up, 'SIGTERM');
  });
});

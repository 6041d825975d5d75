/** @module-tag user */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { pdfprompt } from '../support/cli.ts';

const run = promisify(execFile);
const { url } = await createDatabase();
const cli = (arguments_: string[], env: Record<string, string> = {}) =>
  pdfprompt(arguments_, { env: { DATABASE_URL: url, ...env } }).exited;

describe('pdfprompt', () => {
  it('teaches when it is asked, and when nothing is said', async () => {
    const help = await cli(['--help']);
    expect(help.code).toBe(0);
    for (const command of [
      'up',
      'serve',
      'work',
      'render',
      'init',
      'templates',
      'batch',
      'migrate',
      'jobs',
      'backup',
      'restore',
      'keys',
      'tier',
      'tiers',
      'users',
      'console',
      'status',
      'check',
      'doctor',
      'plan',
      'db',
      'completion',
    ])
      expect(help.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect((await cli(['help', 'work'])).stdout).toMatch(/--concurrency <value> .*PDFPROMPT_WORKER_CONCURRENCY/);
    expect((await cli([])).code).toBe(2);
    expect((await cli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('lists every wrong setting at once', async () => {
    const { code, stderr } = await cli(['work'], {
      LOG_LEVEL: 'loud',
      BROWSER_POOL_SIZE: '0',
      PDFPROMPT_SPEED: 'fast',
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/3 problems:[\s\S]*PDFPROMPT_SPEED[\s\S]*BROWSER_POOL_SIZE: "0"[\s\S]*LOG_LEVEL: "loud"/);
  });
});

describe('pdfprompt, in a process of its own', () => {
  it('answers a typing error with exit code 2, on stderr', async () => {
    const { code, stdout, stderr } = await cli(['srve']);
    expect(stderr).toMatch(/unknown command 'srve'[\s\S]*Did you mean serve\?/);
    expect([code, stdout]).toEqual([2, '']);
  });

  it('prints one JSON document on stdout and nothing else', async () => {
    const { code, stdout, stderr } = await cli(['keys', 'create', '--user', 'ann@example.com', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ key: expect.stringMatching(/^pdf_\w{36}$/), tier: 'starter' });
    expect([code, stderr]).toEqual([0, '']);
  });

  it('ends with 1 when something is missing', async () => {
    const empty = await createDatabase({ empty: true });
    expect(await cli(['migrate', '--check'], { DATABASE_URL: empty.url })).toMatchObject({ code: 1 });
  });
});

describe('what is printed', () => {
  const bin = fileURLToPath(new URL('../../bin/pdfprompt.js', import.meta.url));
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    PDFPROMPT_DATA_DIR: inject('dataDir'),
    DATABASE_URL: url,
  };
  const shell = async (command: string) => (await run('bash', ['-c', command], { env: { ...env, NODE: process.execPath, BIN: bin } })).stdout; // prettier-ignore

  it('is what a shell takes as it is: the key alone, the cells of a list', async () => {
    expect(await shell('KEY=$("$NODE" "$BIN" keys create --user bob@example.com) && echo "<$KEY>"')).toMatch(/^<pdf_\w{36}>\n$/); // prettier-ignore
    expect(await shell('"$NODE" "$BIN" tiers | while IFS=$\'\\t\' read -r name minute rest; do echo "$name=$minute"; done')).toBe(
      'starter=2\nprofessional=10\nenterprise=50\nsystem=none\n',
    ); // prettier-ignore
  });

  it('has headings and columns on a terminal', async () => {
    const printed = await shell('script -qec "$NODE $BIN tiers" /dev/null');
    expect(printed).toMatch(/^TIER {10}A MINUTE +A DAY +PRIORITY +FILES ARE KEPT\r\nstarter {7}2 +100 /);
    expect(printed).toContain('10,000');
  });
});

describe('pdfprompt doctor', () => {
  it('says what is missing, with exit code 1', async () => {
    const { code, stdout, stderr } = await cli(['doctor'], { CHROME_PATH: '/nowhere/chrome' });
    expect(stdout).toMatch(/^ok\tnode\tNode \d+/m);
    expect(stdout).toMatch(/^fail\tchromium\tCHROME_PATH: /m);
    expect(stderr).toMatch(/pdfprompt cannot work here yet/);
    expect(code).toBe(1);
  });
});

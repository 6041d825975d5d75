/** @module-tag user */

import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { undoLater } from '../support/clean-up.ts';
import { pdfprompt } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';

// The browser, the database and the modules of a process start beside each other: whatever fails first, the same is said.

const MISSING = '/nowhere/chrome-headless-shell';
const IS_MISSING = /CHROME_PATH: \/nowhere\/chrome-headless-shell is not a program/;
const NOBODY = 'postgres://nobody@127.0.0.1:9/nothing';
const IS_UNREACHABLE = /The database nothing at 127\.0\.0\.1:9 cannot be used/;

let database: string;
let directory: string;
/** a program that ends at once, instead of a browser */
let broken: string;

beforeAll(async () => {
  database = (await createDatabase()).url;
  directory = await mkdtemp(join(tmpdir(), 'pdfprompt-failed-start-'));
  await chmod(directory, 0o711);
  undoLater(() => rm(directory, { recursive: true }));
  broken = join(directory, 'headless-shell');
  await writeFile(broken, '#!/bin/sh\nexit 1\n');
  await chmod(broken, 0o755);
});

const profiles = (pid: number) => readdirSync(tmpdir()).filter((name) => name.startsWith(`pdfprompt-chromium-${pid}-`));

describe('a process that cannot start', () => {
  it.each([
    ['work, without a browser', 'work', () => ({ CHROME_PATH: MISSING, DATABASE_URL: database }), IS_MISSING],
    [
      'work, with one that does not run',
      'work',
      () => ({ CHROME_PATH: broken, DATABASE_URL: database }),
      /did not start/,
    ],
    ['work, without a database', 'work', () => ({ DATABASE_URL: NOBODY }), IS_UNREACHABLE],
    ['work, without either', 'work', () => ({ CHROME_PATH: MISSING, DATABASE_URL: NOBODY }), IS_UNREACHABLE],
    ['up, without a database', 'up', () => ({ DATABASE_URL: NOBODY }), IS_UNREACHABLE],
    ['up, without either', 'up', () => ({ CHROME_PATH: MISSING, DATABASE_URL: NOBODY }), IS_MISSING],
    [
      'up, with a browser that does not run',
      'up',
      () => ({ CHROME_PATH: broken, DATABASE_URL: database }),
      /did not start/,
    ],
  ] as const)('%s, says what is wrong and leaves no browser', async (_, command, env, said) => {
    const process = pdfprompt([command], { env: { PORT: '0', RENDER_JAIL: 'proxy', ...env() } });
    const { code, stderr, stdout } = await process.exited;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.split('\n').filter((line) => line.startsWith('pdfprompt: '))).toEqual([expect.stringMatching(said)]);
    expect(profiles(process.pid)).toEqual([]);
  });

  it('up, without a browser, makes no database; with one that does not run, it leaves none running', async () => {
    for (const [path, said] of [
      [MISSING, IS_MISSING],
      [broken, /did not start/],
    ] as const) {
      const data = join(directory, `data-${path === broken}`);
      const env = { CHROME_PATH: path, PDFPROMPT_DATA_DIR: data, RENDER_JAIL: 'proxy' };
      const { code, stderr } = await pdfprompt(['up', '--port', '0'], { env }).exited;
      expect([code, stderr]).toEqual([1, expect.stringMatching(said)]);
      const has = (name: string) => existsSync(join(data, 'postgres', 'data', name));
      expect([has('PG_VERSION'), has('postmaster.pid')]).toEqual([path === broken, false]);
    }
  });
});

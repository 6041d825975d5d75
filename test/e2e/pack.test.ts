/**
 * @module-tag long
 * @module-tag user
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POSTGRES_VERSION } from '../../src/db/driver-patches.ts';
import { createDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { readPdf } from '../support/pdf.ts';
import { pdfprompt } from '../support/cli.ts';
import { PINNED } from '../support/pinned.ts';
import { otherNode } from '../support/runtimes.ts';

const run = promisify(execFile);
const checkout = fileURLToPath(new URL('../..', import.meta.url));
const directory = await temporaryDirectory('pack');
const hadDist = existsSync(join(checkout, 'dist'));
let tarball = '';
let files: string[] = [];
/** where the package is installed without what is optional: no Postgres, no browser */
let bare = '';

async function install(name: string, ...flags: string[]): Promise<string> {
  const home = join(directory, name);
  await mkdir(home);
  await writeFile(join(home, 'package.json'), '{"private":true}');
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...flags, tarball], {
    cwd: home,
    timeout: 180_000,
  });
  return home;
}
const binOf = (home: string) => join(home, 'node_modules', 'pdfprompt', 'bin', 'pdfprompt.js');

beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', directory], {
    cwd: checkout,
    timeout: 120_000,
  });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as { filename: string; files: { path: string }[] }[];
  tarball = join(directory, packed?.filename ?? '');
  files = packed?.files.map((file) => file.path) ?? [];
  bare = await install('bare', '--omit=optional');
}, 360_000);

afterAll(async () => {
  if (!hadDist) await rm(join(checkout, 'dist'), { recursive: true, force: true });
});

describe('the published package', () => {
  it('holds what it needs and nothing else', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'bin/pdfprompt.js',
        'dist/cli/main.js',
        'dist/client/client.js',
        'dist/client/client.d.ts',
        'dist/client/api-types.d.ts',
        'dist/http/console/assets/console.css',
        'dist/http/console/assets/console.js',
        'dist/http/studio/assets/workbench.js',
        'examples/invoice/index.html',
        'examples/invoice/fonts/figtree-latin.woff2',
        'sql/0001_tables.sql',
        'package.json',
        'README.md',
        'LICENSE',
      ]),
    );
    expect(
      files.filter(
        (path) =>
          !/^(bin\/pdfprompt\.js|dist\/[\w/-]+\.js|dist\/client\/[\w-]+\.d\.ts|dist\/http\/(console|studio)\/assets\/[\w-]+\.(css|svg)|sql\/\w+\.sql|docs\/moving\.md|examples\/invoice\/[\w/-]+\.\w+|package\.json|README\.md|LICENSE|CHANGELOG\.md|\.env\.example)$/.test(
            path,
          ),
      ),
    ).toEqual([]);
  });

  it('starts a template', async () => {
    const init = await pdfprompt(['init', 'letter'], { cwd: bare, bin: binOf(bare) }).exited;
    expect(init).toMatchObject({ code: 0, stderr: expect.stringContaining('npx pdfprompt render letter') });
    expect(existsSync(join(bare, 'letter', 'fonts', 'figtree-latin.woff2'))).toBe(true);
  });

  it('brings the versions that it was made for, and patches its driver', async () => {
    const { dependencies } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const installed = async (name: string) => {
      const path = join(bare, 'node_modules', name, 'package.json');
      return (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version;
    };
    for (const name of PINNED) expect([name, await installed(name)]).toEqual([name, dependencies[name]]);
    expect(await installed('postgres')).toBe(POSTGRES_VERSION);
    // It throws if one of the patches does not apply.
    const program = `import { connect } from './node_modules/pdfprompt/dist/db/driver.js'; console.log(typeof connect('postgres://x/y'));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: bare });
    expect(stdout).toBe('function\n');
  }, 240_000);

  /** A program that a user could write, which needs no service. */
  const PROGRAM = `import { Pdfprompt, PdfpromptError, verifyWebhook } from 'pdfprompt/client';
const client = new Pdfprompt({ url: 'http://127.0.0.1:1', key: 'pdf_x', retries: 0 });
const codes = [client.pdf({ html: 'x' }), verifyWebhook('{}', {}, 'whsec_eA==')].map((call) =>
  call.catch((error) => error instanceof PdfpromptError && error.code));
console.log((await Promise.all(codes)).join(' '));\n`;

  it.each([
    ['Node 20', () => otherNode(20).command],
    ['this Node', () => process.execPath],
  ])('has a client, in %s', async (_, node) => {
    await writeFile(join(bare, 'program.mjs'), PROGRAM);
    const { stdout } = await run(node(), ['program.mjs'], { cwd: bare });
    expect(stdout).toBe('unreachable invalid_signature\n');
  });

  it('has types of the client, for programs without those of Node', async () => {
    await writeFile(join(bare, 'typed.ts'), `${TYPED}export const wrong: Promise<number> = pdf;\n`);
    const flags = '--noEmit --strict --exactOptionalPropertyTypes --module nodenext --target es2022 --lib es2022,dom';
    const tsc = join(checkout, 'node_modules', 'typescript', 'bin', 'tsc');
    const checked = run(process.execPath, [tsc, ...flags.split(' '), '--types', '', 'typed.ts'], { cwd: bare });
    const { stdout } = await checked.catch((error: unknown) => error as { stdout: string });
    expect(stdout.split('\n').filter((text) => text.includes('error')).map((text) => text.slice(0, 21))).toEqual(['typed.ts(6,14): error']); // prettier-ignore
  });

  /** Five lines that are right. */
  const TYPED = `import { Pdfprompt, type PdfRequest, type Job } from 'pdfprompt/client';
const client = new Pdfprompt({ url: 'https://pdf.example.com', key: 'pdf_x' });
const request: PdfRequest = { html: 'x', options: { format: 'A4', margin: { top: '1cm' } } };
export const pdf = client.pdf(request);
export const job: Promise<Job> = client.jobs.create(request, { files: { 'a.css': new Uint8Array(1) } });\n`;

  it('runs `up` in a directory of its own', async () => {
    const home = await install('elsewhere');
    const up = pdfprompt(['up', '--port', '0'], {
      cwd: home,
      bin: binOf(home),
      env: { PDFPROMPT_DATA_DIR: join(home, 'data') },
    });
    const [, curl = ''] = await up.until(/(curl .*)\n/);
    await run('sh', ['-c', curl], { cwd: home });
    expect((await readPdf(await readFile(join(home, 'hello.pdf')))).text).toEqual(['Hello\nfrom pdfprompt']);
    const [, url = ''] = /console: (http:\S+)/.exec(up.stderr()) ?? [];
    const page = await (await fetch(`${url}/sign-in`)).text();
    const assets = [...page.matchAll(/"(\/console\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(assets).toHaveLength(2);
    for (const path of [...assets, '/console/assets/console.js']) {
      const response = await fetch(new URL(path, url));
      expect([path, response.status, (await response.text()).length > 100]).toEqual([path, 200, true]);
    }
    up.child.kill('SIGINT');
    expect((await up.exited).code).toBe(0);
  }, 240_000);

  it('outlives a hundred backends that are killed in the middle of transactions', async () => {
    const { url, sql } = await createDatabase();
    const env = { DATABASE_URL: url, LOG_LEVEL: 'error' };
    const cli = pdfprompt(['serve', '--port', '0'], { cwd: bare, bin: binOf(bare), env });
    const [, address = ''] = await cli.until(/serves at (http:\S+)/);
    const create = ['keys', 'create', '--user', 'ann@example.com', '--tier', 'system', '--json']; // without limits
    const { stdout } = await pdfprompt(create, { env }).exited;
    const headers = {
      authorization: `Bearer ${(JSON.parse(stdout) as { key: string }).key}`,
      'content-type': 'application/json',
    };
    const post = async () =>
      (await fetch(`${address}/v1/jobs`, { method: 'POST', headers, body: '{"html":"<p>x</p>"}' })).status;
    let isOver = false;
    const answers = new Set<number>();
    const client = async () => {
      while (!isOver) answers.add(await post());
    };
    const clients = Array.from({ length: 10 }, client);
    for (let killed = 0; killed < 100; await sleep(1)) {
      const rows = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'pdfprompt serve' and datname = current_database() and xact_start is not null`;
      killed += rows.length;
    }
    isOver = true;
    await Promise.all(clients);
    expect([...answers].toSorted((a, b) => a - b)).toEqual([202, 503]);
    expect(await post()).toBe(202);
    cli.child.kill('SIGTERM');
    expect((await cli.exited).code).toBe(0);
  }, 240_000);

  it('tells an old Node what it needs, in one sentence', async () => {
    const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})`;
    const result = await run(process.execPath, ['--import', old, join(checkout, 'bin', 'pdfprompt.js'), 'up']).catch(
      (error: unknown) => error as { code: number; stderr: string },
    );
    expect(result).toMatchObject({ code: 1, stderr: 'pdfprompt needs Node 22.18 or newer; this is Node 20.20.2.\n' });
  });
});

describe('doctor, on a machine without Postgres and without a browser', () => {
  it('says what is missing and what to type', async () => {
    const { code, stdout } = await pdfprompt(['doctor', '--json'], {
      cwd: bare,
      bin: binOf(bare),
      env: { PDFPROMPT_DATA_DIR: join(bare, 'data'), HOME: bare },
    }).exited;
    expect(code).toBe(1);
    const { checks } = JSON.parse(stdout) as {
      checks: { name: string; status: string; message: string; fix: string }[];
    };
    const check = (name: string) => checks.find((each) => each.name === name);
    expect(check('postgres')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/There is no embedded Postgres for \w+-\w+ here/),
      fix: 'set DATABASE_URL to your own Postgres',
    });
    expect(check('chromium')).toMatchObject({
      status: 'fail',
      message: 'There is no Chromium here. Type one of:',
      fix: expect.stringMatching(/npm install @sparticuz\/chromium[\s\S]*apt-get install/),
    });
  }, 240_000);
});

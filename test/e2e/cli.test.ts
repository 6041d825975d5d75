import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { pdfprompt } from '../support/cli.ts';
import { isAlive } from '../support/processes.ts';

const { url, sql } = await createDatabase();
const dataDir = await temporaryDirectory('shared');
const cli = (arguments_: string[], env: Record<string, string> = {}) =>
  pdfprompt(arguments_, { env: { DATABASE_URL: url, ...env } }).exited;

describe('pdfprompt', () => {
  it('teaches when it is asked, and when nothing is said', async () => {
    const help = await cli(['--help']);
    expect(help.code).toBe(0);
    for (const command of ['up', 'serve', 'work', 'render', 'migrate', 'keys', 'tier', 'tiers', 'doctor', 'plan'])
      expect(help.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect((await cli(['help', 'work'])).stdout).toMatch(/--concurrency <value> .*PDFPROMPT_WORKER_CONCURRENCY/);
    expect((await cli([])).code).toBe(2);
    expect((await cli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [['srve'], /unknown command 'srve'[\s\S]*Did you mean serve\?/],
    [['serve', '--prot', '1'], /unknown option '--prot'[\s\S]*Did you mean --port\?/],
    [['serve', '--port', 'abc'], /--port: "abc" is not allowed; allowed: a whole number from 0 to 65535/],
    [['keys', 'create'], /required option '--user <email>' not specified/],
    [['keys', 'create', '--user', 'nobody'], /--user: "nobody" is not allowed; allowed: an email address/],
    [
      ['keys', 'create', '--user', 'a@b.c', '--tier', 'gold'],
      /--tier: there is no tier "gold"; allowed: starter, professional, enterprise, system/,
    ],
    [
      ['keys', 'create', '--user', 'a@b.c', '--scopes', 'jobs:read,root'],
      /--scopes: "root" is not allowed; allowed: jobs:write, jobs:read, usage:read, admin/,
    ],
    [
      ['keys', 'create', '--user', 'a@b.c', '--expires', '2020-01-01'],
      /--expires: allowed: a time to come, in ISO 8601 with its zone/,
    ],
    [['keys', 'create', '--user', 'a@b.c', '--expires', 'tomorrow'], /--expires: allowed: a time to come/],
    [['keys', 'list', '--user', 'ghost@b.c'], /there is no user ghost@b\.c\. Type: pdfprompt keys create/],
    [['keys', 'revoke', '7'], /there is no key 7\. Type: pdfprompt keys list/],
    [['keys', 'revoke', '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25'], /there is no key 01a20b1c/],
    [['keys', 'rotate', '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25'], /there is no key 01a20b1c.* keys list/],
    [
      ['keys', 'rotate', '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25', '--grace', 'soon'],
      /--grace: allowed: seconds, 0 \(at once\) to 2592000/,
    ],
    [
      ['tiers', 'set', 'Gold!', '--minute', '0', '--day', 'many', '--priority', '4'],
      /NAME: allowed: 1 to 32 of .*; --minute: allowed: a whole number from 1 .*; --day: allowed: a whole .*; --priority: allowed: 0/,
    ],
    [['tiers', 'set', 'gold', '--minute', '1'], /required option '--day <N>' not specified/],
    [['tiers', 'delete', 'gold'], /there is no tier gold\. Type: pdfprompt tiers/],
    [['tiers', 'drop', 'gold'], /too many arguments/],
    [
      ['tier', 'set', '--user', 'ghost@b.c', '--tier', 'starter'],
      /there is no user ghost@b\.c\. Type: pdfprompt keys create/,
    ],
  ])('answers %j with exit code 2 and what is allowed', async (arguments_, message) => {
    const { code, stderr, stdout } = await cli(arguments_);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
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

describe('pdfprompt keys and tiers', () => {
  it('make a key, list it, put its user on another tier, end it', async () => {
    const created = JSON.parse((await cli(['keys', 'create', '--user', 'Ann@Example.com', '--json'])).stdout) as {
      id: string;
      key: string;
    };
    expect(created).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      key: expect.stringMatching(/^pdf_\w{36}$/),
      user: 'ann@example.com',
      userId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tier: 'starter',
      scopes: ['jobs:write', 'jobs:read', 'usage:read'],
      expiresAt: null,
    });
    const stored = JSON.stringify(await sql`select * from pdfprompt_api_key`);
    expect(stored).not.toContain(created.key);

    expect((await cli(['tier', 'set', '--user', 'ann@example.com', '--tier', 'professional'])).stdout).toBe(
      'ann@example.com is on professional.\n',
    );
    const second = JSON.parse((await cli(['keys', 'create', '--user', 'ann@example.com', '--json'])).stdout) as {
      tier: string;
    };
    expect(second.tier).toBe('professional');
    expect((await cli(['keys', 'revoke', created.id])).stdout).toMatch(/is revoked/);

    const { data } = JSON.parse((await cli(['keys', 'list', '--json'])).stdout) as { data: object[] };
    expect(data).toMatchObject([
      {
        id: created.id,
        user: 'ann@example.com',
        tier: 'professional',
        prefix: created.key.slice(0, 10),
        lastUsedAt: null,
        revokedAt: expect.any(String),
      },
      { user: 'ann@example.com', tier: 'professional', revokedAt: null },
    ]);
    expect((await cli(['keys', 'list'])).stdout).toMatch(/ID +USER +TIER +KEY +SCOPES/);
    expect((await cli(['tiers'])).stdout).toBe(
      'TIER          A MINUTE  A DAY     PRIORITY\nstarter       2         100       0 LOW\nprofessional  10        1,000     1 MEDIUM\nenterprise    50        10,000    2 HIGH\nsystem        no limit  no limit  3 CRITICAL\n',
    );
  });

  it('make a key that does less and not for ever, and replace it', async () => {
    const created = JSON.parse(
      (
        await cli(
          'keys create --user eve@example.com --scopes usage:read,jobs:read --expires 2099-01-01 --json'.split(' '),
        )
      ).stdout,
    ) as { id: string; key: string };
    expect(created).toMatchObject({ scopes: ['jobs:read', 'usage:read'], expiresAt: '2099-01-01T00:00:00.000Z' });
    const rotated = JSON.parse((await cli(['keys', 'rotate', created.id, '--grace', '60', '--json'])).stdout) as {
      id: string;
      replacedExpiresAt: string;
    };
    expect(rotated).toMatchObject({ scopes: ['jobs:read', 'usage:read'], replaces: created.id });
    expect(Date.parse(rotated.replacedExpiresAt) - Date.now()).toBeLessThan(60_000);
    const again = await cli(['keys', 'rotate', created.id]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('was rotated already') });
    const { stdout } = await cli(['keys', 'list', '--user', 'EVE@example.com']);
    expect(stdout.trim().split('\n')).toHaveLength(3);
    expect(stdout).toMatch(/jobs:read,usage:read .* expires 20/);
  });

  it('make, change and delete a tier', async () => {
    const set = (...limits: string[]) => cli(['tiers', 'set', 'gold', ...limits, '--priority', '2']);
    expect((await set('--minute', '5', '--day', 'none')).stdout).toBe('There is a tier gold now.\n');
    expect((await set('--minute', '6', '--day', 'none')).stdout).toBe('The tier gold has these limits now.\n');
    const { data } = JSON.parse((await cli(['tiers', '--json'])).stdout) as { data: object[] };
    expect(data).toContainEqual({ name: 'gold', requestsPerMinute: 6, requestsPerDay: null, priority: 2 });
    await cli(['keys', 'create', '--user', 'gil@example.com', '--tier', 'gold']);
    expect(await cli(['tiers', 'delete', 'gold'])).toMatchObject({
      code: 1,
      stderr: 'pdfprompt: 1 user is on the tier gold; allowed: a tier that nobody is on\n',
    });
    await cli(['tier', 'set', '--user', 'gil@example.com', '--tier', 'starter']);
    expect((await cli(['tiers', 'delete', 'gold'])).stdout).toBe('The tier gold is gone.\n');
  });
});

describe('pdfprompt migrate', () => {
  it('says what is missing with --check and exit code 1, does it, and has nothing to do afterwards', async () => {
    const empty = await createDatabase({ empty: true });
    const migrate = (...more: string[]) => cli(['migrate', ...more], { DATABASE_URL: empty.url });
    expect(await migrate('--check')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^The database lacks 0001_tables\.sql, /),
    });
    expect(await migrate()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Applied 0001_tables\.sql, .*pgboss schema \d+\.\n$/),
    });
    expect(await migrate('--check')).toMatchObject({ code: 0, stdout: 'The database is up to date.\n' });
    expect(await migrate()).toMatchObject({ code: 0, stdout: 'Nothing to do: the database is up to date.\n' });
  });
});

describe('pdfprompt doctor', () => {
  interface Report {
    ok: boolean;
    checks: { name: string; status: string; message: string; fix?: string }[];
  }
  async function doctor(
    env: Record<string, string>,
  ): Promise<{ code: number | null; report: Report; check: (name: string) => Report['checks'][number] | undefined }> {
    const { code, stdout } = await cli(['doctor', '--json'], env);
    const report = JSON.parse(stdout) as Report;
    return { code, report, check: (name) => report.checks.find((check) => check.name === name) };
  }

  it('finds everything here, the sandbox on', async () => {
    const { code, report, check } = await doctor({});
    expect(report.checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(report.ok).toBe(true);
    expect(code).toBe(0);
    expect(check('postgres')?.message).toMatch(/^Postgres \d+/);
    expect(check('sandbox')).toMatchObject({ status: 'ok', message: expect.stringMatching(/under seccomp/) });
    expect(check('rendering')?.message).toMatch(/a test page of \d+ bytes/);
  });

  it('without a browser says what to type', async () => {
    const { code, check } = await doctor({ CHROME_PATH: '/nowhere/chrome' });
    expect(code).toBe(1);
    expect(check('chromium')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/^CHROME_PATH: \/nowhere\/chrome is not a program/),
      fix: expect.stringMatching(/correct CHROME_PATH/),
    });
  });

  it('with a dead DATABASE_URL says so, without the password', async () => {
    const { code, report, check } = await doctor({ DATABASE_URL: 'postgres://ann:hunter2@127.0.0.1:1/db' });
    expect(code).toBe(1);
    expect(check('postgres')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/The database db at 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED/),
      fix: expect.stringMatching(/correct DATABASE_URL, or unset it/),
    });
    expect(JSON.stringify(report)).not.toContain('hunter2');
  });

  it('adds up what all processes may open, and says what to lower or raise', async () => {
    const { url } = await createDatabase();
    const env = { DATABASE_URL: url, LOG_LEVEL: 'error' };
    expect((await doctor(env)).check('connections')).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/one serve and one work( more)? may open \d+ of \d+ connections/),
    });
    const serve = pdfprompt(['serve', '--port', '0'], { env });
    await serve.until(/serves at/);
    const { check, code } = await doctor({ ...env, DATABASE_MAX_CONNECTIONS: '90' });
    expect(check('connections')).toMatchObject({
      status: expect.stringMatching(/warn|fail/),
      message: expect.stringMatching(/\d+ serve.* that run, one serve and one work more may open \d+ of/),
      fix: expect.stringMatching(
        /^lower DATABASE_MAX_CONNECTIONS of every process to \d+, or raise max_connections in postgresql\.conf by \d+$/,
      ),
    });
    expect(code).toBe(check('connections')?.status === 'fail' ? 1 : 0);
    serve.child.kill('SIGTERM');
    await serve.exited;
  });

  it('with a database that is not migrated says what to type', async () => {
    const empty = await createDatabase({ empty: true });
    const { code, check } = await doctor({ DATABASE_URL: empty.url });
    expect(code).toBe(1);
    expect(check('migrations')).toMatchObject({ status: 'fail', fix: 'pdfprompt migrate' });
  });

  it('with a store and a data directory that cannot be written says so', async () => {
    const { code, check } = await doctor({ PDF_STORE: 'file:///etc/passwd/pdfs' });
    expect(code).toBe(1);
    expect(check('pdf store')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/^PDF_STORE: \/etc\/passwd\/pdfs cannot be written/),
    });
  });

  it('speaks to people too', async () => {
    const { stdout } = await cli(['doctor'], { CHROME_PATH: '/nowhere/chrome' });
    expect(stdout).toMatch(/✓ node +Node \d+/);
    expect(stdout).toMatch(/✗ chromium +CHROME_PATH: /);
    expect(stdout).toMatch(/pdfprompt cannot work here yet/);
  });
});

describe('without DATABASE_URL', () => {
  it('serve, work and keys share one embedded Postgres, which the last of them stops', async () => {
    const env = { PDFPROMPT_DATA_DIR: dataDir, CHROME_PATH: '' };
    const chromium = `${inject('dataDir')}/chromium`;
    await cp(chromium, join(dataDir, 'chromium'), { recursive: true });

    const api = pdfprompt(['serve', '--port', '0'], { env });
    const worker = pdfprompt(['work'], { env });
    const [, address = ''] = await api.until(/serves at (http:\S+)/);
    await worker.until(/pdfprompt works/);
    const created = JSON.parse(
      (await pdfprompt(['keys', 'create', '--user', 'ann@example.com', '--json'], { env }).exited).stdout,
    ) as { key: string };
    const response = await fetch(`${address}/v1/pdf`, {
      method: 'POST',
      headers: { authorization: `Bearer ${created.key}`, 'content-type': 'application/json' },
      body: '{"html":"<p>x</p>"}',
    });
    expect(response.status).toBe(200);

    const pid = Number((await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
    worker.child.kill('SIGTERM');
    await worker.exited;
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
    api.child.kill('SIGTERM');
    await api.exited;
    expect(isAlive(pid)).toBe(false);
  });
});

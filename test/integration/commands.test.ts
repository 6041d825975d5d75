import { describe, expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { typed } from '../support/typed.ts';

const { url, sql } = await createDatabase();
const cli = (arguments_: string[], env: Record<string, string> = {}) =>
  typed(arguments_, { DATABASE_URL: url, ...env });
const cells = (stdout: string) => stdout.split('\n').slice(0, -1).map((line) => line.split('\t')); // prettier-ignore

describe('a wrong command line', () => {
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
      /--scopes: "root" is not allowed; allowed: jobs:write, jobs:read, usage:read, console:read, console:documents, operator, admin/,
    ],
    [
      ['keys', 'create', '--user', 'a@b.c', '--expires', '2020-01-01'],
      /--expires: allowed: a time in the future, in ISO 8601 with its zone/,
    ],
    [['keys', 'create', '--user', 'a@b.c', '--expires', 'tomorrow'], /--expires: allowed: a time in the future/],
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

    expect((await cli(['tier', 'set', '--user', 'ann@example.com', '--tier', 'professional'])).stderr).toBe(
      'ann@example.com is on professional.\n',
    );
    const second = JSON.parse((await cli(['keys', 'create', '--user', 'ann@example.com', '--json'])).stdout) as {
      tier: string;
    };
    expect(second.tier).toBe('professional');
    expect((await cli(['keys', 'revoke', created.id])).stderr).toMatch(/is revoked/);

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
    expect(cells((await cli(['keys', 'list'])).stdout)[0]?.slice(0, 4)).toEqual([created.id, 'ann@example.com', 'professional', `${created.key.slice(0, 10)}…`]); // prettier-ignore
    expect(cells((await cli(['tiers'])).stdout)).toEqual([
      ['starter', '2', '100', '0 LOW', 'PDF_RETENTION'],
      ['professional', '10', '1000', '1 MEDIUM', 'PDF_RETENTION'],
      ['enterprise', '50', '10000', '2 HIGH', 'PDF_RETENTION'],
      ['system', 'none', 'none', '3 CRITICAL', 'PDF_RETENTION'],
    ]);
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
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('was already rotated') });
    const { stdout } = await cli(['keys', 'list', '--user', 'EVE@example.com']);
    expect(cells(stdout)).toHaveLength(2);
    expect(stdout).toMatch(/jobs:read,usage:read\t.*\texpires 20/);
  });

  it('make, change and delete a tier', async () => {
    const set = (...limits: string[]) => cli(['tiers', 'set', 'gold', ...limits, '--priority', '2']);
    expect((await set('--minute', '5', '--day', 'none')).stderr).toBe('There is a tier gold now.\n');
    expect((await set('--minute', '6', '--day', 'none')).stderr).toBe('The tier gold has these limits now.\n');
    const { data } = JSON.parse((await cli(['tiers', '--json'])).stdout) as { data: object[] };
    expect(data).toContainEqual({
      name: 'gold',
      requestsPerMinute: 6,
      requestsPerDay: null,
      priority: 2,
      retention: null,
    });
    await cli(['keys', 'create', '--user', 'gil@example.com', '--tier', 'gold']);
    expect(await cli(['tiers', 'delete', 'gold'])).toMatchObject({
      code: 1,
      stderr: 'pdfprompt: 1 user is on the tier gold; allowed: a tier that nobody is on\n',
    });
    await cli(['tier', 'set', '--user', 'gil@example.com', '--tier', 'starter']);
    expect((await cli(['tiers', 'delete', 'gold'])).stderr).toBe('The tier gold is gone.\n');
  });
});

describe('pdfprompt migrate', () => {
  it('says what is missing with --check and exit code 1, does it, and has nothing to do afterwards', async () => {
    const empty = await createDatabase({ empty: true });
    const migrate = (...more: string[]) => cli(['migrate', ...more], { DATABASE_URL: empty.url });
    expect(await migrate('--check')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^0001_tables\.sql\n/),
      stderr: 'The database lacks these. Type: pdfprompt migrate\n',
    });
    expect(await migrate()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^0001_tables\.sql\n[^]*\npgboss schema \d+\npdfprompt_enqueue\(.*\)\n$/),
      stderr: 'Applied.\n',
    });
    expect(await migrate('--check')).toMatchObject({ code: 0, stdout: '', stderr: 'The database is up to date.\n' });
    expect(await migrate()).toMatchObject({ code: 0, stdout: '', stderr: 'The database is up to date.\n' });
  });
});

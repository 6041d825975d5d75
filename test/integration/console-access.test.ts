import { describe, expect, it } from 'vitest';
import { deleteOldAudits, record } from '../../src/accounts/audit.ts';
import { createKey, revokeKey } from '../../src/accounts/keys.ts';
import { searchAudit } from '../../src/accounts/search-audit.ts';
import { createSignInLink } from '../../src/accounts/sign-in-links.ts';
import { AUDITED } from '../../src/domain/audit-act.ts';
import { OWN_SCOPES, type Scope } from '../../src/domain/scope.ts';
import { ACT_OF } from '../../src/http/audited.ts';
import { operationsOf } from '../../src/http/app.ts';
import type { AppDeps } from '../../src/http/route.ts';
import { eraseUser } from '../../src/jobs/erase-user.ts';
import { expire } from '../../src/jobs/expire.ts';
import { cookieOf, createAdminKey, signIn, visitor, type Visitor } from '../support/console.ts';
import { startService } from '../support/service.ts';
import { createTenants } from '../support/tenants.ts';
import { typed } from '../support/typed.ts';

const service = await startService();
const { address, base, sql, request, url } = service;
const [ann, bob] = await createTenants(service, ['ann@a.example', 'bob@b.example']);
if (!ann || !bob) throw new Error('there are no tenants');
const adminKey = await createAdminKey(service);
const admin = await signIn(address, adminKey.key);
const nobody = visitor(address);

const withKey = async (email: string, scopes: Scope[]) => {
  const { key, id, userId } = await createKey(base.db, { email, scopes });
  return { ...(await signIn(address, key)), id, userId };
};
const follow = async (token: string) => nobody.post('/console/sign-in', { link: token });
const withLink = async (scopes: Scope[], email = 'support@example.com') => {
  const { token, userId } = await createSignInLink(base.db, { email, scopes });
  const cookie = cookieOf(await follow(token));
  return { ...visitor(address, cookie), cookie, userId };
};
const isOpen = async ({ get }: Visitor) => (await get('/console')).status === 200;

describe('a link', () => {
  it('signs in once, also if it is used ten times at once, and not by being opened', async () => {
    const { token } = await createSignInLink(base.db, { scopes: ['operator'] });
    for (let turn = 0; turn < 3; turn++) {
      const page = await nobody.get(`/console/sign-in?link=${token}`);
      expect([page.status, cookieOf(page)]).toEqual([200, '']);
      expect(await page.text()).toContain(`name="link" value="${token}"`);
    }
    const answers = await Promise.all(Array.from({ length: 10 }, () => follow(token)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      303,
      ...Array.from({ length: 9 }, () => 401),
    ]);
    expect(answers.filter((answer) => cookieOf(answer) !== '')).toHaveLength(1);
    const again = await follow(token);
    expect([again.status, cookieOf(again)]).toEqual([401, '']);
    expect(await again.text()).toContain('it was used already, or is older than 15 minutes');
  });

  it.each(['', 'x', 'A'.repeat(43), `${'A'.repeat(42)}'`, '"><script>', 'ß'.repeat(43), 'A'.repeat(1_000)])(
    'that was never made does not sign in: %j',
    async (token) => {
      const answer = await follow(token);
      expect([answer.status, cookieOf(answer)]).toEqual([401, '']);
      const page = await (
        await nobody.get(`/console/sign-in?${new URLSearchParams({ link: token }).toString()}`)
      ).text();
      expect(page).not.toContain('<script>');
    },
  );

  it('ends after 15 minutes, and is swept away', async () => {
    const { token, userId, expiresAt } = await createSignInLink(base.db, { email: 'late@example.com' });
    expect((Date.parse(expiresAt) - Date.now()) / 60_000).toBeCloseTo(15, 0);
    await sql`update pdfprompt_sign_in_link set created_at = now() - interval '1 hour', expires_at = now() - interval '1 second' where user_id = ${userId}`;
    expect((await follow(token)).status).toBe(401);
    await expire({ ...base, retentionMs: 3_600_000 });
    expect(await sql`select 1 from pdfprompt_sign_in_link where user_id = ${userId}`).toHaveLength(0);
  });

  it('is kept as a hash', async () => {
    const { token } = await createSignInLink(base.db, {});
    const rows = await sql`select row_to_json(l)::text as row from pdfprompt_sign_in_link l`;
    expect(JSON.stringify([...rows])).not.toContain(token);
    expect(service.lines.join('')).not.toContain(token);
  });

  it.each<Scope[][]>([[['jobs:read', 'jobs:write']], [['usage:read']]])(
    'is not made for what does not open the console: %j',
    async (scopes) => {
      await expect(createSignInLink(base.db, { scopes })).rejects.toMatchObject({
        code: 'invalid_request',
        fields: [{ field: 'scopes' }],
      });
    },
  );

  it('has a session that is closed when its user is erased, or has no subscription', async () => {
    const first = await withLink(['operator'], 'gone@example.com');
    const second = await withLink(['operator'], 'without@example.com');
    expect([await isOpen(first), await isOpen(second)]).toEqual([true, true]);
    await eraseUser(base, { email: 'gone@example.com' });
    await sql`update pdfprompt_user_subscription set ended_at = now() where user_id = ${second.userId} and ended_at is null`;
    expect([await isOpen(first), await isOpen(second)]).toEqual([false, false]);
  });

  it('is what `pdfprompt console` prints, alone on stdout', async () => {
    const env = { DATABASE_URL: url, PUBLIC_URL: address };
    const { code, stdout, stderr } = await typed(
      ['console', '--user', 'oncall@example.com', '--scopes', 'operator'],
      env,
    );
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^http\S+\/console\/sign-in\?link=[\w-]{43}\n$/)]);
    expect(stderr).toContain('as oncall@example.com, for operator.');
    const page = await (await fetch(stdout.trim())).text();
    const link = /name="link" value="([\w-]+)"/.exec(page)?.[1] ?? '';
    const own = visitor(address, cookieOf(await follow(link)));
    expect(await (await own.get('/console')).text()).toContain('oncall@example.com');
    const json = JSON.parse((await typed(['console', '--json'], env)).stdout) as object;
    expect(json).toMatchObject({
      user: 'operator@localhost',
      scopes: ['admin'],
      url: expect.stringContaining(address),
    });
    const refused = await typed(['console', '--scopes', 'jobs:read'], env);
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain('--scopes: jobs:read does not open the console');
  });
});

describe('what a session may do', () => {
  const look = `/console/jobs/${ann.jobs.completed}`;
  const CASES: [scopes: Scope[], may: { documents: boolean; operate: boolean; seeAll: boolean }][] = [
    [['console:read'], { documents: false, operate: false, seeAll: false }],
    [['console:documents'], { documents: true, operate: false, seeAll: false }],
    [['operator'], { documents: false, operate: true, seeAll: false }],
    [['console:documents', 'operator'], { documents: true, operate: true, seeAll: false }],
    [['admin'], { documents: true, operate: true, seeAll: true }],
  ];
  for (const [begin, kind] of [
    [withLink, 'a link'],
    [(scopes: Scope[]) => withKey(`${scopes.join('-').replaceAll(':', '-')}@example.com`, scopes), 'a key'],
  ] as const)
    it.each(CASES)(`is what its scopes say, begun with ${kind}: %j`, async (scopes, may) => {
      const session = await begin(scopes);
      expect((await session.get(look)).status).toBe(200);
      for (const path of [`${look}/pdf`, `${look}/files/0`])
        expect((await session.get(path)).status, `at ${path}`).toBe(may.documents ? 200 : 403);
      const cancel = await session.post(`/console/jobs/${ann.jobs.failed}/cancel`); // ended already: nothing happens
      expect(cancel.status).toBe(may.operate ? 303 : 403);
      const everybody = await (await session.get('/console/sessions?show=all')).text();
      expect(everybody.includes('ops@example.com')).toBe(may.seeAll);
    });
});

describe('sessions', () => {
  it('are listed with where they are, and ended one by one', async () => {
    const first = await withKey('two@example.com', ['console:read']);
    const second = await signIn(
      address,
      (await createKey(base.db, { email: 'two@example.com', scopes: ['operator'] })).key,
    );
    const page = await (await first.get('/console/sessions')).text();
    const ids = [...page.matchAll(/sessions\/([\w-]{36})\/end/g)].map(([, id]) => id);
    expect(ids).toHaveLength(2);
    expect(page.match(/>this one</g)).toHaveLength(1);
    expect(page).toContain('127.0.0.1');
    const [{ id } = { id: '' }] = await sql<{ id: string }[]>`
      select id from pdfprompt_console_session where user_id = ${first.userId} order by id desc`;
    expect((await first.post(`/console/sessions/${id}/end`)).status).toBe(303);
    expect([await isOpen(first), await isOpen(second)]).toEqual([true, false]);
    expect((await first.post(`/console/sessions/${id}/end`)).status).toBe(404);
  });

  it('end everywhere, with the links that were not used', async () => {
    const email = 'three@example.com';
    const [one, two] = [await withLink(['console:read'], email), await withLink(['operator'], email)];
    const { token } = await createSignInLink(base.db, { email });
    expect((await one.post('/console/sessions/end-all')).status).toBe(303);
    expect([await isOpen(one), await isOpen(two)]).toEqual([false, false]);
    expect((await follow(token)).status).toBe(401);
    expect(await isOpen(admin)).toBe(true);
  });

  it('of others are for an administrator', async () => {
    const victim = await withKey('four@example.com', ['admin']);
    const [{ id } = { id: '' }] = await sql<{ id: string }[]>`
      select id from pdfprompt_console_session where user_id = ${victim.userId}`;
    const operator = await withLink(['operator', 'console:documents']);
    expect((await operator.post(`/console/sessions/${id}/end`)).status).toBe(404);
    expect((await operator.post('/console/sessions/end-all', { user: victim.userId })).status).toBe(403);
    expect(await (await operator.get(`/console/sessions?user=${victim.userId}`)).text()).not.toContain('four@');
    expect(await isOpen(victim)).toBe(true);
    expect(await (await admin.get(`/console/sessions?user=${victim.userId}`)).text()).toContain('four@example.com');
    expect((await admin.post('/console/sessions/end-all', { user: victim.userId })).status).toBe(303);
    expect(await isOpen(victim)).toBe(false);
  });

  it('of the last release, which writes neither user nor scopes, are listed and ended too', async () => {
    const old = await withKey('old@example.com', ['operator']);
    await sql`update pdfprompt_console_session set user_id = null where key_id = ${old.id}`;
    expect(await isOpen(old)).toBe(true);
    expect(await (await old.get('/console/sessions')).text()).toContain('this one');
    expect((await old.post('/console/sessions/end-all')).status).toBe(303);
    expect(await isOpen(old)).toBe(false);
  });

  it('say when they were last used, and those of a revoked key are gone', async () => {
    const session = await withKey('used@example.com', ['console:read']);
    await sql`update pdfprompt_console_session set last_used_at = now() - interval '1 hour' where key_id = ${session.id}`;
    expect(await isOpen(session)).toBe(true);
    const [{ age } = { age: Infinity }] = await sql<{ age: number }[]>`
      select extract(epoch from now() - last_used_at)::float8 as age from pdfprompt_console_session where key_id = ${session.id}`;
    expect(age).toBeLessThan(60);
    await revokeKey(base.db, session.id);
    expect(await (await admin.get('/console/sessions?show=all')).text()).not.toContain('used@example.com');
  });
});

describe('the audit log', () => {
  const looksAt = async (jobId: string) =>
    sql<{ what: string; by_user_id: string; user_id: string; detail: object | null }[]>`
      select what, by_user_id, user_id, detail from pdfprompt_audit where job_id = ${jobId} and what like 'looked%' order by id`;

  it('has a look at a document before anything of it is sent, once a minute', async () => {
    const session = await withLink(['console:documents'], 'curious@example.com');
    for (let turn = 0; turn < 3; turn++)
      expect(await (await session.get(`/console/jobs/${bob.jobs.completed}/pdf`)).text()).toBe(bob.pdf);
    expect([...(await looksAt(bob.jobs.completed))]).toEqual([
      { what: 'looked at a file', by_user_id: session.userId, user_id: bob.userId, detail: { file: 0 } },
    ]);
    await session.get(`/console/jobs/${bob.jobs.completed}`); // the page alone shows nothing of it
    expect(await looksAt(bob.jobs.completed)).toHaveLength(1);
  });

  it('has to be written, or the document is not shown', async () => {
    await sql`alter table pdfprompt_audit rename to pdfprompt_audit_away`;
    try {
      for (const path of ['pdf', 'files/0', 'files/0/thumbnail']) {
        const answer = await admin.get(`/console/jobs/${ann.jobs.completed}/${path}`);
        expect(answer.status, `at ${path}`).toBe(500);
        expect(await answer.text()).not.toContain(ann.pdf);
      }
      const withoutSession = await nobody.post('/console/sign-in', { key: adminKey.key });
      expect([withoutSession.status, cookieOf(withoutSession)]).toEqual([500, '']);
    } finally {
      await sql`alter table pdfprompt_audit_away rename to pdfprompt_audit`;
    }
    expect(await (await admin.get(`/console/jobs/${ann.jobs.completed}/pdf`)).text()).toBe(ann.pdf);
  });

  it('finds by who, whose, job, what and day, alone and together, page by page', async () => {
    const actors = [ann, bob];
    for (let index = 0; index < 24; index++)
      await record(base.db, {
        what: index % 3 === 0 ? 'retried a job' : 'looked at the source',
        by: { userId: actors[index % 2]?.userId ?? '' },
        jobId: index % 4 < 2 ? ann.jobs.failed : bob.jobs.failed,
        requestId: `request-${index}`,
      });
    const [{ at } = { at: new Date() }] = await sql<{ at: Date }[]>`
      select at from pdfprompt_audit where request_id = 'request-12'`;
    for (let mask = 1; mask < 64; mask++) {
      const has = (bit: number) => Boolean((mask >> bit) & 1);
      const filter = {
        by: has(0) ? ann.userId : undefined,
        user: has(1) ? bob.userId : undefined,
        job: has(2) ? bob.jobs.failed : undefined,
        what: has(3) ? ('retried a job' as const) : undefined,
        after: has(4) ? new Date(at.getTime() - 3_600_000) : undefined,
        before: has(5) ? new Date(at.getTime() + 3_600_000) : undefined,
      };
      const expected = await sql<{ id: string }[]>`
        select id from pdfprompt_audit where (${filter.by ?? null}::uuid is null or by_user_id = ${filter.by ?? null})
          and (${filter.user ?? null}::uuid is null or user_id = ${filter.user ?? null})
          and (${filter.job ?? null}::uuid is null or job_id = ${filter.job ?? null})
          and (${filter.what ?? null}::text is null or what = ${filter.what ?? null})
        order by id desc`;
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const { entries, next } = await searchAudit(base.adminDb, { filter, limit: 7, cursor });
        found.push(...entries.map(({ id }) => id));
        cursor = next ?? undefined;
      } while (cursor !== undefined);
      expect(found, `with ${mask}`).toEqual(expected.map(({ id }) => id));
      expect(found.length).toBeGreaterThan(0);
    }
    const tomorrow = new Date(Date.now() + 86_400_000);
    expect((await searchAudit(base.adminDb, { filter: { after: tomorrow }, limit: 5 })).entries).toEqual([]);
  });

  it('is a page, and GET /v1/admin/audit', async () => {
    const params = new URLSearchParams({ by: ann.email, user: bob.email, what: 'looked at the source' }).toString();
    const page = await (await admin.get(`/console/audit?${params}`)).text();
    expect(page).toContain(`/console/jobs/${bob.jobs.failed}"`);
    expect(page).not.toContain(`/console/jobs/${ann.jobs.failed}"`);
    const { data } = (await (
      await request(`/v1/admin/audit?by=${ann.userId}&what=retried+a+job&limit=2`, { key: adminKey.key })
    ).json()) as { data: { by: string; what: string }[] };
    expect(data).toMatchObject(Array.from({ length: 2 }, () => ({ by: ann.email, what: 'retried a job' })));
    expect((await request('/v1/admin/audit', { key: ann.key })).status).toBe(403);
    expect(await (await admin.get('/console/audit?by=ghost@example.com')).text()).toContain('Nothing matches');
  });

  it.each([
    'by=x',
    'what=looked',
    'job=1',
    'after=yesterday',
    'before=2031-13-01T00:00:00Z',
    'cursor=x',
    'limit=0',
    'who=me',
  ])('refuses a filter that it does not know, by name: %s', async (filter) => {
    const answer = await request(`/v1/admin/audit?${filter}`, { key: adminKey.key });
    expect(answer.status).toBe(400);
    const { errors } = (await answer.json()) as { errors: { field: string; message: string }[] };
    expect(errors[0]?.field).toBe(filter.split('=')[0]);
    expect(errors[0]?.message).toMatch(/allowed|unknown/);
  });

  it('shows others than administrators what they have done, and nothing else', async () => {
    const own = await withLink(['operator', 'console:documents'], 'own@example.com');
    await own.get(`/console/jobs/${ann.jobs.completed}/pdf`);
    const { jobs } = bob;
    for (const filter of ['', `?by=${ann.userId}`, `?job=${jobs.failed}`]) {
      const page = await (await own.get(`/console/audit${filter}`)).text();
      expect(page).not.toContain(`/console/jobs/${jobs.failed}"`);
      expect(page.includes(`/console/jobs/${ann.jobs.completed}"`)).toBe(filter !== `?job=${jobs.failed}`);
    }
  });

  it('keeps what was done for a user who is erased, without their email', async () => {
    const gone = await createKey(base.db, { email: 'forgotten@example.com', scopes: ['operator'] });
    await record(base.db, { what: 'revoked a key', by: { userId: gone.userId }, subjectUserId: gone.userId });
    await eraseUser(base, { email: 'forgotten@example.com' });
    const page = await (await admin.get(`/console/audit?user=${gone.userId}`)).text();
    expect(page).toContain('erased user');
    expect(page).not.toContain('forgotten@');
    const everything = await sql`select row_to_json(a)::text as row from pdfprompt_audit a`;
    expect(JSON.stringify([...everything])).not.toContain('@');
  });

  it('has what is done with the API by whom, and every such operation is in it', async () => {
    const all = operationsOf({ compat: { services: [] } } as unknown as AppDeps);
    const changing = all.filter(
      ({ endpoint, scope }) => !endpoint.startsWith('GET ') && scope !== null && !OWN_SCOPES.includes(scope),
    );
    expect(changing.map(({ operationId }) => operationId).toSorted()).toEqual(Object.keys(ACT_OF).toSorted());

    const call = (method: string, path: string, body?: object) =>
      request(`/v1/admin${path}`, { method, key: adminKey.key, ...(body && { body: JSON.stringify(body) }) });
    const made = (await (await call('POST', '/keys', { email: 'api@example.com' })).json()) as {
      id: string;
      userId: string;
    };
    await call('PUT', `/users/${made.userId}/subscription`, { tier: 'professional' });
    await call('PUT', `/users/${made.userId}/limits`, { requestsPerDay: 5 });
    await call('DELETE', `/users/${made.userId}/limits`);
    const target = `user:${made.userId}`;
    expect((await call('PUT', `/pauses/${target}`, { reason: 'too many at once' })).ok).toBe(true);
    await call('DELETE', `/pauses/${target}`);
    const rotated = (await (await call('POST', `/keys/${made.id}/rotate`, {})).json()) as { id: string };
    await call('DELETE', `/keys/${rotated.id}`);
    await call('DELETE', `/users/${made.userId}`);
    const rows = await sql`
      select what, by_key_id, detail from pdfprompt_audit where user_id = ${made.userId} order by id`;
    const by_key_id = adminKey.id;
    expect([...rows]).toEqual([
      { what: 'created a key', by_key_id, detail: { keyId: made.id } },
      { what: "set a user's tier", by_key_id, detail: {} },
      { what: "set a user's limits", by_key_id, detail: {} },
      { what: "set a user's limits", by_key_id, detail: {} },
      { what: 'paused', by_key_id, detail: { target } },
      { what: 'resumed', by_key_id, detail: { target } },
      { what: 'rotated a key', by_key_id, detail: { keyId: rotated.id } },
      { what: 'revoked a key', by_key_id, detail: { keyId: rotated.id } },
      { what: 'erased a user', by_key_id, detail: {} },
    ]);
    const before = await sql`select count(*)::int as n from pdfprompt_audit`;
    const few = { action: 'cancel', filter: { user: made.userId } };
    expect((await call('POST', '/actions', { ...few, dryRun: true })).status).toBe(200);
    expect((await call('PUT', '/tiers/Gold!', {})).status).toBe(400); // what is refused was not done
    expect([...(await sql`select count(*)::int as n from pdfprompt_audit`)]).toEqual([...before]);
    const { id: actionId } = (await (await call('POST', '/actions', few)).json()) as { id: string };
    await call('DELETE', `/actions/${actionId}`);
    const [started, stopped] = await sql`select what, detail from pdfprompt_audit order by id desc limit 2`.then(
      (last) => last.toReversed(),
    );
    expect([started, stopped]).toEqual([
      { what: 'started an action', detail: expect.objectContaining({ actionId, action: 'cancel', expected: 0 }) },
      { what: 'stopped an action', detail: { actionId } },
    ]);
  });

  it('loses what is older than it is kept, and nothing else', async () => {
    const [{ n } = { n: 0 }] = await sql<{ n: number }[]>`select count(*)::int as n from pdfprompt_audit`;
    expect(await deleteOldAudits(base.db, { keptMs: 3_600_000, limit: 1_000 })).toBe(0);
    expect(await deleteOldAudits(base.db, { keptMs: -1_000, limit: 3 })).toBe(3);
    expect(await deleteOldAudits(base.db, { keptMs: -1_000, limit: 1_000 })).toBe(n - 3);
  });

  it('names what can be in it once', () => expect(new Set(AUDITED).size).toBe(AUDITED.length));
});

import { beforeAll, describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { listTiers } from '../../src/accounts/tiers.ts';
import { getUser } from '../../src/accounts/users.ts';
import { createAdminKey, signIn, visitor } from '../support/console.ts';
import { startService } from '../support/service.ts';
import { createTenants, type Tenant } from '../support/tenants.ts';

const service = await startService();
const { address, base, sql, request } = service;
const [ann, bob] = (await createTenants(service, ['ann@a.example', 'bob@b.example'])) as [Tenant, Tenant];
const admin = await createAdminKey(service);
const administrator = await signIn(address, admin.key);
const support = await signIn(
  address,
  (await createKey(base.db, { email: 'support@example.com', scopes: ['console:read'] })).key,
);
const operator = await signIn(
  address,
  (await createKey(base.db, { email: 'on-call@example.com', scopes: ['operator'] })).key,
);

const read = async (path: string, who = administrator) => {
  const response = await who.get(`/console${path}`);
  expect([path, response.status]).toEqual([path, 200]);
  return response.text();
};
/** As a reader sees it. */
const words = (page: string) => page.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
const post = (path: string, form: Record<string, string> = {}) => administrator.post(`/console${path}`, form);
const audited = () => sql<{ what: string; user: string }[]>`
  select what, user_id as user from pdfprompt_audit where by_user_id = (select id from pdfprompt_user where email = 'ops@example.com')
    and what not in ('signed in') order by id`;

let annKey: string;
let template: string;
const pages = () => [
  '/users',
  '/users?order=email',
  `/users/${ann.userId}`,
  '/keys',
  `/keys?user=${ann.userId}&state=valid`,
  `/keys/${annKey}`,
  '/tiers',
  '/tiers/starter',
  '/templates',
  `/templates/${template}`,
  '/settings',
  '/doctor',
];

beforeAll(async () => {
  const [row] = await sql<{ key: string; template: string }[]>`
    select (select id from pdfprompt_api_key where user_id = ${ann.userId}) as key,
      (select id from pdfprompt_template where user_id = ${ann.userId}) as template`;
  ({ key: annKey, template } = row ?? { key: '', template: '' });
});

describe('every page', () => {
  it('is there for support, without a form, and with nothing inline', async () => {
    for (const path of pages()) {
      const page = await read(path, support);
      expect(page, `at ${path}`).not.toMatch(/<style|<script(?![^>]* src=)|\sstyle=|\son\w+=/);
      expect(page.match(/action="[^"]+" method="post"/g), `at ${path}`).toEqual([
        'action="/console/sign-out" method="post"',
      ]);
      expect((await visitor(address).get(`/console${path}`)).status, `at ${path}`).toBe(303);
    }
  });

  it('refuses what an operator or support sends', async () => {
    const before = JSON.stringify(
      await sql`select u.*, k.* from pdfprompt_user u join pdfprompt_api_key k on k.user_id = u.id order by k.id`,
    );
    const forms = [
      '/users',
      ...['tier', 'limits', 'erase'].map((what) => `/users/${ann.userId}/${what}`),
      '/keys',
      `/keys/${annKey}/rotate`,
      `/keys/${annKey}/revoke`,
      '/tiers',
      '/tiers/starter/delete',
    ];
    const form = { email: ann.email, tier: 'system', name: 'new', priority: '1', requestsPerDay: '1', scopes: 'admin' };
    for (const path of forms)
      for (const who of [support, operator])
        expect((await who.post(`/console${path}`, form)).status, `at ${path}`).toBe(403);
    expect(
      JSON.stringify(
        await sql`select u.*, k.* from pdfprompt_user u join pdfprompt_api_key k on k.user_id = u.id order by k.id`,
      ),
    ).toBe(before);
  });
});

describe('users', () => {
  const found = async (query: string) =>
    [...(await read(`/users${query}`)).matchAll(/href="\/console\/users\/[^"]+"\s*>([^<]+)<\/a/g)].map(
      ([, email = '']) => email,
    );

  it.each([
    ['?q=ann', ['ann@a.example', 'ann@example.com']],
    ['?q=ann%40A', ['ann@a.example']],
    ['?q=nn', []],
    ['?q=%25', []],
    ["?q='", []],
  ])('are found by how their email begins: %s', async (query, emails) => {
    expect((await found(`${query}&order=email`)).toSorted()).toEqual(emails);
  });

  it('are found by how their id begins, and are in the order that is asked for', async () => {
    for (const length of [13, 20, 36]) expect(await found(`?q=${ann.userId.slice(0, length)}`)).toContain(ann.email);
    const oldest = await found('?order=oldest');
    expect(await found('?order=newest')).toEqual(oldest.toReversed());
    expect(await found('?order=email')).toEqual(oldest.toSorted());
    const first = oldest[0] ?? '';
    const { id } = await getUser(base.db, { email: first });
    expect(await found(`?order=oldest&cursor=${id}`)).toEqual(oldest.slice(1));
    expect(await found(`?order=email&cursor=${encodeURIComponent(ann.email)}`)).not.toContain(ann.email);
  });

  it('have a page of their limits, their use, their jobs and what is theirs', async () => {
    const text = words(await read(`/users/${ann.userId}`));
    expect(text).toContain('Requests in 60 seconds no limit –');
    for (const status of ['queued', 'processing', 'completed', 'failed', 'cancelled', 'scheduled'])
      expect(text).toContain(`${status} 1 1`);
    expect(text).toMatch(/Keys that are valid 1 Batches 0 Schedules 0 Webhooks 0 Templates 1 Sessions in a browser 0/);
    expect((await administrator.get(`/console/users/${ann.jobs.queued}`)).status).toBe(404);
  });

  it('are moved to a tier, and have limits of their own until the fields are empty', async () => {
    const path = `/users/${bob.userId}`;
    expect((await post(`${path}/tier`, { tier: 'professional' })).status).toBe(303);
    expect(words(await read(path))).toContain('Requests in 60 seconds 10');
    const limits = { requestsPerMinute: '7', requestsPerDay: 'none', priority: '', retention: '3600' };
    expect((await post(`${path}/limits`, limits)).headers.get('location')).toContain('done=limits');
    const text = words(await read(path));
    expect(text).toContain('Requests in 60 seconds 7');
    expect(text).toContain('Requests in a UTC day no limit – their own; the tier’s is 1,000');
    expect(text).toContain('Priority 1 – as the tier says');
    expect(text).toContain('Files are kept 1 h');
    for (const bad of ['x', '0', '-1', '1.5', '99999999999999']) {
      const refused = await post(`${path}/limits`, { ...limits, requestsPerMinute: bad });
      expect([bad, refused.status]).toEqual([bad, 400]);
      expect(words(await refused.text())).toContain('Not changed: requestsPerMinute: allowed:');
    }
    expect((await getUser(base.db, { id: bob.userId })).limits).toEqual({ requestsPerMinute: 7, requestsPerDay: null, retention: 3_600 }); // prettier-ignore
    await post(`${path}/limits`, { requestsPerMinute: '' });
    expect((await getUser(base.db, { id: bob.userId })).limits).toEqual({});
    expect((await post(`${path}/tier`, { tier: 'gold' })).status).toBe(400);
  });

  it('are created, and erased only with their email typed', async () => {
    const created = await post('/users', { email: 'new@example.com' });
    const path = (created.headers.get('location') ?? '').replace(/^\/console|\?.*/g, '');
    expect(words(await read(path))).toContain('new@example.com');
    expect((await post('/users', { email: 'new@example.com' })).status).toBe(409);
    for (const email of ['', 'nobody', ann.email]) expect((await post(`${path}/erase`, { email })).status).toBe(400);
    expect((await post(`${path}/erase`, { email: 'new@example.com' })).headers.get('location')).toMatch(/done=eras/);
    expect((await administrator.get(`/console${path}`)).status).toBe(404);
    expect((await audited()).map(({ what }) => what)).toEqual([
      "set a user's tier",
      "set a user's limits",
      "set a user's limits",
      'created a user',
      'erased a user',
    ]);
  });
});

describe('keys', () => {
  /** Of the page that shows it once. */
  const keyOn = (page: string) => /id="new-key"[^>]*value="(pdf_\w+)"/.exec(page)?.[1] ?? '';

  it('are created, rotated and revoked; only the first page has the key', async () => {
    const page = await (await post('/keys', { email: 'carol@c.example', scopes: 'usage:read' })).text();
    const key = keyOn(page);
    const id = /href="\/console\/keys\/([^"]+)"/.exec(page)?.[1] ?? '';
    expect((await request('/v1/usage', { key })).status).toBe(200);
    for (const path of ['/keys', `/keys/${id}`]) {
      const later = await read(path);
      expect(later).toContain(key.slice(0, 10));
      expect(later).not.toContain(key);
    }
    const rotated = keyOn(await (await post(`/keys/${id}/rotate`, { graceSeconds: '0' })).text());
    expect((await request('/v1/usage', { key: rotated })).status).toBe(200);
    expect((await request('/v1/usage', { key })).status).toBe(401);
    const again = await post(`/keys/${id}/rotate`, { graceSeconds: '0' });
    expect([again.status, words(await again.text())]).toEqual([409, expect.stringContaining('already rotated')]);
    const newId = /Replaced by\s*<\/dt>\s*<dd>\s*<a class="id" href="\/console\/keys\/([^"]+)"/.exec(
      await read(`/keys/${id}`),
    )?.[1];
    expect((await post(`/keys/${newId}/revoke`)).status).toBe(303);
    expect((await request('/v1/usage', { key: rotated })).status).toBe(401);
    expect(words(await read(`/keys/${newId}`))).toContain('State revoked');
    expect(service.lines.join('')).not.toContain(key);
  });

  it.each([
    [{ email: 'x' }, 'email'],
    [{ email: 'a@b.example', scopes: 'everything' }, 'scopes'],
    [{ email: 'a@b.example' }, 'scopes'],
    [{ email: 'a@b.example', scopes: 'admin', tier: 'gold' }, 'tier'],
    [{ email: 'a@b.example', scopes: 'admin', expiresAt: '2001-01-01T00:00' }, 'expiresAt'],
    [{ email: 'a@b.example', scopes: 'admin', expiresAt: 'soon' }, 'expiresAt'],
  ])('are refused by the field: %j', async (form, field) => {
    const refused = await post('/keys', form);
    expect(refused.status).toBe(400);
    expect(words(await refused.text())).toContain(`Not created: ${field}`);
  });

  it('are found by how they begin, by user and by state', async () => {
    const found = async (query: string) =>
      [...(await read(`/keys?${query}`)).matchAll(/id="key-([^"]+)"/g)].map(([, id]) => id);
    expect(await found(`q=${ann.key.slice(0, 10)}`)).toContain(annKey);
    expect(await found(`user=${ann.userId}`)).toEqual([annKey]);
    expect(await found(`user=${ann.userId}&state=revoked`)).toEqual([]);
    const whole = await administrator.get(`/console/keys?q=${ann.key}`);
    expect(whole.headers.get('location')).toBe(`/console/keys?q=${ann.key.slice(0, 10)}`);
    const byEmail = await administrator.get(`/console/keys?q=${ann.email}`);
    expect(byEmail.headers.get('location')).toBe(`/console/keys?user=${ann.userId}`);
    expect((await administrator.get('/console/keys?q=nobody')).status).toBe(404);
  });
});

describe('tiers', () => {
  const form = { name: 'trial', requestsPerMinute: '1', requestsPerDay: '', priority: '2', retention: '' };
  it('are defined, changed, and deleted when nobody is on them', async () => {
    expect((await post('/tiers', form)).headers.get('location')).toBe('/console/tiers/trial?done=defined');
    expect((await post('/tiers', form)).status).toBe(400); // there is one already
    await post('/tiers', { ...form, requestsPerDay: '5', changes: 'yes' });
    expect((await listTiers(base.db)).find(({ name }) => name === 'trial')).toMatchObject({ requestsPerMinute: 1, requestsPerDay: 5, priority: 2 }); // prettier-ignore
    await post(`/users/${bob.userId}/tier`, { tier: 'trial' });
    expect((await post('/tiers/trial/delete')).status).toBe(409);
    await post(`/users/${bob.userId}/tier`, { tier: 'system' });
    expect((await post('/tiers/trial/delete')).status).toBe(303);
    expect((await administrator.get('/console/tiers/trial')).status).toBe(404);
  });

  it.each([{ name: 'A B' }, { priority: '9' }, { requestsPerMinute: '0' }, { requestsPerDay: 'many' }])(
    'are refused by the field: %j',
    async (bad) => {
      const refused = await post('/tiers', { ...form, ...bad });
      expect(refused.status).toBe(400);
      expect(words(await refused.text())).toContain(`Not created: ${Object.keys(bad)[0]}`);
    },
  );
});

describe('templates', () => {
  it('show what is in a file to those alone who may see documents, after it is written down', async () => {
    expect(words(await read('/templates?q=let'))).toContain('letter @1 bob@b.example');
    expect(await read(`/templates?user=${ann.userId}`)).not.toContain('bob@b.example');
    const path = `/templates/${template}?version=1&file=index.html`;
    for (const who of [support, operator]) {
      expect(await read(`/templates/${template}`, who)).not.toContain('file=');
      expect((await who.get(`/console${path}`)).status).toBe(403);
    }
    expect(await read(path)).toContain('1  &lt;p&gt;ann@a.example&lt;/p&gt;');
    expect((await audited()).at(-1)).toEqual({ what: 'looked at a template', user: ann.userId });
    for (const file of ['other.html', 'constructor', '../index.html'])
      expect((await administrator.get(`/console/templates/${template}?file=${file}`)).status, `file ${file}`).toBe(404);
  });
});

describe('settings and doctor', () => {
  it('say what is in force and where it is from, and no secret', async () => {
    const page = await read('/settings');
    expect(words(page)).toMatch(/DATABASE_URL --database-url .{10,80} hidden variable/);
    expect(page).not.toContain(new URL(base.config.databaseUrl ?? '').pathname);
    expect(words(await read('/settings?show=given'))).not.toContain('LOG_LEVEL');
  });

  it('say what is wrong, and that nothing is', async () => {
    const text = words(await read('/doctor'));
    for (const name of ['node', 'postgres', 'migrations', 'pdf store', 'memory']) expect(text).toContain(name);
  });
});

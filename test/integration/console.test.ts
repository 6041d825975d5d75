import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { createKey, revokeKey } from '../../src/accounts/keys.ts';
import { generateKey } from '../../src/accounts/key-format.ts';
import type { JobFilter } from '../../src/domain/job-filter.ts';
import { JOB_STATUSES } from '../../src/domain/job.ts';
import { expire } from '../../src/jobs/expire.ts';
import { readQueueOverview } from '../../src/jobs/queue-overview.ts';
import { searchJobs } from '../../src/jobs/search-jobs.ts';
import { readThroughputHistory } from '../../src/jobs/throughput-history.ts';
import { cookieOf, createAdminKey, signIn, visitor } from '../support/console.ts';
import { startService } from '../support/service.ts';
import { createTenants } from '../support/tenants.ts';

const service = await startService();
const { address, base, sql, request } = service;
const [ann, bob] = await createTenants(service, ['ann@a.example', 'bob@b.example']);
if (!ann || !bob) throw new Error('there are no tenants');
const admin = await createAdminKey(service);
const operator = await signIn(address, admin.key);
const nobody = visitor(address);

const PAGES = [
  '/console',
  '/console?range=24h',
  '/console/jobs',
  `/console/jobs?user=${ann.userId}`,
  `/console/jobs/${ann.jobs.completed}`,
  `/console/jobs/${ann.jobs.completed}/pdf`,
];
const FRAGMENTS = ['/overview', '/jobs', `/jobs/${ann.jobs.queued}`].map((path) => `/console/fragments${path}`);
const POSTS = [`/console/jobs/${ann.jobs.queued}/cancel`, `/console/jobs/${ann.jobs.failed}/retry`];

/** Everybody's jobs, as they are. */
const everything = async () => JSON.stringify(await sql`select * from pdfprompt_job order by id`);

describe('without a session', () => {
  it.each(PAGES)('%s leads to where one signs in, and back', async (path) => {
    const response = await nobody.get(path);
    expect(response.status).toBe(303);
    const location = new URL(response.headers.get('location') ?? '', address);
    expect(location.pathname).toBe('/console/sign-in');
    expect(location.searchParams.get('from') ?? '/console').toBe(path);
    const back = await nobody.post('/console/sign-in', { key: admin.key, from: path });
    expect([back.status, back.headers.get('location')]).toEqual([303, path]);
  });

  it.each(FRAGMENTS)('%s says so to the script', async (path) => {
    expect((await nobody.get(path)).status).toBe(401);
  });

  it.each(POSTS)('%s does nothing', async (path) => {
    const before = await everything();
    expect((await nobody.post(path)).headers.get('location')).toBe('/console/sign-in');
    expect((await visitor(address, `pdfprompt_console=${'x'.repeat(43)}`).post(path)).status).toBe(303);
    expect(await everything()).toBe(before);
  });

  it('nobody is led elsewhere after signing in', async () => {
    for (const from of ['https://evil.example/', '//evil.example', '/console/../v1', '/console\\evil', '/consolex']) {
      const response = await nobody.post('/console/sign-in', { key: admin.key, from });
      expect(response.headers.get('location')).toBe('/console');
    }
  });
});

describe('signing in', () => {
  it('refuses a key without the scope admin, and says why', async () => {
    const response = await nobody.post('/console/sign-in', { key: ann.key });
    expect([response.status, cookieOf(response)]).toEqual([403, '']);
    expect(await response.text()).toContain('lacks the scopes console:read, operator and admin');
  });

  it('refuses what is no key', async () => {
    for (const key of ['', 'x', generateKey(), `${admin.key}x`]) {
      const response = await nobody.post('/console/sign-in', { key });
      expect([response.status, cookieOf(response)]).toEqual([401, '']);
    }
  });

  it('gives a cookie that only the console and the studio see, and keeps its hash', async () => {
    const response = await nobody.post('/console/sign-in', { key: admin.key });
    const cookies = response.headers.getSetCookie();
    expect(cookies).toHaveLength(2);
    for (const header of cookies)
      expect(header).toMatch(
        /^pdfprompt_console=[\w-]{43}; Max-Age=28800; Path=\/(console|studio); HttpOnly; SameSite=Strict$/,
      );
    const token = cookieOf(response).split('=')[1] ?? '';
    const rows = await sql`select row_to_json(c)::text as row from pdfprompt_console_session c`;
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(service.lines.join('')).not.toContain(token);
    const behindTls = await nobody.post(
      '/console/sign-in',
      { key: admin.key },
      { origin: address, 'x-forwarded-proto': 'https' },
    );
    expect(behindTls.headers.get('set-cookie')).toContain('; Secure');
  });

  it('is known to every API process', async () => {
    const other = await startService({ database: service });
    expect((await visitor(other.address, operator.cookie).get('/console')).status).toBe(200);
  });
});

describe('a session', () => {
  const fresh = async (email = 'second@example.com') => {
    const { id, key, userId } = await createKey(base.db, { email, tier: 'system', scopes: ['admin', 'jobs:read'] });
    const { get } = await signIn(address, key);
    expect((await get('/console')).status).toBe(200);
    return { id, key, userId, isOpen: async () => (await get('/console')).status === 200 };
  };

  it.each<[string, (key: { id: string; userId: string }) => Promise<unknown>]>([
    ['is revoked', ({ id }) => revokeKey(base.db, id)],
    ['expires', ({ id }) => sql`update pdfprompt_api_key set expires_at = now() where id = ${id}`],
    ['loses its scope', ({ id }) => sql`update pdfprompt_api_key set scopes = '{jobs:read}' where id = ${id}`],
    ['is deleted', ({ id }) => sql`delete from pdfprompt_api_key where id = ${id}`],
    [
      'has a user without a subscription',
      ({ userId }) =>
        sql`update pdfprompt_user_subscription set ended_at = now() where user_id = ${userId} and ended_at is null`,
    ],
  ])('ends at once when its key %s', async (what, change) => {
    const session = await fresh(`${what.replaceAll(' ', '-')}@example.com`);
    await change(session);
    expect(await session.isOpen()).toBe(false);
  });

  it('ends after its time, and is swept away', async () => {
    const session = await fresh();
    await sql`update pdfprompt_console_session set created_at = now() - interval '9 hours', expires_at = now() - interval '1 hour' where key_id = ${session.id}`;
    expect(await session.isOpen()).toBe(false);
    await expire({ ...base, retentionMs: 3_600_000 });
    expect(await sql`select 1 from pdfprompt_console_session where key_id = ${session.id}`).toHaveLength(0);
    expect((await operator.get('/console')).status).toBe(200);
  });

  it('ends by signing out', async () => {
    const { key, id } = await fresh();
    const { get, post } = await signIn(address, key);
    const response = await post('/console/sign-out');
    expect(response.headers.get('set-cookie')).toMatch(/^pdfprompt_console=; Max-Age=0/);
    expect((await get('/console')).status).toBe(303);
    expect(await sql`select 1 from pdfprompt_console_session where key_id = ${id}`).toHaveLength(1); // the other one
  });

  it("opens nothing but the console, and a tenant's key nothing of the console", async () => {
    expect((await operator.get('/v1/admin/users')).status).toBe(401);
    expect((await request('/console', { key: admin.key, redirect: 'manual' })).status).toBe(303);
  });
});

describe('a form that was not sent by a page of ours', () => {
  it.each([
    ['from another site', { origin: 'https://evil.example' }],
    ['from another port', { origin: address.replace(/\d+$/, '1') }],
    ['from nowhere', {}],
    ['from a frame without an origin', { origin: 'null' }],
    ['from another site, as the browser says', { origin: address, 'sec-fetch-site': 'cross-site' }],
    ['from another host of the site', { origin: address, 'sec-fetch-site': 'same-site' }],
  ] as [string, Record<string, string>][])('is refused: %s', async (_, headers) => {
    const before = await everything();
    for (const path of [...POSTS, '/console/sign-out', '/console/sign-in'])
      expect((await operator.post(path, { key: admin.key }, headers)).status).toBe(403);
    expect(await everything()).toBe(before);
    expect((await operator.get('/console')).status).toBe(200);
  });
});

describe('every answer', () => {
  it('forbids what the pages do not need, and is not kept', async () => {
    const answers = await Promise.all([
      ...[...PAGES, ...FRAGMENTS, '/console/nothing'].map((path) => operator.get(path)),
      nobody.get('/console/sign-in'),
      nobody.get('/console'),
    ]);
    for (const { headers, url } of answers) {
      const isPdf = url.endsWith('/pdf');
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'x-frame-options': isPdf ? 'SAMEORIGIN' : 'DENY',
        'content-security-policy': isPdf
          ? "frame-ancestors 'self'"
          : "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      });
    }
  });

  it('has nothing inline', async () => {
    for (const path of [...PAGES.filter((each) => !each.endsWith('/pdf')), ...FRAGMENTS, '/console/sign-in'])
      expect(await (await operator.get(path)).text()).not.toMatch(/<style|<script(?![^>]* src=)|\sstyle=|\son\w+=/);
  });

  it('names its files by what is in them, so that they may be kept', async () => {
    const page = await (await operator.get('/console')).text();
    const paths = [...page.matchAll(/(?:href|src)="(\/console\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(paths).toHaveLength(3);
    for (const path of paths) {
      const response = await nobody.get(path);
      expect([response.status, response.headers.get('cache-control')]).toEqual([
        200,
        'public, max-age=31536000, immutable',
      ]);
    }
    expect((await nobody.get('/console/assets/console.js')).headers.get('cache-control')).toBe('no-store');
    expect((await nobody.get('/console/assets/..%2fassets.ts')).status).toBe(404);
  });

  it('is a page even if it is an error', async () => {
    const missing = await operator.get('/console/jobs/01a20b1c-7e0d-7435-94b8-d6ab64f6fe25');
    expect([missing.status, missing.headers.get('content-type')]).toEqual([404, 'text/html; charset=UTF-8']);
    expect((await operator.get('/console/jobs/not-an-id')).status).toBe(404);
    expect((await operator.get('/console/jobs?cursor=x')).status).toBe(400);
    expect((await operator.post('/console/jobs/not-an-id/cancel')).status).toBe(404);
  });
});

describe('searching', () => {
  const locationOf = async (q: string) =>
    (await operator.get(`/console/jobs?${new URLSearchParams({ q }).toString()}`)).headers.get('location');

  it('finds a job by its id, a user by email or id', async () => {
    expect(await locationOf(` ${ann.jobs.failed.toUpperCase()} `)).toBe(`/console/jobs/${ann.jobs.failed}`);
    expect(await locationOf(' ANN@a.example')).toBe(`/console/jobs?user=${ann.userId}`);
    expect(await locationOf(ann.userId)).toBe(`/console/jobs?user=${ann.userId}`);
  });

  it.each([
    [ann.jobs.failed.slice(0, 13), `id=${ann.jobs.failed.slice(0, 13)}`],
    ['ann@a', 'email=ann%40a'],
    ['AN', 'email=an'],
    ['nobody@at.all', 'email=nobody%40at.all'],
    ['order:A-17', 'metadata.order=A-17'],
    ['order="A 17" status:failed', 'metadata.order=A+17&status=failed'],
    ['render_timeout', 'error=render_timeout'],
    ['failed', 'status=failed'],
    ['invoice@7', 'template=invoice%407'],
    ['<b>', 'filename=%3Cb%3E'],
    ['Annual report', 'filename=Annual+report'],
    ['', ''],
  ])('understands %s', async (text, query) => {
    // A field that is empty leads to the list as it is.
    const expected = text === '' ? '/console/jobs' : `/console/jobs?${query}`;
    expect(await locationOf(text)).toBe(expected);
    expect((await operator.get(expected)).status).toBe(200);
  });

  it('shows what is asked for, and leaves each out by a link', async () => {
    const path = `/console/jobs?status=failed&metadata.owner=${encodeURIComponent(ann.email)}&after=2026-01-01`;
    const page = await (await operator.get(path)).text();
    expect(page).toContain(`/console/jobs/${ann.jobs.failed}"`);
    for (const id of [ann.jobs.completed, bob.jobs.failed]) expect(page).not.toContain(id);
    expect(page).toContain('href="/console/jobs?status=failed&amp;after=2026-01-01T00%3A00%3A00.000Z"');
    expect(page).toContain('href="/console/jobs?status=failed&amp;metadata.owner=ann%40a.example"');
  });

  it('keeps in the address what was filled in', async () => {
    const sent = '/console/jobs?status=&email=ann&metadata=owner%3Dann%40a.example&error=&after=';
    const { status, headers } = await operator.get(sent);
    expect([status, headers.get('location')]).toEqual([303, '/console/jobs?email=ann&metadata.owner=ann%40a.example']);
  });

  it.each(['status=lost', 'error=nothing', 'metadata=no', 'user=x', 'nonsense=1', 'after=soon'])(
    'says what is allowed: %s',
    async (query) => {
      const refused = await operator.get(`/console/jobs?${query}`);
      expect(refused.status).toBe(400);
      expect(await refused.text()).toContain('allowed: ');
    },
  );

  it("shows a user's jobs and nobody else's", async () => {
    const page = await (await operator.get(`/console/jobs?user=${ann.userId}`)).text();
    for (const id of Object.values(ann.jobs)) expect(page).toContain(`/console/jobs/${id}"`);
    for (const id of Object.values(bob.jobs)) expect(page).not.toContain(id);
  });
});

describe('the list of jobs', () => {
  const walk = async (filter: JobFilter) => {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const { jobs, next } = await searchJobs(base.adminDb, { filter, limit: 2, cursor });
      ids.push(...jobs.map(({ id }) => id));
      cursor = next ?? undefined;
    } while (cursor !== undefined);
    return ids;
  };
  const expected = async (status: string | undefined, userId: string | undefined) =>
    (
      await sql<{ id: string }[]>`
        select id from pdfprompt_job where (${status ?? null}::text is null or status = ${status ?? null})
          and (${userId ?? null}::uuid is null or user_id = ${userId ?? null})
        order by ${status === 'scheduled' && userId === undefined ? sql`run_at, id` : sql`id desc`}`
    ).map(({ id }) => id);

  it.each([undefined, ...JOB_STATUSES])(
    'has every job once, newest first, or what is scheduled next, page by page: %s',
    async (status) => {
      for (const userId of [undefined, ann.userId]) {
        const ids = await walk({ status, user: userId });
        expect(ids).toEqual(await expected(status, userId));
        expect(ids.length).toBeGreaterThan(0);
      }
    },
  );
});

describe('what comes from others', () => {
  const EVIL = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`;
  let id = '';

  beforeEach(async () => {
    id = ann.jobs.failed;
    await sql`
      update pdfprompt_job set filename = ${EVIL}, error_code = ${EVIL}, error_message = ${EVIL},
        metadata = ${sql.json({ [EVIL]: EVIL })}, tier = ${EVIL}, request_id = ${EVIL}, failed_resources = ${sql.json([{ url: EVIL, reason: EVIL }])},
        request = request || ${sql.json({ options: { headerTemplate: EVIL } })}
      where id = ${id}`;
    await sql`update pdfprompt_part set shown = ${`https://x.example/${EVIL}`} where job_id = ${id}`;
    await sql`update pdfprompt_job_attempt set reason = ${EVIL} where job_id = ${id}`;
    await sql`update pdfprompt_worker set host = ${EVIL}`;
  });

  it('is shown as text', async () => {
    await sleep(1_000); // for as long the overview may be shown as it was
    for (const path of [`/console/jobs/${id}`, '/console/jobs', '/console', '/console/fragments/overview']) {
      const page = await (await operator.get(path)).text();
      expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
      expect(page).not.toMatch(/<script>|<img/);
    }
    const searched = await (
      await operator.get(`/console/jobs?${new URLSearchParams({ filename: EVIL }).toString()}`)
    ).text();
    expect(searched).not.toMatch(/<script>|<img/);
    const back = await (await nobody.get(`/console/sign-in?${new URLSearchParams({ from: EVIL }).toString()}`)).text();
    expect(back).not.toContain('alert');
  });

  it('is not shown if it is a secret', async () => {
    await sql`update pdfprompt_job set request = request || ${sql.json({
      cookies: [{ name: 'session', value: 'kept-to-itself', domain: 'x.example' }],
      setExtraHTTPHeaders: { Authorization: 'kept-to-itself' },
    })} where id = ${id}`;
    expect(await (await operator.get(`/console/jobs/${id}`)).text()).not.toContain('kept-to-itself');
  });

  it('says which fonts a document did not get', async () => {
    await sql`update pdfprompt_job set missing_fonts = '["Brand <Sans>"]' where id = ${ann.jobs.completed}`;
    const page = await (await operator.get(`/console/jobs/${ann.jobs.completed}`)).text();
    expect(page).toContain('<h3>Fonts that are not here</h3>');
    expect(page).toContain('<li>Brand &lt;Sans&gt;</li>');
    expect(await (await operator.get(`/console/jobs/${ann.jobs.failed}`)).text()).not.toContain('not here');
  });
});

describe('the PDF', () => {
  it("is sent as its owner's API sends it, to be shown or kept", async () => {
    for (const disposition of ['inline', 'attachment']) {
      const response = await operator.get(`/console/jobs/${bob.jobs.completed}/pdf?disposition=${disposition}`);
      expect(response.headers.get('content-disposition')).toMatch(new RegExp(`^${disposition};`));
      expect(await response.text()).toBe(bob.pdf);
    }
    expect((await operator.get(`/console/jobs/${bob.jobs.failed}/pdf`)).status).toBe(409);
  });
});

describe('an operator', () => {
  it('cancels and retries on behalf of whoever owns the job, and the log knows who did', async () => {
    const id = bob.jobs.queued;
    const cancelled = await operator.post(`/console/jobs/${id}/cancel`);
    expect(cancelled.headers.get('location')).toBe(`/console/jobs/${id}?done=cancelled`);
    expect((await operator.post(`/console/jobs/${id}/cancel`)).status).toBe(303); // ended already: it stays as it is

    const form = { once: '01a20b1c-7e0d-4435-94b8-d6ab64f6fe25' };
    const retried = await operator.post(`/console/jobs/${id}/retry`, form);
    const again = await operator.post(`/console/jobs/${id}/retry`, form);
    const newId = /^\/console\/jobs\/([\w-]+)\?done=retried$/.exec(retried.headers.get('location') ?? '')?.[1] ?? '';
    expect(newId).not.toBe(id);
    expect(again.headers.get('location')).toBe(retried.headers.get('location'));
    const job = (await (await request(`/v1/jobs/${newId}`, { key: bob.key })).json()) as object;
    expect(job).toMatchObject({ status: 'queued', metadata: { owner: bob.email } });
    const acts = service.lines.filter((line) => line.includes('"operator acted"')).join('');
    expect(acts).toMatch(new RegExp(`"what":"cancelled a job"[^\n]*"keyId":"${admin.id}"[^\n]*"jobId":"${id}"`));
    expect(acts).toMatch(new RegExp(`"what":"retried a job"[^\n]*"jobId":"${newId}"`));
  });

  it('is told why something cannot be retried', async () => {
    const response = await operator.post(`/console/jobs/${ann.jobs.completed}/retry`);
    expect(response.status).toBe(409);
    expect(await response.text()).toContain('Not retried: the job is completed');
  });

  it("keeps to the limits of the owner's tier", async () => {
    const dan = await createKey(base.db, { email: 'dan@d.example', tier: 'starter' });
    const submit = async () =>
      (await (await request('/v1/jobs', { method: 'POST', body: '{"html":"x"}', key: dan.key })).json()) as {
        id: string;
      };
    const { id } = await submit();
    await submit();
    await operator.post(`/console/jobs/${id}/cancel`);
    const response = await operator.post(`/console/jobs/${id}/retry`);
    expect(response.status).toBe(429);
    expect(await response.text()).toContain('your limit is reached; allowed: 2 in any 60 seconds');
  });
});

describe('the queue', () => {
  it('is told by tier and priority, with the oldest', async () => {
    await sql`update pdfprompt_job set tier = 'unlimited' where tier <> 'starter'`;
    await sql`update pdfprompt_job set created_at = now() - interval '1 hour' where id = ${ann.jobs.queued}`;
    const expected = await sql<{ priority: number; tier: string; depth: number }[]>`
      select priority, tier, count(*)::integer as depth from pdfprompt_job where is_queued group by 1, 2 order by priority desc, tier`;
    const { groups } = await readQueueOverview(base.adminDb);
    expect(groups.map(({ tier, depth }) => ({ tier, depth }))).toEqual(
      expected.map(({ tier, depth }) => ({ tier, depth })),
    );
    expect(groups.length).toBeGreaterThan(1);
    expect(groups.find(({ tier }) => tier === 'unlimited')?.oldestSeconds).toBeGreaterThan(3_599);
  });
});

describe('the plots', () => {
  interface Sample {
    status: string;
    at: number;
    wait: number;
  }

  /** As Postgres defines percentile_cont. */
  function percentile(values: number[], part: number): number {
    const sorted = values.toSorted((a, b) => a - b);
    const place = part * (sorted.length - 1);
    const [low, high] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0];
    return low + (high - low) * (place - Math.floor(place));
  }

  it("have what a day's jobs were, to the job", async () => {
    await sql`delete from pdfprompt_job where completed_at is not null`;
    const now = Date.now();
    let seed = 42;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const samples = Array.from({ length: 6_000 }, (_, index): Sample => ({
      status: index % 17 === 0 ? 'failed' : index % 41 === 0 ? 'cancelled' : 'completed',
      // milliseconds, and none in the next seconds: the newest bucket may change between two looks
      at: Math.floor(now - 30_000 - random() ** 2 * 23 * 3_600_000),
      wait: Math.floor(random() ** 3 * 90_000),
    }));
    await sql`
      insert into pdfprompt_job (id, user_id, status, priority, attempts, runs, request, error_code, created_at, started_at, completed_at)
      select uuidv7(), ${ann.userId}, s.status, 1, 1, 1, '{}', case s.status when 'failed' then 'print_failed' end,
        to_timestamp((s.at - 500 - s.wait) / 1000.0), to_timestamp((s.at - 500) / 1000.0), to_timestamp(s.at / 1000.0)
      from json_to_recordset(${JSON.stringify(samples)}::text::json) as s (status text, at bigint, wait bigint)`;

    const other = await startService({ database: service }); // which remembers nothing yet
    const { get } = visitor(other.address, operator.cookie);
    for (const range of ['1h', '6h', '24h']) {
      const page = await (await get(`/console?range=${range}`)).text();
      const rows = [
        ...page.matchAll(
          /<tr>\s*<th scope="row">\s*<time datetime="([^"]+)"[^>]*>[^<]*<\/time\s*>\s*<\/th>((?:\s*<td>(?:<data value="[^"]*">[^<]*<\/data>|–)<\/td>)+)\s*<\/tr>/g,
        ),
      ].map(([, at = '', cells = '']) => ({
        at: Date.parse(at),
        values: [...cells.matchAll(/<td>(?:<data value="([^"]*)">|–)/g)].map(([, value]) =>
          value === undefined ? null : Number(value),
        ),
      }));
      const width = { '1h': 60_000, '6h': 300_000, '24h': 900_000 }[range] ?? 0;
      expect(rows.length * width).toBe({ '1h': 1, '6h': 6, '24h': 24 }[range]! * 3_600_000);
      let counted = 0;
      for (const [index, { at, values }] of rows.entries()) {
        expect(at % width).toBe(0);
        if (index > 0) expect(at - (rows[index - 1]?.at ?? 0)).toBe(width);
        const inside = samples.filter((each) => each.at >= at && each.at < at + width);
        const waits = inside.filter(({ status }) => status !== 'cancelled').map(({ wait }) => wait / 1_000);
        const expected = [
          inside.filter(({ status }) => status === 'completed').length,
          inside.filter(({ status }) => status === 'failed').length,
          waits.length === 0 ? null : expect.closeTo(percentile(waits, 0.5), 5),
          waits.length === 0 ? null : expect.closeTo(percentile(waits, 0.95), 5),
        ];
        expect(values).toEqual(expected);
        counted += waits.length;
      }
      expect(counted).toBeGreaterThan(500);
      expect(page).toMatch(/<title id="throughput-title">\s*Throughput of the last/);
    }
  });

  it('say so if there were more jobs than they look at', async () => {
    const all = await readThroughputHistory(base.adminDb, '24h');
    expect(all.incompleteBefore).toBeNull();
    const some = await readThroughputHistory(base.adminDb, '24h', 1_000);
    expect(some.buckets.reduce((sum, { completed, failed }) => sum + completed + failed, 0)).toBeLessThanOrEqual(1_000);
    expect(some.incompleteBefore?.getTime()).toBeGreaterThan(Date.now() - 24 * 3_600_000);
  });
});

describe('keys that are guessed', () => {
  it('count against the same limit as those of the API, and the other way round', async () => {
    for (let tries = 0; tries < 60; tries++) {
      if (tries % 2) await nobody.post('/console/sign-in', { key: generateKey() });
      else await request('/v1/jobs', { key: generateKey() });
    }
    const refused = await nobody.post('/console/sign-in', { key: generateKey() });
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await request('/v1/jobs', { key: generateKey() })).status).toBe(429);
    expect((await nobody.post('/console/sign-in', { key: admin.key })).status).toBe(303); // known here lately
  });
});

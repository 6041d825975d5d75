import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { startService } from '../support/service.ts';

const { base, request, sql } = await startService({ env: { HTTP_MAX_CONNECTIONS: '1000' } });
let count = 0;
const tenant = async (tier: string) => (await createKey(base.db, { email: `tenant${count++}@example.com`, tier })).key;
const submit = (key: string, headers: Record<string, string> = {}, html = 'x') =>
  request('/v1/jobs', { method: 'POST', key, headers, body: JSON.stringify({ html }) });
interface Usage {
  limits: object[];
  today: object;
  history: { completed: number }[];
}
const usage = async (key: string, query = '') => (await (await request(`/v1/usage${query}`, { key })).json()) as Usage;
const secondsToMidnight = () => 86_400 - ((Date.now() / 1000) % 86_400);

await sql`insert into pdfprompt_tier values ('by-day', null, 3, 1)`;

describe('a tier with limits', () => {
  it('says what is left of both, and refuses what is over, with the time at which it opens again', async () => {
    const key = await tenant('starter');
    const first = await submit(key);
    expect(first.status).toBe(202);
    expect(first.headers.get('ratelimit-policy')).toBe('"minute";q=2;w=60, "day";q=100;w=86400');
    expect(first.headers.get('ratelimit')).toMatch(/^"minute";r=1;t=60, "day";r=99;t=\d+$/);
    expect((await submit(key)).headers.get('ratelimit')).toMatch(/^"minute";r=0;t=(59|60), "day";r=98;t=\d+$/);

    const refused = await submit(key);
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({
      code: 'rate_limited',
      detail: expect.stringMatching(/^your limit is reached; allowed: 2 in any 60 seconds; again in (59|60) s$/),
    });
    expect(refused.headers.get('retry-after')).toMatch(/^(59|60)$/);
    expect(refused.headers.get('ratelimit')).toMatch(/^"minute";r=0;t=(59|60), "day";r=98;t=\d+$/);
  });

  it('by the day has the seconds until the next one in UTC begins', async () => {
    const key = await tenant('by-day');
    const answers = await Promise.all(Array.from({ length: 10 }, () => submit(key)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(3);
    const refused = answers.find(({ status }) => status === 429);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(secondsToMidnight() - 2);
    expect(Number(refused?.headers.get('retry-after'))).toBeLessThan(secondsToMidnight() + 5);
    expect(refused?.headers.get('ratelimit-policy')).toBe('"day";q=3;w=86400');
  });

  it('counts what it accepted by created_at too', async () => {
    const [row] = await sql`
      select bool_and(l.recent[cardinality(l.recent)] = j.last) as is_exact from pdfprompt_lane l
      join (select user_id, max(created_at) as last from pdfprompt_job group by 1) j on j.user_id = l.user_id`;
    expect(row?.is_exact).toBe(true);
  });

  it('opens when the oldest of the minute is 60 seconds old, and a new day begins at nought', async () => {
    const key = await tenant('starter');
    await submit(key);
    await submit(key);
    await sql`update pdfprompt_lane set recent = array(select t - interval '60 seconds' from unnest(recent) t)`;
    expect((await submit(key)).status).toBe(202);

    const daily = await tenant('by-day');
    await sql`update pdfprompt_lane set day_count = 3`;
    for (let time = 0; time < 3; time++) expect((await submit(daily)).status).toBe(202);
    await sql`update pdfprompt_lane set day = day - 1`;
    expect((await submit(daily)).headers.get('ratelimit')).toMatch(/^"day";r=2;/);
  });

  it('gives a repeated request its job, whatever the limit says, and counts it once', async () => {
    const key = await tenant('starter');
    const same = { 'idempotency-key': 'the-same' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => submit(key, same)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    expect((await usage(key)).limits[0]).toMatchObject({ used: 1 });
    expect((await submit(key)).status).toBe(202);
    expect((await submit(key)).status).toBe(429);
    expect((await submit(key, same)).status).toBe(200);
    expect((await submit(key, same, 'other')).status).toBe(422);
    expect((await submit(key, { 'idempotency-key': 'another' })).status).toBe(429);
  });

  it('is answered from memory while it is reached: even a locked table keeps nobody waiting', async () => {
    const key = await tenant('starter');
    while ((await submit(key)).status === 202);
    await sql.begin(async (tx) => {
      await tx`lock table pdfprompt_lane, pdfprompt_job, pdfprompt_api_key in access exclusive mode`;
      const startedAt = performance.now();
      const answers = await Promise.all(Array.from({ length: 200 }, () => submit(key)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([429]));
      expect(performance.now() - startedAt).toBeLessThan(30_000);
    });
    const { body } = await base.events.metrics.text();
    expect(body).toMatch(/pdfprompt_rate_limited_total\{tier="starter",limit="minute"\} 2\d\d/);
    expect(body).toMatch(/pdfprompt_cache_requests_total\{cache="limits",result="hit"\} 2\d\d/);
  });

  it('refuses POST /v1/pdf too', async () => {
    const key = await tenant('starter');
    const headers = { prefer: 'wait=0' };
    const render = () => request('/v1/pdf', { method: 'POST', key, headers, body: '{"html":"x"}' });
    expect((await render()).headers.get('ratelimit')).toMatch(/^"minute";r=1;/);
    expect((await render()).status).toBe(202);
    expect((await render()).status).toBe(429);
  });
});

describe('GET /v1/usage', () => {
  it('says what was used of the limits, and what was charged by day', async () => {
    const key = await tenant('professional');
    expect(await usage(key)).toMatchObject({
      tier: 'professional',
      limits: [
        { name: 'minute', limit: 10, used: 0, remaining: 10, resetSeconds: 0 },
        { name: 'day', limit: 1000, used: 0, remaining: 1000 },
      ],
      today: { completed: 0, pages: 0, bytes: 0 },
      history: [],
    });
    await submit(key);
    await sql`
      insert into pdfprompt_usage_history (user_id, day, completed, pages, bytes)
      select u.id, (now() at time zone 'utc')::date - n, n + 1, 2, 3 from pdfprompt_user u, generate_series(0, 9) n
      where u.email = ${`tenant${count - 1}@example.com`}`;
    const answer = await usage(key, '?days=3');
    expect(answer.limits[0]).toMatchObject({ used: 1, remaining: 9, resetSeconds: expect.closeTo(60, -1) });
    expect(answer.today).toMatchObject({ completed: 1, pages: 2, bytes: 3 });
    expect(answer.history.map((day) => day.completed)).toEqual([1, 2, 3]);
  });

  it('has no limits to tell of where there are none', async () => {
    expect(await usage(await tenant('system'))).toMatchObject({ tier: 'system', limits: [] });
    const answer = await request('/v1/usage?days=400');
    expect(await answer.json()).toMatchObject({ errors: [{ field: 'days', message: 'allowed: 1 to 366' }] });
  });
});

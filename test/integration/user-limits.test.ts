import { afterAll, describe, expect, it } from 'vitest';
import { readLimitsInForce, setLimits } from '../../src/accounts/user-limits.ts';
import { createKey } from '../../src/accounts/keys.ts';
import { eraseUser } from '../../src/jobs/erase-user.ts';
import { connect } from '../../src/db/driver.ts';
import { type LimitOverrides } from '../../src/domain/limit-overrides.ts';
import { createAdminKey } from '../support/console.ts';
import { pdfprompt } from '../support/cli.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const service = await startService({ env: { DATABASE_MAX_CONNECTIONS: '12' } });
const { base, sql, url, request } = service;
const other = await startService({ database: service });
const admin = await createAdminKey(service);
const WAITING = 50;
const many = connect(url, { max: WAITING });
afterAll(() => many.end());

let count = 0;
async function newUser(tier = 'system') {
  const email = `user${count++}@example.com`;
  const { key, userId } = await createKey(base.db, { email, tier });
  return { email, key, id: userId };
}
type User = Awaited<ReturnType<typeof newUser>>;
const put = ({ id }: Pick<User, 'id'>, limits: object) =>
  request(`/v1/admin/users/${id}/limits`, { method: 'PUT', key: admin.key, body: JSON.stringify(limits) });
const submit = ({ key }: User, at = service) => at.request('/v1/jobs', { method: 'POST', key, body: '{"html":"x"}' });
const inSql = async ({ email }: User) =>
  many`select pdfprompt.submit(${email}, '{"html":"x"}')`.then(
    () => true,
    (error: unknown) => {
      expect((error as { code: string }).code).toBe('PDF01');
      return false;
    },
  );
const jobsOf = async ({ id }: User) => (await sql`select 1 from pdfprompt_job where user_id = ${id}`).length;

/** Holds the turn of the user while many wait for it, changes the limits, and lets them go. */
async function whileTheyWait<T>(user: User, start: () => Promise<T>[], change: () => Promise<unknown>): Promise<T[]> {
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await sql`insert into pdfprompt_lane (user_id, virtual_finish) values (${user.id}, 0) on conflict do nothing`;
  const holding = sql.begin(async (tx) => {
    await tx`select from pdfprompt_lane where user_id = ${user.id} for update`;
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const started = start();
  const waiting = async () => {
    const rows = await sql`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return rows.length >= Math.min(started.length, 10);
  };
  try {
    await eventually(waiting, 20_000, 'they wait for their turn');
    await change();
  } finally {
    release.resolve();
    await holding;
  }
  return Promise.all(started);
}

describe('limits that change while fifty submit at once', () => {
  const fifty = (user: User) => Array.from({ length: WAITING }, (_, index) => (index % 2 ? inSql(user) : submit(user).then(({ status }) => status === 202))); // prettier-ignore

  it.each([
    ['a limit a day where there was none', {}, { requestsPerDay: 7 }, 7],
    ['a lower one a minute', { requestsPerMinute: 40 }, { requestsPerMinute: 3 }, 3],
    [
      'a higher one a day',
      { requestsPerDay: 1, requestsPerMinute: 1 },
      { requestsPerDay: 30, requestsPerMinute: null },
      30,
    ],
    ['none', { requestsPerDay: 1 }, { requestsPerDay: null }, WAITING],
  ] as [string, LimitOverrides, LimitOverrides, number][])(
    '%s: exactly so many are accepted',
    async (_, before, after, accepted) => {
      const user = await newUser();
      await put(user, before);
      const answers = await whileTheyWait(user, () => fifty(user), () => put(user, after)); // prettier-ignore
      // What had been refused before the change is refused.
      expect(answers.filter(Boolean).length).toBe(accepted);
      expect(await jobsOf(user)).toBe(accepted);
    },
  );

  it('and of a tier', async () => {
    await sql`insert into pdfprompt_tier (name, requests_per_day, priority) values ('changing', 100, 0)`;
    const user = await newUser('changing');
    const change = () => sql`update pdfprompt_tier set requests_per_day = 5 where name = 'changing'`;
    const answers = await whileTheyWait(user, () => fifty(user), change);
    expect([answers.filter(Boolean).length, await jobsOf(user)]).toEqual([5, 5]);
  });

  it('and of a batch', async () => {
    const user = await newUser();
    const body = JSON.stringify({ request: {}, items: Array.from({ length: 30 }, () => ({ html: 'x' })) });
    const send = async () =>
      (await (await request('/v1/batches', { method: 'POST', key: user.key, body })).json()) as { detail?: string };
    expect(await whileTheyWait(user, () => [send()], () => put(user, { requestsPerDay: 29 }))).toMatchObject([
      { detail: expect.stringContaining('the batch has 30 items; allowed today: 29 more') },
    ]); // prettier-ignore
    expect(await jobsOf(user)).toBe(0);
  });
});

describe('limits of a user', () => {
  it('are seen at once by every process, also by one that has refused the user', async () => {
    const user = await newUser('starter');
    for (let time = 0; time < 2; time++) expect((await submit(user)).status).toBe(202);
    for (const at of [service, other, service, other]) expect((await submit(user, at)).status).toBe(429);
    const answer = await put(user, { requestsPerMinute: 100 });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ id: user.id, tier: 'starter', limits: { requestsPerMinute: 100 } });
    for (const at of [service, other]) await expect.poll(async () => (await submit(user, at)).status).toBe(202);
    const usage = async () => (await (await other.request('/v1/usage', { key: user.key })).json()) as object;
    expect(await usage()).toMatchObject({
      tier: 'starter',
      limits: [
        { name: 'minute', limit: 100 },
        { name: 'day', limit: 100 },
      ],
    });

    const reset = await request(`/v1/admin/users/${user.id}/limits`, { method: 'DELETE', key: admin.key });
    expect(reset.status).toBe(204);
    for (const at of [service, other]) expect((await submit(user, at)).status).toBe(429);
    await expect.poll(usage).toMatchObject({
      limits: [
        { name: 'minute', limit: 2 },
        { name: 'day', limit: 100 },
      ],
    });
  });

  it('are the same in the database and in the program, whatever is set', async () => {
    const user = await newUser('professional');
    await sql`update pdfprompt_tier set retention_seconds = 100 where name = 'professional'`;
    const VALUES = { requestsPerMinute: [undefined, null, 5], requestsPerDay: [undefined, null, 6], priority: [undefined, 0, 3], retention: [undefined, null, 60] }; // prettier-ignore
    let cases: LimitOverrides[] = [{}];
    for (const [name, values] of Object.entries(VALUES))
      cases = cases.flatMap((each) => values.map((value) => (value === undefined ? each : { ...each, [name]: value })));
    expect(cases).toHaveLength(81);
    for (const limits of cases) {
      expect((await setLimits(base.db, { userId: user.id, limits })).limits).toEqual(limits);
      const [row] = await sql`
        select name, requests_per_minute as "requestsPerMinute", requests_per_day as "requestsPerDay", priority,
          retention_seconds as retention from pdfprompt_limits(${user.id})`;
      expect(await readLimitsInForce(base.db, { id: user.id })).toEqual({ ...row });
      expect(row).toMatchObject(limits);
    }
    await sql`update pdfprompt_tier set retention_seconds = null where name = 'professional'`;
  });

  it('have a priority, which is the highest of a request', async () => {
    const user = await newUser('starter');
    await put(user, { priority: 2 });
    await expect
      .poll(async () => ((await (await submit(user)).json()) as { priority?: string }).priority ?? 'refused')
      .toBe('high');
  });

  it.each([
    ...['requestsPerMinute', 'requestsPerDay'].flatMap((name) =>
      [0, -1, 1.5, 1e10, '5', true, [], {}].map((value) => [name, value]),
    ),
    ...[-1, 4, 1.5, '1', []].map((value) => ['priority', value]),
    ...[0, 59, 315_360_001, 60.5, '60', '7d', {}].map((value) => ['retention', value]),
    ['requestPerDay', 5],
    ['name', 'gold'],
  ] as [string, unknown][])('refuse %s: %j by name, and so does the table', async (name, value) => {
    const user = { id: (await sql<{ id: string }[]>`select id from pdfprompt_user limit 1`)[0]?.id ?? '' };
    const answer = await put(user, { [name]: value });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'invalid_request', detail: expect.stringContaining(name) });
    if (Array.isArray(value)) return; // the table looks at what is in it
    const byHand = sql`update pdfprompt_user set limits = ${JSON.stringify({ [name]: value })}::text::jsonb where id = ${user.id}`;
    await expect(byHand).rejects.toMatchObject({ code: '23514', constraint_name: 'pdfprompt_user_limits' });
  });

  it('are not there for a user who is not, or is being erased', async () => {
    const user = await newUser();
    await eraseUser(base, { id: user.id });
    for (const id of [user.id, 'nobody', '01a20b1c-7e0d-7435-94b8-000000000001']) {
      expect((await put({ id }, {})).status).toBe(404);
      expect((await request(`/v1/admin/users/${id}/limits`, { method: 'DELETE', key: admin.key })).status).toBe(404);
    }
  });

  it('are a command', async () => {
    const user = await newUser('starter');
    const run = async (...flags: string[]) => {
      const { code, stdout, stderr } = await pdfprompt(['users', 'limits', user.email, ...flags], { env: { DATABASE_URL: url } }).exited; // prettier-ignore
      return { code, stdout, stderr };
    };
    expect(await run('--minute', '20', '--retention', '86400')).toMatchObject({ code: 0 });
    const shown = await run('--day', 'none', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      email: user.email,
      limits: { requestsPerMinute: 20, requestsPerDay: null, retention: 86_400 },
      inForce: { name: 'starter', priority: 0 },
    });
    const wrong = await run('--minute', 'x');
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--minute: allowed: a whole number from 1 to'),
    });
    expect((await run('--reset')).stdout).toContain('minute\t2\tas on starter\n');
  });
});

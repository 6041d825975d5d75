import { afterAll, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { connect } from '../../src/db/driver.ts';
import { startService } from '../support/service.ts';

const { sql, url, request, base } = await startService({ env: { DATABASE_MAX_CONNECTIONS: '12' } });
const CONNECTIONS = 20;
const many = connect(url, { max: CONNECTIONS });
afterAll(() => many.end());

const userOn = async (tier: string) => ({
  email: `${tier}@example.com`,
  key: (await createKey(base.db, { email: `${tier}@example.com`, tier })).key,
});
type User = Awaited<ReturnType<typeof userOn>>;

const REQUEST = '{"html": "x"}';
/** @returns whether it is accepted; every fourth transaction is rolled back, and counts for nothing */
async function inSql({ email }: User, isCommitted: boolean): Promise<boolean> {
  const submit = many.begin(async (transaction) => {
    await transaction`select pdfprompt.submit(${email}, ${REQUEST}::text::jsonb)`;
    if (!isCommitted) throw new Error('rolled back');
  });
  return submit.then(
    () => true,
    (error: unknown) => {
      const { code, message } = error as { code?: string; message: string };
      expect(code === 'PDF01' || message === 'rolled back').toBe(true);
      return false;
    },
  );
}
async function inHttp({ key }: User): Promise<boolean> {
  const { status } = await request('/v1/jobs', { method: 'POST', body: REQUEST, key });
  expect([202, 429]).toContain(status);
  return status === 202;
}
/** So many of each at once. @returns how many were accepted */
async function burst(user: User, count: number): Promise<number> {
  const tries = Array.from({ length: count }, (_, index) => [inSql(user, index % 4 > 0), inHttp(user)]).flat();
  return (await Promise.all(tries)).filter(Boolean).length;
}
/** As if everything had been asked for a minute earlier. */
const age = () => sql`update pdfprompt_lane set recent = array(select t - interval '61 seconds' from unnest(recent) t)`;
const jobsOf = async ({ email }: User) =>
  (await sql`select 1 from pdfprompt_job j join pdfprompt_user u on u.id = j.user_id where u.email = ${email}`).length;

it.each([
  ['starter', 2],
  ['professional', 10],
  ['enterprise', 50],
])('a user on the tier %s is accepted exactly %i times in a minute, by HTTP and SQL together', async (tier, limit) => {
  const user = await userOn(tier);
  const accepted = await burst(user, 100);
  expect([accepted, await jobsOf(user)]).toEqual([limit, limit]);
  expect(await burst(user, 5)).toBe(0);
});

it('and exactly a hundred times in a day', async () => {
  await age();
  const user = {
    email: 'starter@example.com',
    key: (await createKey(base.db, { email: 'starter@example.com', tier: 'starter' })).key,
  };
  await sql`update pdfprompt_lane set day_count = 97 where user_id = (select id from pdfprompt_user where email = ${user.email})`;
  const before = await jobsOf(user);
  for (let minute = 0; minute < 6; minute++) {
    await burst(user, 4);
    await age();
  }
  for (let minute = 0; minute < 3; minute++) {
    await inSql(user, true);
    await age();
  }
  expect((await jobsOf(user)) - before).toBe(3);
  expect(await inSql(user, true)).toBe(false);
});

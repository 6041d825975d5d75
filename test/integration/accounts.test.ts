import { afterAll, describe, expect, it } from 'vitest';
import { createUser } from '../../src/accounts/create-user.ts';
import { createKey, listKeys, revokeKey } from '../../src/accounts/keys.ts';
import { rotateKey } from '../../src/accounts/rotate-key.ts';
import { setTier } from '../../src/accounts/subscriptions.ts';
import { defineTier, deleteTier } from '../../src/accounts/tiers.ts';
import { OWN_SCOPES } from '../../src/domain/scope.ts';
import { principalOf } from '../support/accounts.ts';
import { createDatabase, openTestPool } from '../support/database.ts';

const { url, sql } = await createDatabase();
const pool = openTestPool(url, 10);
const { db } = pool;
afterAll(() => pool.close());

const HOUR_MS = 3_600_000;
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString();
const email = 'ann@example.com';
const works = (key: string) =>
  principalOf(db, key).then(
    () => true,
    () => false,
  );

describe('createKey', () => {
  it('gives what is asked for, each scope once, and everything but admin otherwise', async () => {
    expect((await createKey(db, { email })).scopes).toEqual(OWN_SCOPES);
    const { key, scopes } = await createKey(db, { email, scopes: ['admin', 'jobs:read', 'admin'] });
    expect(scopes).toEqual(['jobs:read', 'admin']);
    expect((await principalOf(db, key)).scopes).toEqual(scopes);
  });

  it.each([
    [{ email: 'ann' }, 'email', /"ann" is not allowed; allowed: an email address/],
    [{ email: 'a\u001b[31m@example.com' }, 'email', /allowed: an email address/],
    [
      { email, scopes: [] },
      'scopes',
      /allowed: one or more of jobs:write, jobs:read, usage:read, console:read, console:documents, operator, admin/,
    ],
    [{ email, scopes: ['jobs:read', 'root'] }, 'scopes[1]', /"root" is not allowed; allowed: jobs:write, jobs:read/],
    [{ email, expiresAt: '2099-01-01T00:00:00' }, 'expiresAt', /with its zone/],
    [{ email, expiresAt: inHours(-1) }, 'expiresAt', /allowed: a time in the future/],
    [{ email, tier: 'gold' }, 'tier', /there is no tier "gold"; allowed: starter, professional, enterprise, system/],
  ])('refuses %o and leaves nothing behind', async (input, field, message) => {
    const count = async () =>
      (await sql`select 1 from pdfprompt_api_key union all select 1 from pdfprompt_user`).length;
    const before = await count();
    await expect(createKey(db, input)).rejects.toMatchObject({
      code: 'invalid_request',
      fields: [{ field, message: expect.stringMatching(message) }],
    });
    expect(await count()).toBe(before);
  });

  it('makes one user and one subscription of twenty at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        createKey(db, { email: 'Race@example.com', tier: index % 2 ? 'starter' : 'enterprise' }),
      ),
    );
    expect(new Set(made.map(({ userId }) => userId)).size).toBe(1);
    const rows =
      await sql`select 1 from pdfprompt_user_subscription where user_id = ${made[0]?.userId ?? ''} and ended_at is null`;
    expect(rows).toHaveLength(1);
  });
});

describe('a key that has expired', () => {
  it('is refused with the same words as one that nobody has', async () => {
    const { id, key } = await createKey(db, { email, expiresAt: inHours(1) });
    expect(await works(key)).toBe(true);
    await sql`update pdfprompt_api_key set expires_at = now() - interval '1 second' where id = ${id}`;
    const refusal = (bearer: string) => principalOf(db, bearer).catch((error: unknown) => error);
    expect(await refusal(key)).toEqual(await refusal('pdf_nobody'));
    expect((await refusal(key)) as Error).toMatchObject({ code: 'unauthenticated' });
  });
});

describe('rotateKey', () => {
  it('gives a second key that does the same; both are valid for the grace', async () => {
    const old = await createKey(db, { email, scopes: ['usage:read'] });
    const next = await rotateKey(db, { id: old.id, graceSeconds: 3600 });
    expect(next).toMatchObject({
      user: email,
      userId: old.userId,
      scopes: ['usage:read'],
      expiresAt: null,
      replaces: old.id,
    });
    expect(Math.abs(Date.parse(next.replacedExpiresAt) - Date.now() - HOUR_MS)).toBeLessThan(10_000);
    expect([await works(old.key), await works(next.key)]).toEqual([true, true]);
    await sql`update pdfprompt_api_key set expires_at = now() where id = ${old.id}`;
    expect([await works(old.key), await works(next.key)]).toEqual([false, true]);
  });

  it('gives the old one 24 hours if nothing is said, and with 0 ends it at once', async () => {
    const first = await createKey(db, { email });
    const second = await rotateKey(db, { id: first.id });
    expect(Math.abs(Date.parse(second.replacedExpiresAt) - Date.now() - 24 * HOUR_MS)).toBeLessThan(10_000);
    const other = await createKey(db, { email });
    const next = await rotateKey(db, { id: other.id, graceSeconds: 0 });
    expect([await works(other.key), await works(next.key)]).toEqual([false, true]);
  });

  it('never makes a key live longer, and gives the next one the same length of life', async () => {
    const old = await createKey(db, { email, expiresAt: inHours(10) });
    await sql`update pdfprompt_api_key set created_at = created_at - interval '9 hours 30 minutes', expires_at = expires_at - interval '9 hours 30 minutes' where id = ${old.id}`;
    const next = await rotateKey(db, { id: old.id, graceSeconds: 3600 });
    expect(Math.abs(Date.parse(next.replacedExpiresAt) - Date.now() - 0.5 * HOUR_MS)).toBeLessThan(10_000);
    expect(Math.abs(Date.parse(next.expiresAt ?? '') - Date.now() - 10 * HOUR_MS)).toBeLessThan(10_000);
  });

  it('leaves no more than two of a chain valid', async () => {
    const first = await createKey(db, { email });
    const second = await rotateKey(db, { id: first.id });
    const refused = (id: string, why: RegExp) =>
      expect(rotateKey(db, { id })).rejects.toMatchObject({
        code: 'key_not_rotatable',
        message: expect.stringMatching(why),
      });
    await refused(first.id, new RegExp(`^the key ${first.id} was already rotated, to ${second.id}`));
    await refused(second.id, new RegExp(`^the key ${first.id}, which ${second.id} replaces, is still valid`));
    await revokeKey(db, first.id);
    const third = await rotateKey(db, { id: second.id, graceSeconds: 0 });
    await refused(second.id, /was already rotated/);
    await revokeKey(db, third.id);
    await refused(third.id, /is revoked; allowed: a key that is valid/);
    const expired = await createKey(db, { email });
    await sql`update pdfprompt_api_key set expires_at = now() where id = ${expired.id}`;
    await refused(expired.id, /has expired; allowed/);
  });

  it('makes one key of ten rotations at once', async () => {
    const { id } = await createKey(db, { email });
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => rotateKey(db, { id })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'key_not_rotatable' });
  });
});

describe('deleteTier', () => {
  const gold = { name: 'gold', requestsPerMinute: 1, requestsPerDay: null, priority: 1 };

  it('is refused while somebody is on the tier, and then leaves who was on it in the history', async () => {
    await defineTier(db, gold);
    const { id } = await createUser(db, { email: 'gil@example.com', tier: 'gold' });
    await expect(deleteTier(db, 'gold')).rejects.toMatchObject({
      code: 'tier_in_use',
      message: '1 user is on the tier gold; allowed: a tier that nobody is on',
    });
    expect((await setTier(db, { userId: id, tier: 'starter' })).tier).toBe('starter');
    await deleteTier(db, 'gold');
    expect(
      (await sql`select tier from pdfprompt_user_subscription where user_id = ${id} order by started_at`).map(
        ({ tier }) => tier,
      ),
    ).toEqual(['gold', 'starter']);
    await expect(deleteTier(db, 'gold')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('and a subscription to it at the same moment: one of them is refused', async () => {
    const { id } = await createUser(db, { email: 'gus@example.com' });
    for (let round = 0; round < 10; round++) {
      await defineTier(db, gold);
      const [subscribed, deleted] = await Promise.allSettled([
        setTier(db, { userId: id, tier: 'gold' }),
        deleteTier(db, 'gold'),
      ]);
      const refused = [subscribed, deleted].filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
      expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual([
        expect.stringMatching(/^(invalid_request|tier_in_use)$/),
      ]);
      await setTier(db, { userId: id, tier: 'starter' });
    }
  });
});

describe('listKeys', () => {
  it('goes by pages, oldest first, of one user or all', async () => {
    const made = [];
    for (let count = 0; count < 5; count++) made.push((await createKey(db, { email: 'pages@example.com' })).id);
    const ids: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await listKeys(db, { email: 'pages@example.com', limit: 2, cursor });
      ids.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(ids).toEqual(made);
    expect((await listKeys(db)).data.length).toBeGreaterThan(5);
    expect((await listKeys(db)).nextCursor).toBeNull();
    await expect(listKeys(db, { email: 'ghost@example.com' })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('shows keys of a user without a subscription too', async () => {
    const { id, userId } = await createKey(db, { email: 'nothing@example.com' });
    await sql`delete from pdfprompt_user_subscription where user_id = ${userId}`;
    expect((await listKeys(db, { email: 'nothing@example.com' })).data).toMatchObject([{ id, tier: null }]);
  });
});

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKey, revokeKey } from '../../src/accounts/keys.ts';
import { rotateKey } from '../../src/accounts/rotate-key.ts';
import { setTier } from '../../src/accounts/subscriptions.ts';
import { defineTier } from '../../src/accounts/tiers.ts';
import { connect } from '../../src/db/driver.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { eventually } from '../support/processes.ts';

const { url, sql } = await createDatabase();
const pool = openTestPool(url, 2);
const { db } = pool;
const listener = connect(url, { max: 1 });
const END = 'that was all';

let heard: string[] = [];
let userId = '';
let keyId = '';

beforeAll(async () => {
  for (const channel of ['pdfprompt_accounts', 'pdfprompt_tiers', 'test_end'])
    await listener.listen(channel, (payload) => void heard.push(payload === END ? END : `${channel} ${payload}`));
  return async () => {
    await listener.end();
    await pool.close();
  };
});

beforeEach(async () => {
  const created = await createKey(db, { email: 'ann@example.com', tier: 'starter' });
  ({ userId, id: keyId } = created);
  await notifications(async () => undefined);
});

/** The notifications sent by the end of the work. Postgres delivers in the order of commits, so the one that marks the end comes last. */
async function notifications(work: () => Promise<unknown>): Promise<string[]> {
  heard = [];
  await work();
  await sql`select pg_notify('test_end', ${END})`;
  await eventually(() => heard.at(-1) === END, 30_000, 'the notification');
  return heard.slice(0, -1);
}

const account = () => [`pdfprompt_accounts ${userId}`];
const tiers = ['pdfprompt_tiers '];

describe('the notifier for accounts', () => {
  it('announces what a verb changes, once', async () => {
    const more = { email: 'ann@example.com' };
    expect(await notifications(() => createKey(db, more))).toEqual(account());
    expect(await notifications(() => createKey(db, { ...more, tier: 'enterprise' }))).toEqual(account());
    expect(await notifications(() => setTier(db, { userId, tier: 'professional' }))).toEqual(account());
    expect(await notifications(() => rotateKey(db, { id: keyId }))).toEqual(account());
    expect(await notifications(() => revokeKey(db, keyId))).toEqual(account());
  });

  it.each([
    ['a revocation', () => sql`update pdfprompt_api_key set revoked_at = now() where id = ${keyId}`],
    ['an expiry', () => sql`update pdfprompt_api_key set expires_at = now() where id = ${keyId}`],
    ['other scopes', () => sql`update pdfprompt_api_key set scopes = '{admin}' where id = ${keyId}`],
    [
      'a new key',
      () =>
        sql`insert into pdfprompt_api_key (id, user_id, prefix, hash) values (gen_random_uuid(), ${userId}, 'pdf_', sha256('new'))`,
    ],
    ['a deleted key', () => sql`delete from pdfprompt_api_key where id = ${keyId}`],
    [
      'a changed subscription',
      () => sql`update pdfprompt_user_subscription set tier = 'system' where ended_at is null`,
    ],
    [
      'an ended subscription',
      () => sql`update pdfprompt_user_subscription set ended_at = now() where ended_at is null`,
    ],
    [
      'a new subscription',
      () =>
        sql`insert into pdfprompt_user_subscription (id, user_id, tier, ended_at) values (gen_random_uuid(), ${userId}, 'starter', now())`,
    ],
    ['a deleted subscription', () => sql`delete from pdfprompt_user_subscription where user_id = ${userId}`],
    ['limits of the user', () => sql`update pdfprompt_user set limits = '{"requestsPerDay": 5}' where id = ${userId}`],
    ['a deleted user', () => sql`delete from pdfprompt_user where id = ${userId}`],
  ])('announces %s, by hand', async (_, change) => {
    expect(await notifications(change)).toEqual(account());
  });

  it('announces a deleted user without keys and subscription', async () => {
    const [row] = await sql<
      { id: string }[]
    >`insert into pdfprompt_user (id, email) values (gen_random_uuid(), 'bob@example.com') returning id`;
    expect(await notifications(() => sql`delete from pdfprompt_user where id = ${row?.id ?? ''}`)).toEqual([
      `pdfprompt_accounts ${row?.id}`,
    ]);
  });

  it('announces both users when a key changes hands', async () => {
    const bob = await createKey(db, { email: 'bob@example.com' });
    await notifications(async () => undefined);
    expect(
      (
        await notifications(() => sql`update pdfprompt_api_key set user_id = ${bob.userId} where id = ${keyId}`)
      ).toSorted(),
    ).toEqual([`pdfprompt_accounts ${userId}`, `pdfprompt_accounts ${bob.userId}`].toSorted());
  });

  it('announces everybody when a table is emptied', async () => {
    expect(await notifications(() => sql`truncate pdfprompt_api_key cascade`)).toEqual(['pdfprompt_accounts ']);
    expect(await notifications(() => sql`truncate pdfprompt_user_subscription`)).toEqual(['pdfprompt_accounts ']);
  });

  it('is silent for the use of a key, and for what changes nothing', async () => {
    expect(await notifications(() => sql`update pdfprompt_api_key set last_used_at = now()`)).toEqual([]);
    expect(
      await notifications(() => sql`update pdfprompt_api_key set scopes = scopes, revoked_at = revoked_at`),
    ).toEqual([]);
    expect(
      await notifications(() =>
        sql
          .begin(async (tx) => {
            await tx`update pdfprompt_api_key set revoked_at = now()`;
            throw new Error('changed my mind');
          })
          .catch(() => undefined),
      ),
    ).toEqual([]);
  });
});

describe('the notifier for tiers', () => {
  it('announces every change, whoever makes it', async () => {
    const gold = { name: 'gold', requestsPerMinute: null, requestsPerDay: null, priority: 1 };
    expect(await notifications(() => defineTier(db, gold))).toEqual(tiers);
    expect(
      await notifications(() => sql`update pdfprompt_tier set requests_per_minute = 3 where name = 'starter'`),
    ).toEqual(tiers);
    expect(await notifications(() => sql`delete from pdfprompt_tier where name = 'gold'`)).toEqual(tiers);
    expect(await notifications(() => sql`insert into pdfprompt_tier (name, priority) values ('silver', 1)`)).toEqual(
      tiers,
    );
    expect(await notifications(() => sql`truncate pdfprompt_tier cascade`)).toEqual(expect.arrayContaining(tiers));
    await sql`insert into pdfprompt_tier (name, priority) values ('starter', 0)`;
  });
});

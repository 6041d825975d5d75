/** @module-tag long */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { createKey, revokeKey } from '../../src/accounts/keys.ts';
import { setTier } from '../../src/accounts/subscriptions.ts';
import { pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const { url, sql } = await createDatabase();
const pool = openTestPool(url);
const proxy = await TcpProxy.open(Number(new URL(url).port));
afterAll(async () => {
  await proxy.close();
  await pool.close();
});
const notifierUrl = new URL(url);
notifierUrl.port = String(proxy.port);
const env = {
  DATABASE_URL: url,
  DATABASE_DIRECT_URL: notifierUrl.href, // only the notifier goes this way
  DATABASE_MAX_CONNECTIONS: '8',
  LOG_LEVEL: 'error',
};
const apis = Array.from({ length: 4 }, () => pdfprompt(['serve', '--port', '0'], { env }));
const addresses = await Promise.all(apis.map(async (api) => (await api.until(/serves at (http:\S+)/))[1] ?? ''));

/** Milliseconds: on a quiet machine it takes some ten. What was not heard of is remembered for a minute. */
const HEARD_MS = 10_000;

interface Seen {
  status: number;
  tier?: string;
  limits?: { name: string; limit: number }[];
}

async function look(address: string, key: string): Promise<Seen> {
  const response = await fetch(`${address}/v1/usage`, { headers: { authorization: `Bearer ${key}` } });
  return { ...((await response.json()) as object), status: response.status };
}

/** Makes a change while all four processes are asked all the time. @returns milliseconds until the last of them knows */
async function untilInForce(key: string, change: () => Promise<unknown>, isIt: (seen: Seen) => boolean) {
  for (const address of addresses) expect(isIt(await look(address, key))).toBe(false);
  await change();
  const changedAt = performance.now();
  await Promise.all(
    addresses.map(async (address) => {
      while (!isIt(await look(address, key))) {
        await sleep(10);
        if (performance.now() - changedAt > 50_000) throw new Error('it is not in force after 50 s');
      }
    }),
  );
  return performance.now() - changedAt;
}

let count = 0;
/** Each kind of change, on a user and a tier of its own. @returns milliseconds by kind */
async function changes() {
  const tier = `tier${count++}`;
  await sql`insert into pdfprompt_tier values (${tier}, 5, 50, 1)`;
  const email = `${tier}@example.com`;
  const { id, key } = await createKey(pool.db, { email, tier: 'starter' });
  const [user] = await sql<{ id: string }[]>`select id from pdfprompt_user where email = ${email}`;
  const userId = user?.id ?? '';
  return {
    subscription: await untilInForce(
      key,
      () => setTier(pool.db, { userId, tier }),
      (seen) => seen.tier === tier,
    ),
    tier: await untilInForce(
      key,
      () => sql`update pdfprompt_tier set requests_per_minute = 7 where name = ${tier}`,
      (seen) => seen.limits?.[0]?.limit === 7,
    ),
    revocation: await untilInForce(
      key,
      () => revokeKey(pool.db, id),
      (seen) => seen.status === 401,
    ),
  };
}

it('a change of tier and a revoked key are in force in four processes as soon as they are heard of', async () => {
  for (const ms of Object.values(await changes())) expect(ms).toBeLessThan(HEARD_MS);
});

it('also when the notifier has gone silent, and as soon as they are heard of when it is back', async () => {
  proxy.silence();
  for (const ms of Object.values(await changes())) expect(ms).toBeLessThan(30_000);
  proxy.resume();
  await sleep(1_000);
  for (const ms of Object.values(await changes())) expect(ms).toBeLessThan(HEARD_MS);
}, 60_000);

it('and when the connection of the notifier is cut again and again', async () => {
  const changing = changes();
  for (let time = 0; time < 10; time++) {
    proxy.cut();
    await sleep(50);
  }
  for (const ms of Object.values(await changing)) expect(ms).toBeLessThan(HEARD_MS);
});

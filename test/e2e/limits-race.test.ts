/** @module-tag long */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';

const { url, sql } = await createDatabase();
const pool = openTestPool(url);
const starter = async (email: string) => (await createKey(pool.db, { email, tier: 'starter' })).key;

/** Four API processes. @param remembered seconds that a refusal is answered from memory */
async function fourApis(remembered: string): Promise<string[]> {
  const env = { DATABASE_URL: url, LOG_LEVEL: 'error', DATABASE_MAX_CONNECTIONS: '8', CACHE_TTL_LIMITS: remembered };
  const apis = Array.from({ length: 4 }, () => pdfprompt(['serve', '--port', '0'], { env }));
  return Promise.all(apis.map(async (api) => (await api.until(/serves at (http:\S+)/))[1] ?? ''));
}

/** So many requests of one key at once, spread over all of the processes. */
async function burst(addresses: string[], key: string, requests: number): Promise<Response[]> {
  return Promise.all(
    Array.from({ length: requests }, (_, index) =>
      fetch(`${addresses[index % addresses.length]}/v1/jobs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: '{"html":"x"}',
      }),
    ),
  );
}

const accepted = (answers: Response[]) => answers.filter(({ status }) => status === 202).length;
const refused = (answers: Response[]) => answers.filter(({ status }) => status === 429);
/** As if everything had been asked for that much earlier. */
const age = (seconds: number) =>
  sql`update pdfprompt_lane set recent = array(select t - ${seconds} * interval '1 second' from unnest(recent) t)`;

describe('limits under a race of four API processes', () => {
  it('accept exactly two of 500 requests of a starter in a minute, and again when they say so', async () => {
    const addresses = await fourApis('60');
    const key = await starter('minute@example.com');
    const answers = await burst(addresses, key, 500);
    expect([accepted(answers), refused(answers).length]).toEqual([2, 498]);

    const other = await starter('retry@example.com');
    expect(accepted(await burst(addresses, other, 2))).toBe(2);
    await age(50);
    const askedAt = performance.now();
    const waits = new Set(
      refused(await burst(addresses, other, 500)).map((answer) => answer.headers.get('retry-after')),
    );
    const took = (performance.now() - askedAt) / 1000;
    // Each answer is right for its own moment.
    expect(Math.max(...[...waits].map(Number))).toBeLessThanOrEqual(10);
    expect(Math.min(...[...waits].map(Number))).toBeGreaterThanOrEqual(10 - Math.ceil(took));
    const [first] = await burst(addresses, other, 1);
    const seconds = Number(first?.headers.get('retry-after'));
    const until = performance.now() + seconds * 1000;
    await sleep((seconds - 1) * 1000 - 1_000); // the burst takes its time too
    expect(accepted(await burst(addresses, other, 40))).toBe(0); // not a second earlier
    await sleep(until - performance.now() + 1_000); // when both are out of the minute
    expect(accepted(await burst(addresses, other, 500))).toBe(2);
  }, 120_000);

  it('accept exactly a hundred in a day', async () => {
    const addresses = await fourApis('0.05');
    const key = await starter('day@example.com');
    let sum = 0;
    let isDayOver = false;
    for (let minute = 0; minute < 60 && !isDayOver; minute++) {
      const answers = await burst(addresses, key, 20);
      const count = accepted(answers);
      expect(count).toBeLessThanOrEqual(2);
      sum += count;
      isDayOver = refused(answers).some((answer) => Number(answer.headers.get('retry-after')) > 60);
      await age(61);
      await sleep(60);
    }
    expect(sum).toBe(100);
    expect(accepted(await burst(addresses, key, 500))).toBe(0);
    const [row] = await sql<{ jobs: number }[]>`
      select count(*)::int as jobs from pdfprompt_job j join pdfprompt_user u on u.id = j.user_id where u.email = 'day@example.com'`;
    expect(row?.jobs).toBe(100);
    await pool.close();
  }, 120_000);
});

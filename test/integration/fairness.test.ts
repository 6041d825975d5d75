import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { Principal } from '../../src/accounts/principals.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { getJob } from '../../src/jobs/read.ts';
import { submitJob } from '../../src/jobs/submit.ts';
import { forgetfulLimiter, principalOf, withoutLimits } from '../support/accounts.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { db, queue, events } = service.base;
const deps = { db, reads: db, queue, events, limiter: forgetfulLimiter() };
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000c';
await service.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
const parsed = parsePdfRequest({ html: '<p>x</p>' });
if (!parsed.ok) throw new Error('the test does not fit the code');
const { request } = parsed;

let count = 0;
/** A tenant of its own for each test; what others left in the queue is taken away first. */
async function tenant(tier: string, priority?: number): Promise<Principal> {
  const { key } = await createKey(db, { email: `tenant${count++}@example.com`, tier });
  return withoutLimits(db, await principalOf(db, key), priority);
}

const submit = async (principal: Principal, times = 1) => {
  const ids: string[] = [];
  for (let time = 0; time < times; time++) ids.push((await submitJob(deps, { principal, request })).job.id);
  return ids;
};
const claim = async (times: number) => {
  const users: string[] = [];
  for (let time = 0; time < times; time++) {
    const [job] = await claimJobs({ db, queue, events }, { workerId, count: 1 });
    if (job) users.push(job.userId);
  }
  return users;
};
const empty = async () => {
  while ((await claim(20)).length > 0);
};

describe('the queue', () => {
  it('serves a tenant with one job next to one with fifty, and takes turns after that', async () => {
    await empty();
    const [many, few] = [await tenant('starter'), await tenant('starter')];
    await submit(many, 50);
    await submit(few, 3);
    const order = await claim(10);
    expect(order.filter((user) => user === few.userId)).toHaveLength(3);
  });

  it('serves one tenant in the order in which it submitted', async () => {
    await empty();
    const ids = await submit(await tenant('professional'), 5);
    const claimed: string[] = [];
    for (let time = 0; time < 5; time++)
      claimed.push(...(await claimJobs({ db, queue, events }, { workerId, count: 1 })).map((job) => job.id));
    expect(claimed).toEqual(ids);
  });

  it('gives a higher tier more turns of the same length of queue', async () => {
    await empty();
    // The same priority, so that only the weight of the tier is left.
    const [starter, enterprise] = [await tenant('starter'), await tenant('enterprise')];
    const low = { ...request, priority: 'low' as const };
    for (let time = 0; time < 40; time++) {
      await submitJob(deps, { principal: starter, request: low });
      await submitJob(deps, { principal: enterprise, request: low });
    }
    const order = await claim(40);
    const share = order.filter((user) => user === enterprise.userId).length;
    expect(share).toBeGreaterThanOrEqual(28); // 4 to 1, less what one end of the queue costs
    expect(share).toBeLessThan(40);
  });

  it('serves a critical job next, whoever waits', async () => {
    await empty();
    await submit(await tenant('enterprise'), 20);
    const urgent = await tenant('enterprise', 3);
    await submit(urgent);
    expect(await claim(1)).toEqual([urgent.userId]);
  });

  it('does not hold it against a tenant that its flood was served when nobody else was there', async () => {
    await empty();
    const [flooder, other] = [await tenant('starter'), await tenant('starter')];
    await submit(flooder, 100);
    await empty();
    await submit(flooder);
    await submit(other);
    expect(await claim(2)).toEqual([flooder.userId, other.userId]);
  });

  it('tells a job its place', async () => {
    await empty();
    const [many, one] = [await tenant('starter'), await tenant('starter')];
    const startedAt = performance.now();
    const ids = await submit(many, 120);
    const { job } = await submitJob(deps, { principal: one, request });
    // A starter's job takes a second of its lane: so many of the other's are due before this one. Ranks are in tenths.
    expect(job.queuePosition).toBeLessThanOrEqual(2 + 0.1 + (performance.now() - startedAt) / 1_000);
    const place = async (index: number) =>
      (await getJob(db, { userId: many.userId, jobId: ids[index] ?? '' })).queuePosition;
    expect(await place(0)).toBe(1);
    expect(await place(50)).toBe(52);
    expect(await place(119)).toBe(100); // or more
  });

  it('takes a job or leaves no trace of it', async () => {
    await empty();
    const principal = await tenant('starter');
    const [before] = await service.sql`select count(*)::int as jobs from pdfprompt_job`;
    await service.sql`alter table pgboss.queue rename to queue_away`;
    await expect(submit(principal)).rejects.toThrow('Failed query');
    await service.sql`alter table pgboss.queue_away rename to queue`;
    const [after] = await service.sql`select count(*)::int as jobs from pdfprompt_job`;
    expect(after).toEqual(before);
    expect(await submit(principal)).toHaveLength(1);
  });
});

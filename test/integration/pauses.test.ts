import { beforeAll, describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { Job } from '../../src/domain/job.ts';
import { cancelJob } from '../../src/jobs/cancel.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { eraseUser } from '../../src/jobs/erase-user.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { requeueLostJobs } from '../../src/jobs/lost-jobs.ts';
import { settlePauses } from '../../src/jobs/paused-jobs.ts';
import { endPause, listPauses, startPause } from '../../src/jobs/pauses.ts';
import { readQueueOverview } from '../../src/jobs/queue-overview.ts';
import { requeueStranded } from '../../src/jobs/requeue.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import { makeBatch } from '../support/batches.ts';
import { doneWith } from '../support/outcomes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { base, sql, request } = service;
const { db, queue } = base;
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000f';
const done = doneWith(new TextEncoder().encode('%PDF-1.7'));
const admin = (await createKey(db, { email: 'operator@example.com', scopes: ['operator'] })).key;

interface Tenant {
  email: string;
  key: string;
  userId: string;
  tier: string;
}

async function newTenant(email: string, tier: string): Promise<Tenant> {
  await sql`insert into pdfprompt_tier (name, priority) values (${tier}, 1) on conflict do nothing`;
  const { key, userId } = await createKey(db, { email, tier });
  return { email, key, userId, tier };
}

const submit = async ({ key }: Tenant, fields: object = {}): Promise<string> => {
  const response = await request('/v1/jobs', { method: 'POST', key, body: JSON.stringify({ html: 'x', ...fields }) });
  expect(response.status).toBe(202);
  return ((await response.json()) as Job).id;
};
const read = async ({ key }: Tenant, id: string) => (await (await request(`/v1/jobs/${id}`, { key })).json()) as Job;
const claim = (count: number) => claimJobs(base, { workerId, count });
const finish = (job: ClaimedJob) => finishJob({ ...base, retentionMs: 60_000 }, job, done);
const settle = () => settlePauses({ db, queue });
const pause = (target: string) => startPause(db, { target, reason: 'a test' });
const resume = (target: string) => endPause(db, target).catch(() => undefined);
const resumeAll = async () => {
  for (const { target } of await listPauses(db)) await endPause(db, target);
  await settle();
};
/** Queued jobs whose place in the queue is not as their row says. */
const outOfPlace = () => sql<{ id: string; paused: boolean; has_place: boolean }[]>`
  select * from (
    select j.id, j.paused_at is not null as paused, exists (
      select from pgboss.job b where b.name = 'pdf' and b.id = j.id and b.state in ('created', 'retry', 'active')) as has_place
    from pdfprompt_job j where j.status = 'queued') as places
  where paused = has_place`;

beforeAll(async () => {
  await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
});

describe('pauses', () => {
  it('let jobs wait, which come back to their places', async () => {
    const [ann, ben] = [await newTenant('ann2@example.com', 'gold'), await newTenant('ben@example.com', 'silver')];
    const jobs = [await submit(ann), await submit(ben), await submit(ann), await submit(ben)];
    const put = await request(`/v1/admin/pauses/user:${ann.userId}`, {
      method: 'PUT',
      key: admin,
      body: '{"reason":"too many retries"}',
    });
    expect(put.status).toBe(201);
    expect(await put.json()).toMatchObject({ email: ann.email, reason: 'too many retries' });
    expect(await read(ann, jobs[0] ?? '')).toMatchObject({ status: 'queued', paused: true, queuePosition: null });
    expect(await read(ben, jobs[1] ?? '')).toMatchObject({ status: 'queued', paused: false, queuePosition: 1 });
    const late = await request('/v1/jobs', { method: 'POST', key: ann.key, body: '{"html":"x"}' });
    const { id: lateId, ...accepted } = (await late.json()) as Job;
    expect(accepted).toMatchObject({ status: 'queued', paused: true, queuePosition: null });
    await makeBatch(sql, { userId: ann.userId, items: 5 });
    expect((await claim(10)).map(({ id }) => id)).toEqual([jobs[1], jobs[3]]);
    // Neither figures nor repairs count them.
    const overview = await readQueueOverview(db);
    expect(overview).toMatchObject({ groups: [], batches: { batches: 0, items: 0 }, paused: 8 });
    expect(overview.pauses).toMatchObject([{ target: `user:${ann.userId}` }]);
    expect(await requeueStranded(base, { settledSeconds: 0 })).toEqual([]);

    await sql`update pdfprompt_job set created_at = now() - interval '1 hour', paused_at = now() - interval '59 minutes' where id = ${lateId}`;
    expect((await request(`/v1/admin/pauses/user:${ann.userId}`, { method: 'DELETE', key: admin })).status).toBe(204);
    const [row] =
      await sql`select now() - created_at < interval '2 minutes' as is_young, now() - accepted_at > interval '50 minutes' as is_old from pdfprompt_job where id = ${lateId}`;
    expect(row).toEqual({ is_young: true, is_old: true }); // the pause is no time that it waited
    const claimed = await claim(10);
    expect(claimed.map(({ id }) => id).slice(0, 3)).toEqual([jobs[0], jobs[2], lateId]);
    expect(claimed).toHaveLength(8);
    for (const job of claimed) expect(await finish(job)).toBe('completed');
  });

  it.each<[string, string, string, object | undefined, number]>([
    ['GET', '', 'console:read', undefined, 200],
    ['PUT', '/all', 'console:read', { reason: 'x' }, 403],
    ['PUT', '/al', 'operator', { reason: 'x' }, 400],
    ['PUT', '/tier:', 'operator', { reason: 'x' }, 400],
    ['PUT', '/user:42', 'operator', { reason: 'x' }, 400],
    ['PUT', '/tier:gol', 'operator', { reason: 'x' }, 404],
    ['PUT', '/user:01a20b1c-7e0d-7435-94b8-00000000000f', 'operator', { reason: 'x' }, 404],
    ['PUT', '/all', 'operator', { reason: ' ' }, 400],
    ['PUT', '/all', 'operator', { reason: 'x'.repeat(501) }, 400],
    ['PUT', '/all', 'operator', {}, 400],
    ['DELETE', '/all', 'operator', undefined, 404],
    ['DELETE', '/x', 'operator', undefined, 400],
  ])('%s /v1/admin/pauses%s with %s and %j is answered with %s', async (method, path, scope, body, status) => {
    const { key } = await createKey(db, { email: 'scopes@example.com', scopes: [scope] });
    const response = await request(`/v1/admin/pauses${path}`, {
      method,
      key,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    expect({ status: response.status, text }).toEqual({ status, text });
    if (status === 404 && method === 'PUT' && path.startsWith('/tier')) expect(text).toContain('did you mean gold?');
    if (status === 400) expect(text).toMatch(/allowed|required/);
    expect(await listPauses(db)).toEqual([]);
  });

  it('hold in every combination with what else becomes of jobs', { timeout: 60_000 }, async () => {
    const random = seededRandom(23);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const tenants = await Promise.all(
      [0, 1, 2, 3].map((n) => newTenant(`t${n}@example.com`, n % 2 === 0 ? 'gold' : 'silver')),
    );
    const targets = ['all', 'tier:gold', 'tier:silver', ...tenants.map(({ userId }) => `user:${userId}`)];
    const paused = new Set<string>();
    const running: ClaimedJob[] = [];
    const isPausedNow = ({ tier, userId }: { tier: string; userId: string }) =>
      ['all', `tier:${tier}`, `user:${userId}`].some((target) => paused.has(target));
    const waiting = () => sql<{ id: string; user_id: string; tier: string; rank: number; paused: boolean }[]>`
      select id, user_id, tier, rank, paused_at is not null as paused from pdfprompt_job where status = 'queued' order by rank, id`;
    const steps: Record<string, () => Promise<unknown>> = {
      submit: async () => submit(pick(tenants)),
      later: async () => submit(pick(tenants), { runAt: new Date(Date.now() + 3_600_000).toISOString() }),
      due: async () => {
        await sql`update pdfprompt_job set run_at = now() - interval '1 second' where status = 'scheduled'`;
        await sql`select pdfprompt_queue_scheduled(10)`;
      },
      batch: async () => makeBatch(sql, { userId: pick(tenants).userId, items: 3 }),
      pause: async () => {
        const target = pick(targets);
        await pause(target);
        paused.add(target);
      },
      resume: async () => {
        const target = pick(targets);
        await resume(target);
        paused.delete(target);
      },
      settle: async () => settle(),
      claim: async () => {
        const before = await waiting();
        const count = 1 + Math.floor(random() * 4);
        const claimed = await claim(count);
        for (const job of claimed) expect(isPausedNow(job)).toBe(false);
        // The first of those that may run: what was paused until now may not have its place again yet.
        const may = before.filter((job) => !job.paused && !isPausedNow({ tier: job.tier, userId: job.user_id }));
        const taken = new Set(claimed.map(({ id }) => id));
        const ranks = may.filter(({ id }) => taken.has(id)).map(({ rank }) => rank);
        expect(ranks).toEqual(may.slice(0, ranks.length).map(({ rank }) => rank));
        expect(ranks.length > 0).toBe(may.length > 0);
        running.push(...claimed);
      },
      finish: async () => {
        const job = running.shift();
        if (job) await finish(job);
      },
      lose: async () => {
        await db.transaction((tx) => requeueLostJobs(tx, queue, workerId));
        running.length = 0;
        await sql`update pdfprompt_job set losses = 0 where status = 'queued'`;
      },
      cancel: async () => {
        const [job] = await sql<{ id: string; user_id: string }[]>`
          select id, user_id from pdfprompt_job where status in ('queued', 'scheduled') order by md5(id::text || ${random()}) limit 1`;
        if (job)
          await cancelJob(
            { db, queue, events: base.events },
            { userId: job.user_id, jobId: job.id, requestId: undefined },
          );
      },
      repair: async () => expect(await requeueStranded(base, { settledSeconds: 0 })).toEqual([]),
    };
    const names = ['submit', 'submit', 'submit', 'later', 'due', 'batch', 'pause', 'resume', 'settle', 'claim', 'claim', 'finish', 'lose', 'cancel', 'repair']; // prettier-ignore
    const trail: string[] = [];
    for (let step = 0; step < 150; step++) {
      const name = pick(names);
      trail.push(name);
      await steps[name]?.();
      expect({ after: trail.slice(-6), out: await outOfPlace() }).toEqual({ after: trail.slice(-6), out: [] });
    }
    // In line with the pauses once it is settled: every queued job has a place unless it is paused, and the other way round.
    await settle();
    const rows = await sql<{ user_id: string; tier: string; paused: boolean }[]>`
      select user_id, tier, paused_at is not null as paused from pdfprompt_job where status = 'queued'`;
    for (const row of rows) expect(row.paused).toBe(isPausedNow({ tier: row.tier, userId: row.user_id }));
    const gone = tenants[0] as Tenant;
    await pause(`user:${gone.userId}`);
    await settle();
    await eraseUser(base, { id: gone.userId });
    expect((await listPauses(db)).map(({ target }) => target)).not.toContain(`user:${gone.userId}`);
    await resumeAll();
    const order = (await waiting()).map(({ rank }) => rank);
    const claimed = await claim(10_000);
    expect(claimed).toHaveLength(order.length);
    for (const job of [...running.filter(({ userId }) => userId !== gone.userId), ...claimed]) await finish(job);
    expect(
      await sql`select status, count(*)::integer from pdfprompt_job where status in ('queued', 'processing') group by 1`,
    ).toEqual([]);
  });

  it('hold, and lose no job, when everything happens at once', { timeout: 60_000 }, async () => {
    const random = seededRandom(7);
    const tenants = await Promise.all([5, 6, 7].map((n) => newTenant(`c${n}@example.com`, 'gold')));
    const targets = ['all', 'tier:gold', ...tenants.map(({ userId }) => `user:${userId}`)];
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const ids: string[] = [];
    const ended: string[] = [];
    const worker = async () => {
      for (const job of await claim(3)) if ((await finish(job)) === 'completed') ended.push(job.id);
    };
    for (let round = 0; round < 15; round++) {
      const target = pick(targets);
      await Promise.all([
        ...tenants.flatMap((tenant) => [0, 1].map(async () => ids.push(await submit(tenant)))),
        random() < 0.5 ? pause(target) : resume(target),
        settle(),
        settle(),
        worker(),
        worker(),
        worker(),
      ]);
    }
    await resumeAll();
    while (ended.length < ids.length) {
      const before = ended.length;
      await worker();
      if (ended.length === before) break;
    }
    expect(ended.toSorted()).toEqual(ids.toSorted()); // each once
    expect(await outOfPlace()).toEqual([]);
  });

  it('that end while jobs are claimed leave them their places', async () => {
    const tenant = await newTenant('mid@example.com', 'gold');
    const id = await submit(tenant);
    await pause(`user:${tenant.userId}`);
    let statements = 0;
    /** Ends the pause by another connection, after the second statement of a claim: it found the job paused. */
    const between = <T extends object>(tx: T): T =>
      new Proxy(tx, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function') return value;
          return (...given: unknown[]) => {
            const call = () => Reflect.apply(value, target, given) as unknown;
            if (name !== 'execute' || ++statements !== 3) return call();
            return resume(`user:${tenant.userId}`).then(call);
          };
        },
      });
    const transaction: typeof db.transaction = (work) => db.transaction((tx) => work(between(tx)));
    const racing = Object.assign(Object.create(db) as typeof db, { transaction });
    const jobs = await claimJobs({ ...base, db: racing }, { workerId, count: 5 });
    expect(statements).toBeGreaterThan(3);
    expect(jobs.map((job) => job.id)).toEqual([id]);
    for (const job of jobs) await finish(job);
    expect(await outOfPlace()).toEqual([]);
  });
});

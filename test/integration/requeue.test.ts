import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { requeueStranded } from '../../src/jobs/requeue.ts';
import { Maintenance } from '../../src/worker/maintenance.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { base, sql, request } = service;
const retentionMs = 60_000;
const done = doneWith(new TextEncoder().encode('%PDF-1.7'));
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000f';
await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;

async function submit(): Promise<string> {
  const response = await request('/v1/jobs', { method: 'POST', body: '{"html":"x","timeoutMs":12345}' });
  return ((await response.json()) as Job).id;
}
const claim = async (count = 100) => claimJobs(base, { workerId, count });
const finish = async (job: ClaimedJob) => finishJob({ ...base, retentionMs }, job, done);
const requeue = async () => (await requeueStranded(base, { settledSeconds: 0 })).map(({ jobId }) => jobId);

const placeOf = async (id: string) =>
  (
    await sql`select priority, state, expire_seconds, start_after <= now() as is_due from pgboss.job where id = ${id}`
  )[0];
const rowOf = async (id: string) =>
  (await sql`select status, attempts, runs, losses, worker_id from pdfprompt_job where id = ${id}`)[0];
const deletePlace = (id: string) => sql`delete from pgboss.job where id = ${id}`;
const endPlace = (id: string, state: string) =>
  sql`update pgboss.job set state = ${state}::pgboss.job_state, completed_on = now() where id = ${id}`;

describe('a job that its queue does not have', () => {
  const queued = async (lose: (id: string) => Promise<unknown>) => {
    const id = await submit();
    await lose(id);
    return id;
  };
  const processing = async (lose: (id: string) => Promise<unknown>) => {
    const id = await submit();
    await claim();
    await lose(id);
    return id;
  };
  const nobodys = (id: string) =>
    Promise.all([deletePlace(id), sql`update pdfprompt_job set worker_id = null where id = ${id}`]);

  it.each<[string, () => Promise<string>]>([
    ['queued, its place deleted', () => queued(deletePlace)],
    ['queued, its place completed', () => queued((id) => endPlace(id, 'completed'))],
    ['queued, its place cancelled', () => queued((id) => endPlace(id, 'cancelled'))],
    ['queued, its place failed', () => queued((id) => endPlace(id, 'failed'))],
    ['under way, its place deleted', () => processing(deletePlace)],
    ['under way, its place completed', () => processing((id) => endPlace(id, 'completed'))],
    ['under way by nobody, its place deleted', () => processing(nobodys)],
  ])('gets its place back: %s', async (_, strand) => {
    const place = await placeOf(await submit());
    for (const job of await claim()) await finish(job);
    const id = await strand();
    const { runs } = (await rowOf(id)) as { runs: number };
    expect(await requeue()).toEqual([id]);
    expect(await rowOf(id)).toEqual({ status: 'queued', attempts: 0, runs, losses: 0, worker_id: null });
    const { rank } = (await sql`select rank from pdfprompt_job where id = ${id}`)[0] as { rank: number };
    expect(await placeOf(id)).toEqual({ ...place, priority: -rank });
    expect(await requeue()).toEqual([]);
    const [job] = await claim();
    expect(job).toMatchObject({ id, run: runs + 1, attempt: 1 });
    expect(await finish(job as ClaimedJob)).toBe('completed');
    const attempts = await sql`select outcome from pdfprompt_job_attempt where job_id = ${id} order by run`;
    expect(attempts.map(({ outcome }) => outcome)).toEqual([...(runs === 1 ? ['lost'] : []), 'done']);
  });

  it('writes nothing by an attempt that had begun before', async () => {
    const id = await submit();
    const [before] = await claim();
    await deletePlace(id);
    expect(await requeue()).toEqual([id]);
    expect(await finish(before as ClaimedJob)).toBe('stale');
    const [after] = await claim();
    expect(await finish(before as ClaimedJob)).toBe('stale');
    expect(await finish(after as ClaimedJob)).toBe('completed');
  });

  it('is left alone while its transaction may be under way', async () => {
    const id = await submit();
    await deletePlace(id);
    await sql.begin(async (tx) => {
      await tx`select 1 from pdfprompt_job where id = ${id} for update`;
      expect(await requeue()).toEqual([]);
    });
    expect(await requeueStranded(base)).toEqual([]); // it was accepted just now
    expect(await requeue()).toEqual([id]);
    for (const job of await claim()) await finish(job);
  });

  it('is found by a worker from its start on, and logged', async () => {
    const id = await submit();
    await deletePlace(id);
    await sql`update pdfprompt_job set created_at = now() - interval '31 days' where id = ${id}`;
    const maintenance = new Maintenance({ ...base, retentionMs });
    await maintenance.start();
    await eventually(async () => (await placeOf(id)) !== undefined, 20_000, 'the job is in the queue');
    await maintenance.stop();
    const lines = service.lines.map(
      (line) =>
        JSON.parse(line) as {
          event: string;
          jobId?: string;
          reason?: string;
        },
    );
    expect(lines.filter(({ event, jobId }) => event === 'job.requeued' && jobId === id)).toMatchObject([
      { reason: 'stranded' },
    ]);
    for (const job of await claim()) await finish(job);
  });

  it('is found when it has come to the front, however many wait', async () => {
    const id = await submit();
    const IN_FRONT = 600;
    await sql`insert into pdfprompt_job (id, user_id, priority, rank, request, html)
      select gen_random_uuid(), user_id, priority, rank - 1000, request, html
      from pdfprompt_job, generate_series(1, ${IN_FRONT}) where id = ${id}`;
    await deletePlace(id);
    expect(await requeue()).toHaveLength(500);
    expect(await requeue()).toEqual([]);
    await sql`with gone as (
        delete from pdfprompt_job where id in (select id from pdfprompt_job where is_queued order by rank, id limit 200) returning id
      ) delete from pgboss.job where id in (select id from gone)`;
    const found = await requeue();
    expect(found).toHaveLength(IN_FRONT - 500 + 1);
    expect(found).toContain(id);
    await sql`delete from pgboss.job`;
    await sql`delete from pdfprompt_job where is_queued`;
  });

  it('is taken for lost if its claim expires, by whomever it was made', async () => {
    const id = await submit();
    await claim();
    await sql`update pdfprompt_job set worker_id = null where id = ${id}`;
    await sql`update pgboss.job set started_on = now() - interval '1 hour' where id = ${id}`;
    expect(await requeue()).toEqual([]);
    await base.queue.maintain();
    await sql`update pgboss.job set start_after = now() where id = ${id}`; // it would pause before
    const [job] = await claim();
    expect(job).toMatchObject({ id, run: 2 });
    expect(await finish(job as ClaimedJob)).toBe('completed');
  });
});

describe('what is well', () => {
  it('is never touched, whatever is done at the same moment', async () => {
    let isOver = false;
    const touched: string[] = [];
    let passes = 0;
    const looking = (async () => {
      while (!isOver) {
        touched.push(...(await requeue()));
        passes++;
      }
    })();
    const working = (async () => {
      while (!isOver)
        for (const [index, job] of (await claim(5)).entries())
          await finishJob({ ...base, retentionMs }, job, index % 5 === 4 ? { kind: 'interrupted' } : done);
    })();
    try {
      for (let round = 0; round < 10; round++) {
        const ids = await Promise.all(Array.from({ length: 8 }, submit));
        await Promise.all(ids.slice(0, 2).map((id) => request(`/v1/jobs/${id}`, { method: 'DELETE' })));
      }
      const left = () => sql`select 1 from pdfprompt_job where status in ('queued', 'processing')`;
      await eventually(async () => (await left()).length === 0, 60_000, 'all have ended');
    } finally {
      isOver = true;
    }
    await Promise.all([looking, working]);
    expect(touched).toEqual([]);
    expect(passes).toBeGreaterThan(5);
  });
});

describe('whatever the two say of a job, ours and the queue', () => {
  const lostId = '01a20b1c-7e0d-7435-94b8-0000000000ff';
  const underWay = async () => {
    const id = await submit();
    await claim();
    return id;
  };
  const ended = async (outcome: Outcome) => {
    const id = await underWay();
    const [row] = await sql`select retry_count from pgboss.job where id = ${id}`;
    const { retry_count: retryCount } = row as { retry_count: number };
    const [{ user_id: userId } = {}] = await sql`select user_id from pdfprompt_job where id = ${id}`;
    const job = { id, userId, run: 1, attempt: 1, claim: { id, retryCount } } as ClaimedJob;
    await finishJob({ ...base, retentionMs }, job, outcome);
    return id;
  };
  const by = async (worker: string | null) => {
    const id = await underWay();
    await sql`update pdfprompt_job set worker_id = ${worker} where id = ${id}`;
    return id;
  };
  const OURS: Record<string, () => Promise<string>> = {
    queued: submit,
    'under way': underWay,
    'under way at a worker that is lost': () => by(lostId),
    'under way by nobody': () => by(null),
    completed: () => ended(done),
    failed: () => ended({ kind: 'reject', code: 'print_failed', message: 'x' }),
    cancelled: async () => {
      const id = await submit();
      await request(`/v1/jobs/${id}`, { method: 'DELETE' });
      return id;
    },
  };
  const place = (id: string, state: string, startedOn: string | null, completedOn: string | null) => sql`
    update pgboss.job set state = ${state}::pgboss.job_state, started_on = ${startedOn}::text::timestamptz,
      completed_on = ${completedOn}::text::timestamptz where id = ${id}`;
  const THEIRS: Record<string, (id: string) => Promise<unknown>> = {
    'does not know it': deletePlace,
    'has it waiting': (id) => place(id, 'created', null, null),
    'has it waiting for another try': (id) => place(id, 'retry', null, null),
    'has claimed it': (id) => place(id, 'active', 'now', null),
    'claimed it an hour ago': (id) => place(id, 'active', new Date(Date.now() - 3_600_000).toISOString(), null),
    'has completed it': (id) => place(id, 'completed', 'now', 'now'),
    'has cancelled it': (id) => place(id, 'cancelled', null, 'now'),
    'has failed it': (id) => place(id, 'failed', 'now', 'now'),
  };

  it('a job that has not ended is rendered, and one that has stays as it is', async () => {
    await sql`insert into pdfprompt_worker (id, host, pid, concurrency, ended_at, is_lost) values (${lostId}, 'test', 2, 1, now(), true)`;
    const pairs = Object.keys(OURS).flatMap((ours) => Object.keys(THEIRS).map((theirs) => ({ ours, theirs, id: '' })));
    for (const pair of pairs) {
      pair.id = (await OURS[pair.ours]?.()) ?? '';
      // Out of the way of the next, until all are made.
      await sql`update pgboss.job set start_after = 'infinity' where id = ${pair.id}`;
    }
    for (const { id, theirs } of pairs) await THEIRS[theirs]?.(id);
    const finals = new Set(['completed', 'failed', 'cancelled']);
    for (let round = 0; round < 3; round++) {
      await requeue();
      // An hour later: claims have expired, and no pause lasts as long.
      await sql`update pgboss.job set started_on = now() - interval '1 hour' where state = 'active'`;
      await sql`update pgboss.queue set monitor_claim_on = null, monitor_on = null`;
      await base.queue.maintain();
      await sql`update pgboss.job set start_after = now() where state < 'active'`;
      for (const job of await claim()) expect(await finish(job)).toBe('completed');
    }
    const rows = await sql<{ id: string; status: string }[]>`select id, status from pdfprompt_job`;
    const statusOf = new Map(rows.map(({ id, status }) => [id, status]));
    expect(pairs.map(({ id, ...pair }) => ({ ...pair, is: statusOf.get(id) }))).toEqual(
      pairs.map(({ ours, theirs }) => ({ ours, theirs, is: finals.has(ours) ? ours : 'completed' })),
    );
    // Of those that waited nobody is taken for a cause, whatever was in the same claim.
    const unaffected = pairs.filter(({ ours }) => ours === 'queued').map(({ id }) => id);
    const runs = await sql`select distinct runs, attempts, losses from pdfprompt_job where id in ${sql(unaffected)}`;
    expect([...runs]).toEqual([{ runs: 1, attempts: 1, losses: 0 }]);
    const waiting = await sql`select id from pgboss.job where state < 'completed'`;
    expect([...waiting]).toEqual([]);
    const twice =
      await sql`select 1 from pdfprompt_job_attempt where outcome = 'done' group by job_id having count(*) > 1`;
    expect(twice).toHaveLength(0);
    expect(await requeue()).toEqual([]);
  });
});

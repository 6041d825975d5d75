import { PgBoss } from 'pg-boss';
import { afterAll, describe, expect, it } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import { createKey } from '../../src/accounts/keys.ts';
import { connect } from '../../src/db/driver.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { STORE_PATIENCE_SECONDS } from '../../src/jobs/finish.ts';
import { installQueue } from '../../src/queue/boss.ts';
import { startService } from '../support/service.ts';
import { principalOf } from '../support/accounts.ts';
import { readPdf } from '../support/pdf.ts';

/** An application in the same database: another client than the service's. */
const { base, sql, url, request } = await startService();
const other = connect(url, { max: 1 });
afterAll(() => other.end());

let count = 0;
async function userOn(tier: string): Promise<string> {
  const { key } = await createKey(base.db, { email: `app${count++}@example.com`, tier });
  return (await principalOf(base.db, key)).userId;
}
const submit = (user: string, more = '') =>
  sql.unsafe(
    `select * from pdfprompt_submit(id => '${uuidv7()}', user_id => '${user}', kind => 'html', content => 'x' ${more})`,
  );
const jobsOf = async (user: string) => [...(await sql`select id from pdfprompt_job where user_id = ${user}`)];
const partsOf = async (id: string) => [
  ...(await sql`select position, kind, content, data, shown, settings from pdfprompt_part where job_id = ${id} order by position`),
];
const parts = async () => (await sql`select 1 from pdfprompt_part`).length;

describe('pdfprompt_submit, called by an application', () => {
  it('accepts a job with its parts in a transaction of the application, or nothing', async () => {
    const user = await userOn('enterprise');
    const [gone, kept] = [uuidv7(), uuidv7()];
    const more = JSON.stringify([
      { kind: 'url', content: 'https://x.example/?a', shown: 'https://x.example/' },
      { kind: 'other', data: { a: 1 }, settings: { timeoutMs: 1 } },
    ]);
    const insert = (id: string) =>
      other`select accepted_at, job_priority, queue_position, day_used from pdfprompt_submit(
        id => ${id}, user_id => ${user}, kind => 'html', content => '<p>x</p>', more_parts => ${more}::text::jsonb,
        request => '{"timeoutMs": 5000}', priority => 9)`;
    await other`begin`;
    await insert(gone);
    await other`rollback`;
    await other`begin`;
    const [row] = await insert(kept);
    expect(row).toMatchObject({ job_priority: 2, day_used: 1 });
    expect(await jobsOf(user)).toEqual([]);
    await other`commit`;
    expect(await jobsOf(user)).toEqual([{ id: kept }]);
    expect(await partsOf(gone)).toEqual([]);
    expect(await partsOf(kept)).toEqual([
      { position: 0, kind: 'html', content: '<p>x</p>', data: null, shown: null, settings: {} },
      {
        position: 1,
        kind: 'url',
        content: 'https://x.example/?a',
        data: null,
        shown: 'https://x.example/',
        settings: {},
      },
      { position: 2, kind: 'other', content: null, data: { a: 1 }, shown: null, settings: { timeoutMs: 1 } },
    ]);
    const queued = await sql`select id, expire_seconds as seconds from pgboss.job where id in ${sql([gone, kept])}`;
    expect([...queued]).toEqual([{ id: kept, seconds: 5 + STORE_PATIENCE_SECONDS + 90 }]);
  });

  it('says by a code of its own that a limit is reached, and writes nothing', async () => {
    const user = await userOn('starter');
    await submit(user);
    await submit(user);
    const before = await parts();
    const error = await submit(user).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'PDF01', message: 'a limit of the tier starter is reached' });
    const detail = JSON.parse((error as { detail: string }).detail) as object;
    expect(detail).toMatchObject({ name: 'starter', requests_per_minute: 2, requests_per_day: 100, minute_used: 2 });
    expect([(await jobsOf(user)).length, await parts()]).toEqual([2, before]);
  });

  it('says that an idempotency key is in use, and by which job', async () => {
    const user = await userOn('starter');
    await submit(user, `, idempotency_key => 'k'`);
    const [job] = await jobsOf(user);
    await expect(submit(user, `, idempotency_key => 'k'`)).rejects.toMatchObject({ code: 'PDF02', detail: job?.id });
    // At the limit too.
    await submit(user);
    await expect(submit(user, `, idempotency_key => 'k'`)).rejects.toMatchObject({ code: 'PDF02', detail: job?.id });
  });

  it('says that a user is not there, or is being erased', async () => {
    await expect(submit(uuidv7())).rejects.toMatchObject({ code: 'PDF03' });
    const user = await userOn('starter');
    await sql`update pdfprompt_user set erased_at = now() where id = ${user}`;
    await expect(submit(user)).rejects.toMatchObject({ code: 'PDF03' });
    expect(await jobsOf(user)).toEqual([]);
  });

  it('says that the queue has the job already', async () => {
    const user = await userOn('enterprise');
    await submit(user);
    const [job] = await jobsOf(user);
    await expect(sql`select pdfprompt_enqueue(${job?.id}, 0, 60)`).rejects.toMatchObject({ code: 'PDF04' });
  });

  it('moves a job forward by 60 seconds for a high priority, and before all for a critical one', async () => {
    const ranks: number[] = [];
    for (const priority of [0, 1, 2, 3]) {
      const user = await userOn('system');
      await submit(user, `, priority => ${priority}`);
      const [row] = await sql`
        select rank + extract(epoch from timestamptz '2030-01-01Z' - created_at) * 10 as rank
        from pdfprompt_job where user_id = ${user}`;
      ranks.push(Math.round(Number(row?.rank)));
    }
    // An eighth of a second of virtual time, and the rounding to tenths of seconds.
    for (const [index, expected] of [0, -300, -600, -300_000_000].entries())
      expect(Math.abs((ranks[index] ?? 0) - expected)).toBeLessThanOrEqual(2);
  });
});

describe('a worker, with jobs of an application', () => {
  it('fails one of a kind that it does not know, by name, and uses the usual settings where others say nothing', async () => {
    const service = await startService({ worker: true });
    const { key } = await createKey(service.base.db, { email: 'kinds@example.com', tier: 'enterprise' });
    const { userId } = await principalOf(service.base.db, key);
    const [strange, usual, landscape] = [uuidv7(), uuidv7(), uuidv7()];
    for (const [id, kind, more] of [
      [strange, 'hologram', ''],
      [usual, 'html', ''],
      [landscape, 'html', `, request => '{"options":{"landscape":true}}'`],
    ])
      await service.sql.unsafe(
        `select pdfprompt_submit(id => '${id}', user_id => '${userId}', kind => '${kind}', content => '<p>x</p>' ${more})`,
      );
    const end = async (id = '') => (await service.request(`/v1/jobs/${id}?wait=60`, { key })).json();
    expect(await end(strange)).toMatchObject({
      status: 'failed',
      error: { code: 'job_failed', message: 'source: this release has none of the kind hologram' },
    });
    // Settings that the application leaves out are the usual ones.
    const sizeOf = async (id: string) => {
      expect(await end(id)).toMatchObject({ status: 'completed' });
      const response = await service.request(`/v1/jobs/${id}/pdf`, { key });
      return (await readPdf(new Uint8Array(await response.arrayBuffer()))).size;
    };
    expect(await sizeOf(usual)).toEqual([612, 792]);
    expect(await sizeOf(landscape)).toEqual([792, 612]);
  });
});

describe('a worker of the last release', () => {
  const workerId = '01a20b1c-7e0d-7435-94b8-0000000000aa';
  const rowOf = async (id: string) =>
    (await sql`select status, html, url, keeps_parts from pdfprompt_job where id = ${id}`)[0];
  const claim = (id: string) =>
    sql`update pdfprompt_job set status = 'processing', runs = 1, attempts = 1, started_at = now(), worker_id = ${workerId}
      where id = ${id} returning html, url`;
  const accepted = async (body: object) =>
    ((await (await request('/v1/jobs', { method: 'POST', body: JSON.stringify(body) })).json()) as { id: string }).id;

  it.each([{ html: '<p>x</p>' }, { url: 'https://x.example/?token=1' }])(
    'finds the document in the row: %j',
    async (body) => {
      await sql`insert into pdfprompt_worker (id, host, pid, concurrency) values (${workerId}, 'last', 1, 1) on conflict do nothing`;
      const id = await accepted(body);
      expect(await rowOf(id)).toEqual({ status: 'queued', html: null, url: null, keeps_parts: true });
      expect([...(await claim(id))]).toEqual([{ html: null, url: null, ...body }]);
      expect(await partsOf(id)).toEqual([]);
      // It is lost, and a worker of this release goes on.
      await sql`update pdfprompt_job set status = 'queued', worker_id = null where id = ${id}`;
      await sql`update pdfprompt_worker set version = 'test' where id = ${workerId}`;
      let found;
      for (let jobs = await next(); jobs.length > 0 && !found; jobs = await next())
        found = jobs.find((job) => job.id === id);
      const [kind, value] = Object.entries(body)[0] ?? [];
      expect(found?.parts).toMatchObject([{ source: { kind, value }, timeoutMs: 60_000 }]);
      await sql`update pdfprompt_worker set version = null where id = ${workerId}`;
    },
  );
  const next = () => claimJobs(base, { workerId, count: 1 });

  it.each([
    { html: '<link rel="stylesheet" href="a.css">', files: { 'a.css': { text: 'p {}' } } },
    { markdown: '# x' },
    { files: { 'index.html': { text: 'x' } } },
  ])('is not given what it does not know: %j', async (body) => {
    await sql`update pdfprompt_worker set version = null where id = ${workerId}`;
    const id = await accepted(body);
    const before = await partsOf(id);
    expect([...(await claim(id))]).toEqual([]);
    expect(await rowOf(id)).toEqual({ status: 'queued', html: null, url: null, keeps_parts: true });
    expect(await partsOf(id)).toEqual(before);
  });

  it('is not given a request that only this one can read', async () => {
    await sql`update pdfprompt_worker set version = null where id = ${workerId}`;
    const [row] = await sql<{ id: string }[]>`select pdfprompt.submit('ann@example.com', '{"html": "<p>x</p>"}') as id`;
    const id = row?.id ?? '';
    const before = await partsOf(id);
    expect([...(await claim(id))]).toEqual([]);
    expect(await rowOf(id)).toEqual({ status: 'queued', html: null, url: null, keeps_parts: true });
    expect(await partsOf(id)).toEqual(before);
  });

  it('is not meant by one that has said which release it runs', async () => {
    await sql`update pdfprompt_worker set version = 'test' where id = ${workerId}`;
    const id = await accepted({ html: '<p>x</p>' });
    await claim(id);
    expect(await rowOf(id)).toMatchObject({ status: 'processing', html: null, keeps_parts: true });
    expect(await partsOf(id)).toHaveLength(1);
  });
});

describe('pdfprompt_enqueue', () => {
  const queue = { url, connectTimeoutMs: 10_000 };
  const ENQUEUE = 'pdfprompt_enqueue(uuid, integer, integer)';
  const bodyOf = async () =>
    (await sql`select prosrc from pg_proc where proname = 'pdfprompt_enqueue'`)[0]?.prosrc as string;

  it("has the pinned pg-boss's own statement", async () => {
    let sent = '';
    const executeSql = async (text: string) => {
      sent = text;
      return { rows: [{ id: null }] };
    };
    const boss = new PgBoss({ connectionString: url, migrate: false, supervise: false, schedule: false });
    await boss.start();
    await boss.send('pdf', null, { db: { executeSql } });
    await boss.stop({ graceful: false });
    const [before = '', after = ''] = sent.split('$1::text::json');
    const body = await bodyOf();
    for (const text of [before, after]) expect(body).toContain(text.trim());
  });

  it('is created again if it is missing or differs, and --check says so', async () => {
    const body = await bodyOf();
    for (const change of [
      'drop function pdfprompt_enqueue',
      `create or replace function pdfprompt_enqueue(id uuid, priority integer, expire_seconds integer) returns void language plpgsql as 'begin end'`,
    ]) {
      await sql.unsafe(change);
      expect(await installQueue({ ...queue, check: true })).toEqual([ENQUEUE]);
      expect(await installQueue({ ...queue, check: false })).toEqual([ENQUEUE]);
      expect(await installQueue({ ...queue, check: true })).toEqual([]);
      expect(await bodyOf()).toBe(body);
    }
  });

  it('of a newer pg-boss is left alone, so that the release before still starts', async () => {
    const newer = (await bodyOf()).replace(/-- pg-boss [\d.]+/, '-- pg-boss 1000.0.0');
    await sql.unsafe(
      `create or replace function pdfprompt_enqueue(id uuid, priority integer, expire_seconds integer) returns void language plpgsql as $enqueue$${newer}$enqueue$`,
    );
    expect(await installQueue({ ...queue, check: true })).toEqual([]);
    expect(await installQueue({ ...queue, check: false })).toEqual([]);
    expect(await bodyOf()).toBe(newer);
  });
});

import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { setLimits } from '../../src/accounts/user-limits.ts';
import { EgressPolicy } from '../../src/egress/policy.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { expire } from '../../src/jobs/expire.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { readRequest } from '../../src/jobs/read-request.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { doneWith } from '../support/outcomes.ts';
import { startService } from '../support/service.ts';

/** A day, if nobody says another time. */
const DAY = 86_400;
const MAX = 20 * DAY;
const service = await startService({ env: { PDF_RETENTION: String(DAY), PDF_RETENTION_MAX: String(MAX) } });
const { base, sql, request } = service;
const { db, queue, stores, events, assetStores, config } = base;
const retentionMs = DAY * 1_000;
const workerId = uuidv7();
await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'here', 1, 1, 'test')`;
await sql`insert into pdfprompt_tier (name, priority, retention_seconds) values ('kept', 1, ${3 * DAY}), ('plain', 1, null)`;

let count = 0;
async function newUser(tier: string, own?: number | null) {
  const email = `user${count++}@example.com`;
  const { key, userId } = await createKey(db, { email, tier });
  if (own !== undefined) await setLimits(db, { userId, limits: { retention: own } });
  return { email, key };
}
async function putTemplate(key: string) {
  await request('/v1/templates/week', {
    method: 'PUT',
    key,
    body: JSON.stringify({ files: { 'index.html': { text: 'x' } }, request: { retention: 7 * DAY } }),
  });
}
type User = Awaited<ReturnType<typeof newUser>>;
const post = (path: string, { key }: User, body: object) =>
  request(path, { method: 'POST', key, body: JSON.stringify(body) });

async function claimed(): Promise<ClaimedJob[]> {
  await sql`select pdfprompt_queue_scheduled(100)`;
  const jobs = await claimJobs({ db, queue, events }, { workerId, count: 50 });
  const deps = { db, assetStores, assetBytes: MEGABYTE, egress: new EgressPolicy(config.egress), maxRetentionSeconds: MAX }; // prettier-ignore
  return Promise.all(
    jobs.map(async (job) => {
      if (job.unread === undefined) return job;
      const read = await readRequest(deps, job, new AbortController().signal);
      if ('parts' in read) return read;
      await finishJob({ db, queue, stores, retentionMs }, job, read);
      return job;
    }),
  );
}
const finish = (job: ClaimedJob, isFailure = false) =>
  finishJob(
    { db, queue, stores, retentionMs },
    job,
    isFailure ? { kind: 'reject', code: 'print_failed', message: 'x' } : doneWith(Buffer.from('%PDF-1.7')),
  );

const scheduled = async (user: User, body: object) => {
  await request('/v1/schedules/nightly', {
    method: 'PUT',
    key: user.key,
    body: JSON.stringify({ cron: '0 3 * * *', timezone: 'Etc/UTC', request: body }),
  });
  return post('/v1/schedules/nightly/run', user, {});
};
/** Ways to submit what a request says. */
const WAYS: Record<string, (user: User, body: object) => Promise<unknown>> = {
  'POST /v1/jobs': (user, body) => post('/v1/jobs', user, body),
  'POST /v1/jobs at a time': (user, body) =>
    post('/v1/jobs', user, { ...body, runAt: new Date(Date.now() + 60_000).toISOString() }).then(
      () => sql`update pdfprompt_job set run_at = now() where status = 'scheduled'`,
    ),
  'POST /v1/batches': (user, { html, ...common }: { html?: string }) =>
    post('/v1/batches', user, { request: common, items: [html === undefined ? { data: {} } : { html }] }),
  'a merged batch': (user, { html, ...common }: { html?: string }) =>
    post('/v1/batches', user, { request: common, result: 'merged', items: [html === undefined ? { data: {} } : { html }] }), // prettier-ignore
  SQL: ({ email }, body) => sql`select pdfprompt.submit(${email}, ${JSON.stringify(body)}::text::jsonb)`,
  'a schedule': scheduled,
};

describe.each(Object.entries(WAYS))('a job that is submitted by %s is kept', (_, submit) => {
  const html = 'x';
  it.each([
    ['as its request says', { html, retention: 7 * DAY }, 'kept', 5 * DAY, 7 * DAY],
    ['as its template says', { template: 'week' }, 'kept', 5 * DAY, 7 * DAY],
    ['as its request says over its template', { template: 'week', retention: 2 * DAY }, 'kept', 5 * DAY, 2 * DAY],
    ['as its user has it', { html }, 'kept', 5 * DAY, 5 * DAY],
    ['as the service says, if its user has that', { html }, 'kept', null, DAY],
    ['as its tier says', { html }, 'kept', undefined, 3 * DAY],
    ['as the service says', { html }, 'plain', undefined, DAY],
  ] as const)('%s', async (__, body, tier, own, seconds) => {
    const user = await newUser(tier, own);
    if ('template' in body) await putTemplate(user.key);
    await submit(user, body);
    for (let jobs = await claimed(); jobs.length > 0; jobs = await claimed()) for (const job of jobs) await finish(job);
    const rows = await sql`
      select round(extract(epoch from f.expires_at - j.completed_at))::integer as seconds from pdfprompt_job j
      join pdfprompt_file f on f.job_id = j.id join pdfprompt_user u on u.id = j.user_id where u.email = ${user.email}`;
    const files = _ === 'a merged batch' ? 2 : 1; // of the item and of all together
    expect([...rows]).toEqual(Array.from({ length: files }, () => ({ seconds })));
  });
});

describe('what is over the bound of the service', () => {
  const TOO_LONG = { retention: MAX + 1 };
  it.each([
    ['POST /v1/jobs', (user: User) => post('/v1/jobs', user, { html: 'x', ...TOO_LONG }), ''],
    ['POST /v1/pdf', (user: User) => post('/v1/pdf', user, { html: 'x', ...TOO_LONG }), ''],
    ['POST /v1/batches', (user: User) => post('/v1/batches', user, { request: TOO_LONG, items: [{ html: 'x' }] }), 'request.'],
    ['PUT /v1/schedules', (user: User) => request('/v1/schedules/a', { method: 'PUT', key: user.key, body: JSON.stringify({ cron: '0 3 * * *', timezone: 'Etc/UTC', request: { html: 'x', ...TOO_LONG } }) }), 'request.'],
  ])('is refused by %s', async (_, ask, at) => {
    const answer = await ask(await newUser('plain'));
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { errors: object[] }).errors).toEqual([
      { field: `${at}retention`, message: `allowed by this service: whole seconds from 60 to ${MAX}` },
    ]);
  }); // prettier-ignore

  it('fails a job that was submitted in SQL', async () => {
    const user = await newUser('plain');
    await sql`select pdfprompt.submit(${user.email}, ${JSON.stringify({ html: 'x', ...TOO_LONG })}::text::jsonb)`;
    await claimed();
    const [row] = await sql`
      select error_code, error_message from pdfprompt_job j join pdfprompt_user u on u.id = j.user_id where email = ${user.email}`;
    expect(row).toEqual({ error_code: 'invalid_request', error_message: expect.stringContaining('retention: allowed by this service') }); // prettier-ignore
  });

  it('and what the service allows is accepted', async () => {
    expect((await post('/v1/jobs', await newUser('plain'), { html: 'x', retention: MAX })).status).toBe(202);
    await Promise.all((await claimed()).map((job) => finish(job)));
  });
});

describe('what has a time of its own', async () => {
  const user = await newUser('plain');
  const jobs: Record<string, string> = {};
  const cases = [[60, false], [60, true], [undefined, false], [undefined, true], [10 * DAY, false], [10 * DAY, true]] as const; // prettier-ignore
  for (const [retention, isFailure] of cases) {
    const { id } = (await (await post('/v1/jobs', user, { html: 'x', retention })).json()) as { id: string };
    jobs[id] = `${retention ?? DAY}${isFailure ? ' failed' : ''}`;
    for (const job of await claimed()) await finish(job, isFailure);
  }
  /** As if so many seconds had passed since their ends. */
  const later = async (seconds: number) => {
    await sql`update pdfprompt_job set completed_at = completed_at - ${seconds} * interval '1 second' where id in ${sql(Object.keys(jobs))}`;
    await sql`update pdfprompt_file set expires_at = expires_at - ${seconds} * interval '1 second' where job_id in ${sql(Object.keys(jobs))}`;
    await expire({ db, stores, events, retentionMs });
  };
  const left = async () => {
    const rows = await sql<{ id: string; has_document: boolean }[]>`
      select j.id, coalesce((select f.expired_at is null from pdfprompt_file f where f.job_id = j.id),
        exists (select from pdfprompt_part p where p.job_id = j.id and p.content is not null)) as has_document
      from pdfprompt_job j where id in ${sql(Object.keys(jobs))} order by id`;
    return Object.fromEntries(rows.map((row) => [jobs[row.id], row.has_document]));
  };
  const all = Object.fromEntries(Object.values(jobs).map((name) => [name, true]));

  it('is kept for that time: PDFs, and documents of failed jobs', async () => {
    await later(0);
    expect(await left()).toEqual(all);
    await later(61);
    expect(await left()).toEqual({ ...all, '60': false, '60 failed': false });
    await later(DAY);
    const gone = { ...all, '60': false, '60 failed': false, [DAY]: false, [`${DAY} failed`]: false };
    expect(await left()).toEqual(gone);
    await later(9 * DAY);
    expect(await left()).toEqual(Object.fromEntries(Object.values(jobs).map((name) => [name, false])));
  });

  it('and what is known of the job for 30 days more', async () => {
    await later(20 * DAY); // 30 and a day
    const names = Object.keys(await left());
    expect(names.toSorted()).toEqual([String(10 * DAY), `${10 * DAY} failed`, String(DAY), `${DAY} failed`].toSorted());
    await later(DAY);
    expect(Object.keys(await left()).toSorted()).toEqual([String(10 * DAY), `${10 * DAY} failed`].toSorted());
    await later(9 * DAY);
    expect(await left()).toEqual({});
  });

  it('is found by an index, however many are kept for longer', async () => {
    const plans: string[] = [];
    await sql.begin(async (tx) => {
      await tx`set local enable_seqscan = off`;
      await tx`set local enable_bitmapscan = off`;
      const explain = async (where: string) =>
        plans.push(JSON.stringify(await tx.unsafe(`explain select id from pdfprompt_job where ${where} limit 200`)));
      const kept = `(keeps_parts or html is not null or url is not null or request ?| '{cookies,setExtraHTTPHeaders}'::text[])`;
      const own = `completed_at is not null and retention_seconds is not null and (completed_at at time zone 'utc') + retention_seconds * interval '1 second' < now() at time zone 'utc'`;
      const usual = `completed_at is not null and retention_seconds is null and completed_at < now()`;
      for (const which of [usual, own]) {
        await explain(`${kept} and ${which}`);
        await explain(which);
      }
    });
    expect(plans).toEqual(
      ['kept_default', 'ended_default', 'kept_own', 'ended_own'].map((name) =>
        expect.stringContaining(`using pdfprompt_job_${name}`),
      ),
    );
  });
});

it('an action on many jobs is kept for 30 days after its end', async () => {
  for (const days of [29, 31])
    await sql`
      insert into pdfprompt_bulk_action (id, action, filter, status, expected, created_at, ended_at)
      values (gen_random_uuid(), 'retry', '{}', 'completed', 1, now() - interval '40 days', now() - ${days}::integer * interval '1 day')`;
  await expire({ db, stores, retentionMs, events });
  const left =
    await sql`select extract(day from now() - ended_at)::integer as days from pdfprompt_bulk_action order by 1`;
  expect(left.map(({ days }) => days as number)).toEqual([29]);
});

it('a retry asks for the same, and is of the job', async () => {
  const user = await newUser('kept');
  const { id } = (await (await post('/v1/jobs', user, { html: 'x', retention: 60 })).json()) as { id: string };
  for (const job of await claimed()) await finish(job, true);
  const again = (await (await post(`/v1/jobs/${id}/retry`, user, {})).json()) as { id: string };
  const [row] = await sql`select retry_of, retention_seconds from pdfprompt_job where id = ${again.id}`;
  expect(row).toEqual({ retry_of: id, retention_seconds: 60 });
});

it('keeps what allowed an upload as long as the job says', async () => {
  const user = await newUser('plain');
  const jobOf = async (retention: number) =>
    ((await (await post('/v1/jobs', user, { html: 'x', retention })).json()) as { id: string }).id;
  const [longer, shorter] = [await jobOf(7 * DAY), await jobOf(60)];
  for (const job of await claimed()) await finish(job, true);
  for (const [id, seconds] of [
    [longer, 2 * DAY],
    [shorter, 120],
  ] as const)
    // prettier-ignore
    await sql`
      with j as (update pdfprompt_job set completed_at = now() - ${seconds} * interval '1 second' where id = ${id} returning *)
      insert into pdfprompt_delivery (id, user_id, job_id, kind, url, headers, host, status, created_at, ended_at)
      select gen_random_uuid(), user_id, id, 'upload', 'https://b.example/x?signature=1', '{"a": "b"}', 'b.example', 'delivered', completed_at, completed_at
      from j`;
  await expire({ db, stores, retentionMs, events });
  const rows = await sql<{ job_id: string; url: string }[]>`
    select job_id, url from pdfprompt_delivery where job_id in (${longer}, ${shorter})`;
  expect(Object.fromEntries(rows.map((row) => [row.job_id, row.url]))).toEqual({
    [longer]: 'https://b.example/x?signature=1',
    [shorter]: 'https://b.example/x',
  });
});

import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import type { Principal } from '../../src/accounts/principals.ts';
import type { Job } from '../../src/domain/job.ts';
import { cancelJob } from '../../src/jobs/cancel.ts';
import { eraseUser } from '../../src/jobs/erase-user.ts';
import { queueAllScheduled, queueScheduled, untilScheduled } from '../../src/jobs/queue-scheduled.ts';
import { readGroups } from '../../src/jobs/queue-overview.ts';
import { searchJobs } from '../../src/jobs/search-jobs.ts';
import { principalOf } from '../support/accounts.ts';
import { undoLater } from '../support/clean-up.ts';
import { createAdminKey, signIn } from '../support/console.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { readPdf } from '../support/pdf.ts';
import { startService } from '../support/service.ts';

/** Prints, and queues what is due; a second one is an API only, with whose database tests queue themselves. */
const printing = await startService({ worker: true });
const still = await createDatabase();
const idle = await startService({ database: still });
for (const each of idle.services) if (each.constructor.name === 'ScheduleTicker') await each.stop();
const { sql } = still;
const pools = [openTestPool(still.url, 2), openTestPool(still.url, 2)] as const;
undoLater(() => Promise.all(pools.map((pool) => pool.close())));
const [{ db }] = pools;
const { queue, events, stores } = idle.base;

type Answer = Job & { code?: string; errors?: { field: string; message: string }[] };
async function call(service: typeof idle, path: string, init: Parameters<typeof idle.request>[1] = {}) {
  const response = await service.request(path, init);
  const text = await response.text();
  return { status: response.status, json: (text === '' ? {} : JSON.parse(text)) as Answer };
}
const post = (path: string, body: object, init: Parameters<typeof idle.request>[1] = {}, service = idle) =>
  call(service, path, { method: 'POST', body: JSON.stringify(body), ...init });
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const submit = async (body: object = {}, key = idle.key) =>
  (await post('/v1/jobs', { html: '<p>later</p>', runAt: inHours(1), ...body }, { key })).json;
/** Their time has come. */
const makeDue = (ids: readonly string[]) =>
  sql`update pdfprompt_job set run_at = now() - interval '1 second' where id in ${sql([...ids])}`;
const statuses = async (ids: readonly string[]) =>
  (await sql<{ status: string }[]>`select status from pdfprompt_job where id in ${sql([...ids])} order by id`).map(({ status }) => status); // prettier-ignore
const placesOf = async (ids: readonly string[]) =>
  (await sql`select id from pgboss.job where id in ${sql([...ids])}`).length;
let users = 0;
const newUser = async () => {
  const key = await idle.newKey(`later${users++}@example.com`);
  return { key, principal: await principalOf(idle.base.db, key) };
};
const cancel = ({ userId }: Principal, jobId: string) =>
  cancelJob({ db: pools[1].db, queue, events }, { userId, jobId, requestId: undefined });

describe('a job with runAt', () => {
  it('is scheduled until then, and printed at its time', async () => {
    const runAt = new Date(Date.now() + 1_500);
    const { status, json: job } = await post('/v1/jobs', { html: '<p>Good morning</p>', runAt: runAt.toISOString() }, {}, printing); // prettier-ignore
    expect(status).toBe(202);
    expect(job).toMatchObject({
      status: 'scheduled',
      queuePosition: null,
      startedAt: null,
      runAt: runAt.toISOString(),
    });
    const { json: done } = await call(printing, `/v1/jobs/${job.id}?wait=60`);
    expect(done).toMatchObject({ status: 'completed', createdAt: job.createdAt, runAt: job.runAt });
    const startedAt = Date.parse(done.startedAt ?? '');
    expect(startedAt).toBeGreaterThanOrEqual(runAt.getTime());
    // It has not waited for what was before its time.
    const { queued = NaN } = done.timings ?? {};
    expect(startedAt - queued).toBeGreaterThanOrEqual(runAt.getTime() - 1);
    const pdf = await printing.request(`/v1/jobs/${job.id}/pdf`);
    expect((await readPdf(new Uint8Array(await pdf.arrayBuffer()))).text).toEqual(['Good morning']);
  });

  it('is in no figure of the queue, and in the lists as scheduled', async () => {
    const { key, principal } = await newUser();
    const before = await readGroups(db);
    const [late, soon] = [await submit({ runAt: inHours(9) }, key), await submit({ runAt: inHours(2) }, key)];
    expect([await readGroups(db), await placesOf([late.id, soon.id])]).toEqual([before, 0]);
    expect(await untilScheduled(db)).toBeGreaterThan(0);
    const { json: listed } = await call(idle, '/v1/jobs?status=scheduled', { key });
    expect((listed as unknown as { data: Job[] }).data.map(({ id }) => id)).toEqual([soon.id, late.id]); // newest first
    const { jobs } = await searchJobs(db, { filter: { status: 'scheduled' }, limit: 1 });
    expect(jobs).toMatchObject([{ id: soon.id }]); // the next one first
    const next = await searchJobs(db, { filter: { status: 'scheduled' }, limit: 10, cursor: soon.id });
    expect(next.jobs).toMatchObject([{ id: late.id, runAt: new Date(late.runAt ?? '') }]);
    const { get } = await signIn(idle.address, (await createAdminKey(idle)).key);
    const overview = await (await get('/console')).text();
    expect(overview).toMatch(/Nothing waits\.[^]*href="\/console\/jobs\?status=scheduled">[1-9]\d* scheduled</);
    for (const { id } of [late, soon]) await cancel(principal, id);
  });

  it('counts towards the limits when it is accepted', async () => {
    const { key, principal } = await newUser();
    await sql`insert into pdfprompt_tier values ('two', 2, null, 1) on conflict do nothing`;
    await sql`update pdfprompt_user_subscription set tier = 'two' where user_id = ${principal.userId}`;
    const answers = [];
    for (let n = 0; n < 3; n++)
      answers.push((await post('/v1/jobs', { html: 'x', runAt: inHours(5) }, { key })).status);
    expect(answers).toEqual([202, 202, 429]);
  });

  it('of now, or of up to a minute ago, is an ordinary one', async () => {
    const runAt = new Date(Date.now() - 50_000).toISOString();
    const { status, json } = await post('/v1/jobs', { html: 'x', runAt });
    expect([status, json]).toMatchObject([202, { status: 'queued', runAt }]);
    expect(await placesOf([json.id])).toBe(1);
  });

  it('is to the millisecond, in every answer', async () => {
    const minute = inHours(30).slice(0, 17);
    const { json } = await post('/v1/jobs', { html: 'x', runAt: `${minute}59.9999999Z` });
    const { json: read } = await call(idle, `/v1/jobs/${json.id}`);
    expect([json.runAt, read.runAt]).toEqual([`${minute}59.999Z`, `${minute}59.999Z`]);
  });

  it('is one job with one Idempotency-Key, whatever has become of it; another time is another request', async () => {
    const headers = { 'Idempotency-Key': 'later' };
    const body = { html: 'x', runAt: inHours(3) };
    const first = await post('/v1/jobs', body, { headers });
    const other = await post('/v1/jobs', { ...body, runAt: inHours(4) }, { headers });
    await makeDue([first.json.id]);
    await queueScheduled(db);
    const again = await post('/v1/jobs', body, { headers });
    expect([first.status, again.status, other.status]).toEqual([202, 200, 422]);
    expect(again.json).toMatchObject({ id: first.json.id, status: 'queued', createdAt: first.json.createdAt });
  });
});

describe('when times have come', () => {
  it('a user whose own transaction is open keeps nobody else waiting, however many of theirs are due', async () => {
    const [busy, other] = [await newUser(), await newUser()];
    const theirs: string[] = [];
    for (let count = 0; count < 6; count++) theirs.push((await submit({}, busy.key)).id);
    const { id } = await submit({}, other.key);
    await makeDue(theirs);
    await makeDue([id]);
    await sql.begin(async (tx) => {
      await tx`select from pdfprompt_submit(id => ${uuidv7()}, user_id => ${busy.principal.userId}, kind => 'html', content => 'x')`;
      expect([await queueScheduled(db, 3), await queueScheduled(db, 3)]).toEqual([1, 0]);
      expect([...(await statuses(theirs)), ...(await statuses([id]))]).toEqual([
        ...theirs.map(() => 'scheduled'),
        'queued',
      ]);
    });
    expect([await queueScheduled(db, 10), await queueScheduled(db, 10)]).toEqual([6, 0]);
  });

  it('each of a thousand jobs is queued once, by any number of processes, in the order of fair shares', async () => {
    const people = await Promise.all([newUser(), newUser(), newUser()]);
    const own = await Promise.all(people.map(({ key }) => submit({}, key)));
    await sql`
      with copies as (
        insert into pdfprompt_job (id, user_id, status, priority, request, run_at, created_at, keeps_parts)
        select pdfprompt_new_id(), user_id, status, priority, request, now() - interval '1 second', created_at, true
        from pdfprompt_job, generate_series(1, 333) where id in ${sql(own.map(({ id }) => id))} returning id)
      insert into pdfprompt_part (job_id, position, kind, content) select id, 0, 'html', 'x' from copies`;
    await makeDue(own.map(({ id }) => id));
    const signal = new AbortController().signal;
    await Promise.all([0, 1, 0, 1].map((n) => queueAllScheduled(pools[n as 0 | 1].db, signal)));
    const [row] = await sql`
      select count(*)::int as jobs, count(distinct q.id)::int as places, count(*) filter (where j.status = 'queued')::int as queued,
        count(*) filter (where q.priority <> -j.rank)::int as elsewhere, min(j.created_at) >= max(j.accepted_at) as later,
        count(distinct (j.user_id, j.rank))::int as ranks
      from pdfprompt_job j join pgboss.job q on q.id = j.id
      where j.user_id in ${sql(people.map(({ principal }) => principal.userId))}`;
    expect(row).toEqual({ jobs: 1_002, places: 1_002, queued: 1_002, elsewhere: 0, later: true, ranks: 1_002 });
    // A job of one of them that is submitted now comes after what of theirs is queued.
    const { json: now } = await post('/v1/jobs', { html: 'x' }, { key: people[0].key });
    const [last] = await sql`select id from pdfprompt_job where user_id = ${people[0].principal.userId} and is_queued order by rank desc, id desc limit 1`; // prettier-ignore
    expect(last).toEqual({ id: now.id });
    const [oldest] = await sql`select max(extract(epoch from now() - created_at))::int as seconds from pdfprompt_job where is_queued`; // prettier-ignore
    expect(oldest?.seconds).toBeLessThan(60);
    for (const { principal } of people) await eraseUser({ db, queue, stores }, { id: principal.userId });
  }, 60_000);

  it('comes before the items of a batch that the same user has queued', async () => {
    const { key, principal } = await newUser();
    const job = await submit({}, key);
    const items = Array.from({ length: 3 }, (_, n) => ({ html: `<p>${n}</p>` }));
    await post('/v1/batches', { request: {}, items }, { key });
    await makeDue([job.id]);
    await queueScheduled(db);
    const [first] = await sql`select id from pdfprompt_job where user_id = ${principal.userId} and is_queued order by rank, id limit 1`; // prettier-ignore
    expect(first).toEqual({ id: job.id });
  });

  it('is queued by the next process if the one before was killed in between', async () => {
    const { id } = await submit();
    await makeDue([id]);
    const before = await sql.reserve();
    await before`begin`;
    await before`select pdfprompt_queue_scheduled(10)`;
    expect(await queueScheduled(db)).toBe(0); // it has it in hand
    await before`rollback`;
    before.release();
    expect(await statuses([id])).toEqual(['scheduled']);
    expect(await queueScheduled(db)).toBe(1);
    expect([await statuses([id]), await placesOf([id])]).toEqual([['queued'], 1]);
  });

  it('is either queued and cancelled, or cancelled, however a cancellation races it', async () => {
    const { key, principal } = await newUser();
    for (let round = 0; round < 20; round++) {
      const { id } = await submit({}, key);
      await makeDue([id]);
      await Promise.all([queueScheduled(db), cancel(principal, id)]);
      await queueScheduled(db);
      expect(await statuses([id])).toEqual(['cancelled']);
      const [place] = await sql`select state from pgboss.job where id = ${id}`;
      expect([undefined, 'cancelled']).toContain(place?.state);
    }
  });
});

describe('a job before its time', () => {
  it('is cancelled and reported like a queued one, in SQL too, and a retry is printed now', async () => {
    const { key } = await newUser();
    await post('/v1/webhooks', { url: 'https://93.184.215.14/hook', events: ['job.cancelled'] }, { key });
    const [ours, theirs] = [await submit({ metadata: { n: 1 } }, key), await submit({}, key)];
    expect((await call(idle, `/v1/jobs/${ours.id}`, { method: 'DELETE', key })).json).toMatchObject({ status: 'cancelled' }); // prettier-ignore
    expect(await sql`select pdfprompt.cancel(${theirs.id}) as is_cancelled`).toEqual([{ is_cancelled: true }]);
    const sent = await sql`select event, status from pdfprompt_delivery where job_id in ${sql([ours.id, theirs.id])}`;
    expect([...sent]).toEqual([0, 1].map(() => ({ event: 'job.cancelled', status: 'ready' })));
    await makeDue([ours.id, theirs.id]);
    expect(await queueScheduled(db)).toBe(0);
    const { json: again } = await post(`/v1/jobs/${ours.id}/retry`, {}, { key });
    expect(again).toMatchObject({ status: 'queued', runAt: null, metadata: { n: 1 } });
  });

  it('goes with its user', async () => {
    const { key, principal } = await newUser();
    const { id } = await submit({}, key);
    await eraseUser({ db, queue, stores }, { id: principal.userId });
    expect(await statuses([id])).toEqual([]);
  });

  it('answers what waits for it when the seconds are over', async () => {
    const { id } = await submit();
    expect((await call(idle, `/v1/jobs/${id}?wait=1`)).json).toMatchObject({ id, status: 'scheduled' });
    expect(await call(idle, `/v1/jobs/${id}/pdf`)).toMatchObject({ status: 409, json: { code: 'job_not_ready' } });
  });

  it('keeps its template and its files', async () => {
    const { key } = await newUser();
    const put = (path: string, body: BodyInit, type: string) =>
      idle.request(path, { method: 'PUT', key, body, headers: { 'Content-Type': type } });
    await put(
      '/v1/templates/note',
      JSON.stringify({ files: { 'index.liquid': { text: 'x{{ n }}' } } }),
      'application/json',
    );
    const asset = (await (await put('/v1/assets', 'body{}', 'text/css')).json()) as { id: string };
    const printed = await submit({ html: undefined, template: 'note' }, key);
    const styled = await submit({ html: '<link rel=stylesheet href=a.css>', files: { 'a.css': asset.id } }, key);
    await call(idle, '/v1/templates/note', { method: 'DELETE', key });
    const [row] = await sql`
      select (select count(*)::int from pdfprompt_part p join pdfprompt_template_version v on v.id = p.template_version where p.job_id = ${printed.id}) as versions,
        (select count(*)::int from pdfprompt_part_file where job_id = ${styled.id}) as files`;
    expect(row).toEqual({ versions: 1, files: 1 });
    expect(printed.templates).toEqual(['note@1']);
  });
});

describe('a time', () => {
  it.each([
    ['2031-05-01T08:00:00', /time zone.*allowed: a date and time with Z or an offset/],
    ['2031-05-01', /time zone/],
    ['2031-05-01 08:00:00Z', /allowed: a date and time/],
    ['2031-05-01T08:00:00z', /allowed: a date and time/],
    ['2031-02-29T08:00:00Z', /no such day/],
    ['2031-04-31T08:00:00Z', /no such day/],
    ['2031-13-01T08:00:00Z', /no such day/],
    ['0000-01-01T08:00:00Z', /no such day/],
    ['2031-05-01T24:00:00Z', /allowed: a date and time/],
    ['2031-05-01T08:60:00Z', /allowed: a date and time/],
    ['2031-05-01T08:00:60Z', /allowed: a date and time/],
    ['2031-05-01T08:00:00+15:00', /allowed: a date and time/],
    ['2031-05-01T08:00:00+0200', /allowed: a date and time/],
    ['2031-W18-4T08:00:00Z', /allowed: a date and time/],
    ['+002031-05-01T08:00:00Z', /allowed: a date and time/],
    ['tomorrow', /allowed: a date and time/],
    ['', /allowed: a date and time/],
    ['9'.repeat(10_000), /^allowed: a date and time/],
    [1_935_388_800, /^allowed: a date and time with Z or an offset, such as 2031-/],
    [{ at: '2031-05-01T08:00:00Z' }, /^allowed: a date and time with Z/],
    [inHours(-0.02), /it is in the past; allowed: a time from now to 365 days ahead/],
    [inHours(366 * 24), /it is more than 365 days ahead/],
    ['9999-12-31T23:59:59.999999999-14:00', /it is more than 365 days ahead/],
    ['0001-01-01T00:00:00+14:00', /it is in the past/],
  ])('that is not valid is refused by name: %.40s', async (runAt, message) => {
    const { status, json } = await post('/v1/jobs', { html: 'x', runAt });
    expect([status, json.code, json.errors]).toMatchObject([400, 'invalid_request', [{ field: 'runAt', message: expect.stringMatching(message) as string }]]); // prettier-ignore
    if (typeof runAt !== 'string') return;
    const email = 'ann@example.com';
    const request = JSON.stringify({ html: 'x', runAt });
    await expect(sql`select pdfprompt.submit(${email}, ${request}::text::jsonb)`).rejects.toMatchObject({
      code: 'PDF09',
      message: expect.stringMatching(/^runAt: /) as string,
    });
  });

  it('is the same, however it is written, over HTTP and in SQL', async () => {
    const day = inHours(48).slice(0, 10);
    const spellings = ['T12:30Z', 'T12:30:00Z', 'T12:30:00.000Z', 'T12:30:00.000000000Z', 'T14:30+02:00', 'T07:00:00-05:30', 'T12:30:00-00:00']; // prettier-ignore
    for (const spelling of spellings) {
      expect(await submit({ runAt: day + spelling })).toMatchObject({ runAt: `${day}T12:30:00.000Z` });
      const request = JSON.stringify({ html: 'x', runAt: day + spelling });
      const [made] = await sql<
        { id: string }[]
      >`select pdfprompt.submit('ann@example.com', ${request}::text::jsonb) as id`;
      const [row] = await sql<{ job: Job }[]>`select pdfprompt.job(${made?.id ?? ''}) as job`;
      expect(row?.job).toMatchObject({ status: 'scheduled', runAt: `${day}T12:30:00.000Z` });
    }
  });

  it('that is null is none', async () => {
    expect(await submit({ runAt: null })).toMatchObject({ status: 'queued', runAt: null });
  });
});

describe('what begins now refuses it by name', () => {
  const runAt = inHours(1);
  const template = { files: { 'index.liquid': { text: 'x' } } };
  it.each<[string, string, object, string]>([
    ['POST', '/v1/pdf', { html: 'x', runAt }, 'runAt'],
    ['POST', '/v1/jobs', { parts: [{ html: 'x', runAt }] }, 'parts[0].runAt'],
    ['POST', '/v1/batches', { request: { html: 'x', runAt }, items: [{}] }, 'request.runAt'],
    ['POST', '/v1/batches', { request: {}, items: [{ html: 'x', runAt }] }, 'items[0].runAt'],
    ['PUT', '/v1/schedules/s', { cron: '@daily', timezone: 'UTC', request: { html: 'x', runAt } }, 'request.runAt'],
    ['PUT', '/v1/templates/t', { ...template, request: { runAt } }, 'request.runAt'],
    ['POST', '/v1/templates/t/preview', { ...template, runAt }, 'runAt'],
  ])('%s %s %j', async (method, path, body, field) => {
    const { status, json } = await post(path, body, { method });
    expect([status, json.errors?.map((each) => each.field)]).toEqual([400, [field]]);
  });

  it('a PDF of a job that expires before is refused', async () => {
    const { json: job } = await post('/v1/jobs', { html: 'x' });
    await sql`update pdfprompt_job set status = 'completed', completed_at = now() where id = ${job.id}`;
    await sql`
      insert into pdfprompt_file (id, job_id, user_id, store, size, pages, type, sha256, expires_at)
      select gen_random_uuid(), id, user_id, 'postgres', 1, 1, 'application/pdf', sha256(''), now() + interval '2 hours' from pdfprompt_job where id = ${job.id}`;
    const request = (hours: number) => post('/v1/jobs', { pdf: { job: job.id }, runAt: inHours(hours) });
    expect((await request(1)).json).toMatchObject({ status: 'scheduled' });
    expect((await request(3)).json.errors).toMatchObject([{ field: 'pdf.job', message: expect.stringMatching(/which is before runAt/) as string }]); // prettier-ignore
  });
});

it('assets that a request in SQL names are kept for it until it is printed; those that are not there are named', async () => {
  const css = 'p::after { content: " and styles" }';
  const put = await printing.request('/v1/assets', {
    method: 'PUT',
    body: css,
    headers: { 'Content-Type': 'text/css' },
  });
  const { id: asset } = (await put.json()) as { id: string };
  const submitted = async (file: string) => {
    const runAt = new Date(Date.now() + 1_000).toISOString();
    const request = { html: '<link rel=stylesheet href=a.css><p>Files', files: { 'a.css': file }, runAt };
    const [row] = await printing.sql<{ id: string }[]>`
      select pdfprompt.submit('ann@example.com', ${JSON.stringify(request)}::text::jsonb) as id`;
    return row?.id ?? '';
  };
  await expect(submitted('0'.repeat(64))).rejects.toMatchObject({ code: 'PDF05' });
  const id = await submitted(asset);
  const [kept] = await printing.sql`select count(*)::int as files from pdfprompt_part_file where job_id = ${id}`;
  expect(kept).toEqual({ files: 1 });
  expect((await call(printing, `/v1/jobs/${id}?wait=60`)).json).toMatchObject({ status: 'completed', error: null });
  const pdf = await printing.request(`/v1/jobs/${id}/pdf`);
  expect((await readPdf(new Uint8Array(await pdf.arrayBuffer()))).text).toEqual(['Files and styles']);
});

it('the console has it with its time, and neither a wait nor a timeline before', async () => {
  const job = await submit({ runAt: inHours(7), filename: 'in-seven-hours.pdf' });
  const { get } = await signIn(idle.address, (await createAdminKey(idle)).key);
  const read = async (path: string) => (await get(`/console${path}`)).text();
  const list = await read('/jobs?status=scheduled');
  expect(list).toMatch(new RegExp(`${job.id}"[^]*in-seven-hours\\.pdf[^]*pill-scheduled[^]*datetime="${job.runAt}"`));
  const page = await read(`/jobs/${job.id}`);
  expect(page).toMatch(new RegExp(`Runs at</dt>\\s*<dd>\\s*<time datetime="${job.runAt}"`));
  expect(page).toMatch(/Cancel this job/);
  expect(page).not.toMatch(/id="timeline"/);
  await makeDue([job.id]);
  await queueScheduled(db);
  expect(await read(`/jobs/${job.id}`)).toMatch(/To run at<[^]*In all<\/dt>\s*<dd>\d[^]*id="timeline"/);
});

it('the console says of one that was cancelled before its time that it never waited', async () => {
  const job = await submit();
  await call(idle, `/v1/jobs/${job.id}`, { method: 'DELETE' });
  const { get } = await signIn(idle.address, (await createAdminKey(idle)).key);
  const page = await (await get(`/console/jobs/${job.id}`)).text();
  expect(page).toMatch(/pill-cancelled[^]*Wait<\/dt>\s*<dd>–<[^]*In all<\/dt>\s*<dd>–</);
  expect(page).not.toMatch(/id="timeline"/);
});

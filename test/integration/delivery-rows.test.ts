import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { arrayLiteral } from '../../src/db/array-literal.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { expire } from '../../src/jobs/expire.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { requeueLostJobs } from '../../src/jobs/lost-jobs.ts';
import { jobEvents } from '../../src/deliveries/job-events.ts';
import { jobEvent, jobEventSchema } from '../../src/domain/job-event.ts';
import { doneWith } from '../support/outcomes.ts';
import { startService } from '../support/service.ts';
import { createTenants } from '../support/tenants.ts';

const service = await startService();
const { base, sql, request } = service;
const { db, queue, events, stores } = base;
const [ann, bob] = await createTenants(service, ['ann@a.example', 'bob@b.example']);
if (!ann || !bob) throw new Error('there are no tenants');
await sql`delete from pdfprompt_job`;

const submit = async (body: object, key = ann.key) => {
  const response = await request('/v1/jobs', { method: 'POST', key, body: JSON.stringify({ html: '<p>x', ...body }) });
  return { status: response.status, body: (await response.json()) as { id: string; errors?: object[] } };
};
const accepted = async (body: object) => {
  const { status, body: job } = await submit(body);
  expect(status).toBe(202);
  return job.id;
};
const rowsOf = (jobId: string) =>
  sql`select kind, asked, webhook_id, url, host, headers, event, status, ready_at is not null as is_ready, ended_at is not null as is_over
    from pdfprompt_delivery where job_id = ${jobId} order by kind desc, url`;

/** A job in progress, and how it may end. */
async function begin(jobId: string) {
  const workerId = uuidv7();
  await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
  for (let times = 0; times < 100; times++) {
    const [claimed] = await claimJobs({ db, queue, events }, { workerId, count: 1 });
    if (claimed?.id !== jobId) continue; // the place of a job that has ended
    return {
      complete: () => finishJob({ db, queue, stores, retentionMs: 60_000 }, claimed, doneWith(Buffer.from('%PDF-1.4'))),
      reject: () => finishJob({ db, queue, stores, retentionMs: 60_000 }, claimed, { kind: 'reject', code: 'render_timeout', message: 'slow' }), // prettier-ignore
      lose: async () => {
        for (let times = 0; times < 3; times++) {
          await sql`update pdfprompt_job set losses = 9 where id = ${jobId}`;
          await db.transaction((tx) => requeueLostJobs(tx, queue, workerId));
        }
      },
    };
  }
  throw new Error('the job is not in the queue');
}
const cancel = (id: string) => request(`/v1/jobs/${id}`, { method: 'DELETE', key: ann.key });

async function addEndpoint(columns: { events?: string[]; offReason?: string; userId?: string } = {}) {
  const id = uuidv7();
  const { events: which = ['job.completed', 'job.failed', 'job.cancelled'], offReason = null, userId = ann?.userId } = columns; // prettier-ignore
  await sql`insert into pdfprompt_webhook (id, user_id, url, events, secret, off_reason, off_since)
    values (${id}, ${userId as string}, 'https://Hooks.example.com:8443/a?b', ${arrayLiteral(which)}::text[], 'whsec_x', ${offReason}, ${offReason && new Date()})`;
  return id;
}
const HOOK = 'https://user.example.com/hook?a=1';
const BUCKET = 'https://bucket.example.com/key?X-Amz-Signature=abc';
const report = (fields: object) => ({
  on: 'failed',
  url: 'https://a.example/',
  body: { text: '{message}' },
  ...fields,
});

describe('a job that asks for a webhook and an upload', () => {
  it('has a delivery for each, which awaits its end', async () => {
    const id = await accepted({ webhook: HOOK, upload: { url: BUCKET, headers: { 'x-amz-acl': 'private' } } });
    const both = { asked: true, webhook_id: null, event: null, status: 'awaiting', is_ready: false, is_over: false };
    expect([...(await rowsOf(id))]).toEqual([
      { ...both, kind: 'webhook', url: HOOK, host: 'user.example.com', headers: null },
      { ...both, kind: 'upload', url: BUCKET, host: 'bucket.example.com', headers: { 'x-amz-acl': 'private' } },
    ]);
    await cancel(id);
  });

  it.each(['complete', 'reject', 'lose', 'cancel'] as const)('sends them once it ends: %s', async (end) => {
    const id = await accepted({ webhook: HOOK, upload: BUCKET, metadata: { order: 7 }, filename: 'a.pdf' });
    await (end === 'cancel' ? cancel(id) : (await begin(id))[end]());
    const status = { complete: 'completed', reject: 'failed', lose: 'failed', cancel: 'cancelled' }[end];
    const isComplete = status === 'completed';
    expect([...(await rowsOf(id))]).toMatchObject([
      { kind: 'webhook', status: 'ready', event: `job.${status}`, is_ready: true, is_over: false },
      { kind: 'upload', status: isComplete ? 'ready' : 'cancelled', event: `job.${status}`, is_over: !isComplete },
    ]);
    const owned = (await jobEvents(db, [id])).get(id);
    expect(owned?.userId).toBe(ann.userId);
    if (!owned) throw new Error('no event');
    const event = jobEvent(owned.job, 'https://pdf.example.com');
    expect(jobEventSchema.parse(event)).toEqual(event);
    expect(event).toMatchObject({
      type: `job.${status}`,
      version: 1,
      data: {
        id,
        url: `https://pdf.example.com/v1/jobs/${id}`,
        filename: 'a.pdf',
        metadata: { order: 7 },
        error: status === 'failed' ? { code: end === 'lose' ? 'poison' : 'render_timeout' } : null,
        files: isComplete ? 1 : 0,
        pages: isComplete ? 1 : 0,
        size: isComplete ? 8 : 0,
      },
    });
  });

  it('asks for them again when it is retried', async () => {
    const endpoint = await addEndpoint({ events: [] });
    const id = await accepted({ webhook: endpoint, upload: { url: BUCKET, headers: { 'x-a': 'b' } } });
    await cancel(id);
    const again = await request(`/v1/jobs/${id}/retry`, { method: 'POST', key: ann.key });
    const { id: retried } = (await again.json()) as { id: string };
    expect([...(await rowsOf(retried))]).toMatchObject([
      { kind: 'webhook', webhook_id: endpoint, url: null, status: 'awaiting' },
      { kind: 'upload', url: BUCKET, headers: { 'x-a': 'b' }, status: 'awaiting' },
    ]);
    await cancel(retried);
    await sql`delete from pdfprompt_webhook`;
  });

  it('is not accepted without them, and they are not there without it', async () => {
    const before = await sql`select count(*) from pdfprompt_delivery`;
    const wrong = await submit({ webhook: uuidv7() });
    expect(wrong).toMatchObject({ status: 400, body: { errors: [{ field: 'webhook' }] } });
    const others = await addEndpoint({ userId: bob.userId });
    expect(await submit({ webhook: others })).toMatchObject({ status: 400, body: { errors: [{ field: 'webhook' }] } });
    expect([...(await sql`select count(*) from pdfprompt_delivery`)]).toEqual([...before]);
    expect(await sql`select 1 from pdfprompt_job where status = 'queued'`).toHaveLength(0);
    await sql`delete from pdfprompt_webhook`;
  });
});

describe('an endpoint', () => {
  it.each([
    [['job.completed'], 'complete', 1],
    [['job.failed', 'job.cancelled'], 'complete', 0],
    [['job.failed'], 'reject', 1],
    [['job.cancelled'], 'cancel', 1],
    [[], 'cancel', 0],
  ] as const)('of %j receives them of a job whose end is: %s', async (which, end, count) => {
    await addEndpoint({ events: [...which] });
    await addEndpoint({ userId: bob.userId });
    const id = await accepted({});
    await (end === 'cancel' ? cancel(id) : (await begin(id))[end]());
    expect(await rowsOf(id)).toHaveLength(count);
    await sql`delete from pdfprompt_webhook`;
  });

  it('receives one of a job that names it, whatever its events are', async () => {
    const [named, all] = [await addEndpoint({ events: [] }), await addEndpoint()];
    for (const webhook of [named, all]) {
      const id = await accepted({ webhook });
      await cancel(id);
      const rows = await rowsOf(id);
      expect(new Set(rows.map((row) => row.webhook_id))).toEqual(new Set(webhook === all ? [all] : [all, named]));
      expect(rows.every(({ host, status }) => host === 'hooks.example.com:8443' && status === 'ready')).toBe(true);
    }
    await sql`delete from pdfprompt_webhook`;
  });

  it('that is off has failed deliveries, to be replayed', async () => {
    const off = await addEndpoint({ offReason: 'failing' });
    const id = await accepted({ webhook: off });
    await cancel(id);
    const other = await accepted({});
    await cancel(other);
    for (const each of [id, other])
      expect([...(await rowsOf(each))]).toMatchObject([{ status: 'failed', is_over: true, webhook_id: off }]);
    await sql`delete from pdfprompt_webhook`;
  });
});

it('what allows a report is kept as long as a file is', async () => {
  const id = await accepted({ upload: { url: BUCKET, reports: [report({ url: HOOK, headers: { 'x-a': 'b' } })] } });
  await cancel(id);
  const shown = async () => (await rowsOf(id)).find(({ kind }) => kind === 'report');
  await expire({ db, stores, retentionMs: 60_000, events });
  expect(await shown()).toMatchObject({ url: HOOK, headers: { 'x-a': 'b' }, status: 'ready' });
  await sql`update pdfprompt_delivery set status = 'delivered', ended_at = now() where job_id = ${id} and kind = 'report'`;
  await expire({ db, stores, retentionMs: 0, events });
  expect(await shown()).toMatchObject({ url: 'https://user.example.com/hook', headers: null, status: 'delivered' });
});

it('what allows an upload is kept as long as a file is', async () => {
  const id = await accepted({ webhook: HOOK, upload: { url: BUCKET, headers: { 'x-a': 'b' } } });
  await cancel(id);
  const expireNow = (retentionMs: number) => expire({ db, stores, retentionMs, events });
  await expireNow(60_000);
  expect((await rowsOf(id))[1]).toMatchObject({ url: BUCKET, headers: { 'x-a': 'b' } });
  await expireNow(0);
  expect([...(await rowsOf(id))]).toMatchObject([
    { url: HOOK },
    { url: 'https://bucket.example.com/key', headers: null, status: 'cancelled' },
  ]);
});

it.each([
  [{ webhook: 'ftp://a.example/' }, 'webhook', 'the id of a registered endpoint, or http and https, not ftp:'],
  [{ webhook: 'nothing' }, 'webhook', 'the id of a registered endpoint, or an absolute http or https URL'],
  [{ webhook: 'https://a:b@c.example/' }, 'webhook', 'a URL without user name and password'],
  [{ upload: 'x' }, 'upload', 'URL'],
  [{ upload: { url: BUCKET, headers: { Host: 'x' } } }, 'upload.headers.Host', 'headers of the request'],
  [{ upload: { url: BUCKET, headers: { 'x-a': 'Ж' } } }, 'upload.headers.x-a', 'printable ASCII'],
  [{ upload: { url: BUCKET, headers: { 'x-a': 'a\r\nb: c' } } }, 'upload.headers.x-a', 'printable ASCII'],
  [{ upload: { url: BUCKET, header: {} } }, 'upload.header', 'headers'],
  [{ upload: { url: BUCKET, method: 'DELETE' } }, 'upload.method', 'PUT'],
  [{ upload: { url: BUCKET, reports: [report({ on: 'ended' })] } }, 'upload.reports[0].on', 'delivered'],
  [{ upload: { url: BUCKET, reports: [report({ body: 'x' })] } }, 'upload.reports[0].body', 'object'],
  [{ upload: { url: BUCKET, reports: [report({ body: undefined })] } }, 'upload.reports[0].body', 'required'],
  [
    { upload: { url: BUCKET, reports: [report({ body: { a: ['{massage}'] } })] } },
    'upload.reports[0].body',
    '{massage}',
  ],
  [
    { upload: { url: BUCKET, reports: [report({ body: { a: 'x'.repeat(9_000) } })] } },
    'upload.reports[0].body',
    '8192',
  ],
  [
    { upload: { url: BUCKET, reports: [report({ statuses: { nothing: 400 } })] } },
    'upload.reports[0].statuses.nothing',
    'code',
  ],
  [
    { upload: { url: BUCKET, reports: [report({ statuses: { poison: 99 } })] } },
    'upload.reports[0].statuses.poison',
    '100',
  ],
  [{ upload: { url: BUCKET, reports: [report({ url: 'http://10.0.0.1/' })] } }, 'upload.reports[0].url', '10.0.0.1'],
  [{ upload: { url: BUCKET, reports: [1, 2, 3, 4, 5].map(() => report({})) } }, 'upload.reports', '4'],
  [{ webhook: 'http://127.0.0.1/x' }, 'webhook', '127.0.0.1'],
  [{ webhook: 'http://2130706433/' }, 'webhook', '127.0.0.1'],
  [{ webhook: 'https://[::1]/' }, 'webhook', '::1'],
  [{ webhook: 'https://localhost./' }, 'webhook', 'localhost'],
  [{ webhook: 'https://a.example:22/' }, 'webhook', '22'],
  [{ upload: 'http://169.254.169.254/latest' }, 'upload.url', '169.254.169.254'],
])('refuses %j by name', async (body, field, message) => {
  const { status, body: problem } = await submit(body);
  expect({ status, errors: problem.errors }).toMatchObject({
    status: 400,
    errors: [{ field, message: expect.stringContaining(message) as string }],
  });
});

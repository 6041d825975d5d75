import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import type { Sql, TransactionSql } from 'postgres';
import { createKey } from '../../src/accounts/keys.ts';
import { connect } from '../../src/db/driver.ts';
import type { Job } from '../../src/domain/job.ts';
import { REQUEST_BOUNDS } from '../../src/domain/print-fields.ts';
import { readPdf } from '../support/pdf.ts';
import { startGate } from '../support/gate.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const gate = await startGate();
const service = await startService({ worker: true, env: gate.env });
const { sql, url, request, base } = service;

/** An application, which may do nothing but this. */
const role = `app_${randomUUID().slice(0, 8)}`;
await sql.unsafe(`create role ${role} login in role pdfprompt_client password 'x'`);
const address = new URL(url);
Object.assign(address, { username: role, password: 'x' });
const app = connect(address.href, { max: 2 });
afterAll(async () => {
  await app.end();
  await sql.unsafe(`drop role ${role}`);
});

type Client = Sql | TransactionSql;
const ANN = 'ann@example.com';
async function submit(
  body: unknown,
  { user = ANN, key: once, as = app }: { user?: string; key?: string; as?: Client } = {},
) {
  const [row] = await as<{ id: string }[]>`
    select pdfprompt.submit(${user}, ${JSON.stringify(body)}::text::jsonb, ${once ?? null}) as id`;
  return row?.id ?? '';
}
const shown = async (id: string, as: Client = app) =>
  (await as<{ job: Job }[]>`select pdfprompt.job(${id}) as job`)[0]?.job;
const ended = async (id: string) => (await (await request(`/v1/jobs/${id}?wait=60`)).json()) as Job;
const post = (path: string, body?: unknown, method = 'POST') =>
  request(path, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
const partsOf = async (id: string) => [
  ...(await sql`select kind, content, data, settings from pdfprompt_part where job_id = ${id} order by position`),
];
/** How many rows each table has, of the queue too. */
async function counts(): Promise<Record<string, number>> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'pgboss')
      and tablename not in ('pdfprompt_worker', 'pdfprompt_lease')`;
  const all = tables
    .map(({ name }) => `select '${name}' as name, count(*)::integer as rows from ${name}`)
    .join(' union all ');
  return Object.fromEntries(
    (await sql.unsafe<{ name: string; rows: number }[]>(all)).map(({ name, rows }) => [name, rows]),
  );
}

describe('pdfprompt.submit', () => {
  it('leaves nothing if the transaction is rolled back, and a job that is printed if it is committed', async () => {
    const before = await counts();
    await app
      .begin(async (transaction) => {
        await submit({ html: '<p>x</p>', webhook: 'https://hooks.example/x' }, { as: transaction, key: 'gone' });
        throw new Error('the invoice is wrong');
      })
      .catch((error: unknown) => expect(String(error)).toContain('the invoice is wrong'));
    expect(await counts()).toEqual(before);

    const body = {
      html: '<p>x</p>',
      options: { landscape: true },
      filename: 'a.pdf',
      metadata: { order: 1, vip: true },
    };
    const id = await app.begin((transaction) => submit(body, { as: transaction }));
    expect(await ended(id)).toMatchObject({ status: 'completed', metadata: body.metadata, attempts: 1 });
    const pdf = await request(`/v1/jobs/${id}/pdf`);
    expect(pdf.headers.get('content-disposition')).toContain('a.pdf');
    expect((await readPdf(new Uint8Array(await pdf.arrayBuffer()))).size).toEqual([792, 612]);
    // As any other job, from its first line in the log to its usage.
    const line = service.lines.find((each) => each.includes('"job submitted"') && each.includes(id));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ jobId: id, tier: 'unlimited', priority: 'high' });
    expect(await (await request('/v1/usage')).json()).toMatchObject({ today: { completed: 1 } });
  });

  it('prints whatever the API prints: a template, files, assets, the PDF of a job, parts', async () => {
    await post('/v1/templates/invoice', { files: { 'index.html': { text: '<p>{{ n }}</p>' } } }, 'PUT');
    const asset = (await (
      await request('/v1/assets', { method: 'PUT', body: 'p { color: red }', headers: { 'Content-Type': 'text/css' } })
    ).json()) as { id: string };
    const first = await submit({ template: 'invoice', data: { n: 4711 } });
    expect(await ended(first)).toMatchObject({ status: 'completed', templates: ['invoice@1'] });
    const files = { 'index.html': { text: '<link rel=stylesheet href=a.css>' }, 'a.css': asset.id };
    const merged = await submit({
      parts: [{ html: '<p>1</p>' }, { files }, { pdf: { job: first } }, { markdown: '# 4' }],
      finishing: { properties: { title: 'All' } },
    });
    expect(await ended(merged)).toMatchObject({ status: 'completed', file: { pages: 4 }, failedResources: [] });
  });

  it('replaces the request by its parts before it is printed', async () => {
    gate.shut();
    const id = await submit({ parts: [{ html: gate.html, title: 'One' }, { url: gate.url }], timeoutMs: 50_000 });
    await eventually(() => gate.waiting > 0, 60_000, 'it is printed');
    expect(await partsOf(id)).toMatchObject([
      { kind: 'html', content: gate.html, settings: { title: 'One' } },
      { kind: 'url', content: gate.url },
      { kind: 'result', data: {} },
    ]);
    expect(await shown(id)).toMatchObject({ status: 'processing' });
    gate.open();
    expect(await ended(id)).toMatchObject({ status: 'completed' });
  });

  it.each([
    [{}],
    [{ html: 'x', url: 'https://x.example' }],
    [{ html: 'x', lanscape: true }],
    [{ html: 'x', options: { format: 'A99' }, filename: 'a/b', metadata: { a: {} }, priority: 'urgent', timeoutMs: 1 }],
    [{ html: 'x', filename: 4, metadata: [], timeoutMs: 'long' }],
    [{ html: 'x', metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [n, n])) }],
    [{ html: 'x', metadata: { a: 1e20 } }],
    [{ url: 'file:///etc/passwd' }],
    [{ template: 'nowhere' }],
    [{ pdf: { job: '01a20b1c-7e0d-7435-94b8-0000000000ff' } }],
    [{ files: { 'index.html': 'a'.repeat(64) } }],
    [{ files: { 'a.txt': { text: 'x' } } }],
    [{ parts: [{ html: 'x' }, { html: 'y', scal: 1 }] }],
    [{ html: 'x', webhook: 'ftp://x.example' }],
    [{ html: 'x', webhook: 'http://127.0.0.1/x' }],
    [{ html: 'x', webhook: 'https://user:pw@x.example/' }],
    [{ html: 'x', upload: { url: 'http://10.0.0.1/x', headers: { a: 'b' } } }],
    [{ html: 'x', upload: { url: 'https://x.example/x', headers: 3 } }],
  ])('fails what the API refuses, with the same words: %j', async (body) => {
    const refused = await post('/v1/jobs', body);
    const { code, detail } = (await refused.json()) as { code: string; detail: string };
    expect([refused.status, code]).toEqual([400, 'invalid_request']);
    const job = await ended(await submit(body));
    expect(job).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'invalid_request', message: detail } });
    expect(job.metadata).toEqual({});
  });

  it('refuses at once what is no request, in words', async () => {
    const refusal = (statement: Promise<unknown>) =>
      statement.then(
        () => undefined,
        (error: unknown) => error,
      );
    for (const body of ['[]', 'null', '"x"', '7'])
      expect(await refusal(app`select pdfprompt.submit(${ANN}, ${body}::text::jsonb)`)).toMatchObject({
        code: 'PDF09',
        message: 'request: it is not a JSON object',
        hint: 'As the body of POST /v1/jobs: {"html": "<p>Hello</p>"}',
      });
    expect(await refusal(app`select pdfprompt.submit(${ANN}, null)`)).toMatchObject({ code: 'PDF09' });
    const most = REQUEST_BOUNDS.bodyBytes - '{"html": ""}'.length;
    const [fits] =
      await app`select length(pdfprompt.submit(${ANN}, jsonb_build_object('html', repeat('x', ${most}::integer)), 'large')::text)`;
    expect(fits).toEqual({ length: 36 });
    expect(
      await refusal(
        app`select pdfprompt.submit(${ANN}, jsonb_build_object('html', repeat('x', ${most + 1}::integer)))`,
      ),
    ).toMatchObject({ code: 'PDF09', message: `request: it has ${REQUEST_BOUNDS.bodyBytes + 1} bytes` });
    for (const once of ['', 'a b', 'ä', 'x'.repeat(256)])
      expect(await refusal(submit({ html: 'x' }, { key: once }))).toMatchObject({
        code: 'PDF09',
        message: 'idempotency_key: it is not valid',
        hint: 'Allowed: 1 to 255 visible ASCII characters.',
      });
    for (const user of ['nobody@example.com', '', "'; drop table pdfprompt_job; --"])
      expect(await refusal(submit({ html: 'x' }, { user }))).toMatchObject({
        code: 'PDF03',
        message: `there is no user ${user}`,
        hint: `Create one: pdfprompt keys create --user ${user}`,
      });
    expect(await refusal(app`select pdfprompt.submit(null, '{}')`)).toMatchObject({ code: 'PDF03' });
    expect(await refusal(submit({ html: 'x', webhook: randomUUID() }))).toMatchObject({ code: 'PDF07' });
  });

  it('knows a user as the API does', async () => {
    expect(await ended(await submit({ html: 'x' }, { user: '  ANN@Example.com ' }))).toMatchObject({
      status: 'completed',
    });
  });

  it('takes the priority of the request, up to the tier’s', async () => {
    for (const [priority, expected] of [
      ['low', 'low'],
      ['critical', 'high'],
      [undefined, 'high'],
      ['urgent', 'high'],
      [7, 'high'],
    ])
      expect(await shown(await submit({ html: 'x', priority }))).toMatchObject({ priority: expected });
  });
});

describe('an idempotency key', () => {
  it('gives one job for the same request, and an error for another', async () => {
    const id = await submit({ html: 'x', metadata: { a: 1, b: 2 } }, { key: 'k1' });
    expect(await submit({ metadata: { b: 2, a: 1 }, html: 'x' }, { key: 'k1' })).toBe(id);
    await expect(submit({ html: 'y' }, { key: 'k1' })).rejects.toMatchObject({
      code: 'PDF08',
      message: 'the idempotency key was used with another request',
      detail: id,
    });
    // In one transaction too, and by many at a time.
    await app.begin(async (transaction) => {
      const one = await submit({ html: 'x' }, { key: 'k2', as: transaction });
      expect(await submit({ html: 'x' }, { key: 'k2', as: transaction })).toBe(one);
    });
    const many = connect(address.href, { max: 10 });
    const ids = await Promise.all(Array.from({ length: 40 }, () => submit({ html: 'x' }, { key: 'k3', as: many })));
    expect(new Set(ids).size).toBe(1);
    await many.end();
  });

  it('is another’s in the API: neither takes the other’s job for its own', async () => {
    const body = { html: 'x' };
    const headers = { 'Idempotency-Key': 'k4' };
    await submit(body, { key: 'k4' });
    expect(
      await (await request('/v1/jobs', { method: 'POST', body: JSON.stringify(body), headers })).json(),
    ).toMatchObject({
      code: 'idempotency_mismatch',
    });
    await request('/v1/jobs', { method: 'POST', body: JSON.stringify(body), headers: { 'Idempotency-Key': 'k5' } });
    await expect(submit(body, { key: 'k5' })).rejects.toMatchObject({ code: 'PDF08' });
  });
});

describe('the limits of the tier', () => {
  it('hold, and say when one more is free', async () => {
    await createKey(base.db, { email: 'starter@example.com', tier: 'starter' });
    const user = 'starter@example.com';
    await submit({ html: 'x' }, { user });
    await submit({ html: 'x' }, { user, key: 'same' });
    const error = (await submit({ html: 'x' }, { user }).catch((reason: unknown) => reason)) as Record<string, string>;
    expect(error).toMatchObject({ code: 'PDF01', message: 'a limit of the tier starter is reached' });
    const [, seconds, at = ''] =
      /^Allowed: 2 in any 60 seconds; again in (\d+) s, at (\S+Z)\.$/.exec(error.hint ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThan(0);
    expect(Number(seconds)).toBeLessThanOrEqual(60);
    const [row] = await sql<{ left: number }[]>`select extract(epoch from ${at}::timestamptz - now())::float8 as left`;
    expect(Math.abs((row?.left ?? 0) - Number(seconds))).toBeLessThan(30);
    // A repeated request is none.
    expect(await submit({ html: 'x' }, { user, key: 'same' })).toMatch(/^[0-9a-f-]{36}$/);
    await sql`update pdfprompt_lane set recent = '{}', day_count = 100
      where user_id = (select id from pdfprompt_user where email = ${user})`;
    await expect(submit({ html: 'x' }, { user })).rejects.toMatchObject({
      code: 'PDF01',
      hint: expect.stringMatching(/^Allowed: 100 in a UTC day; again in \d+ s, at \d{4}-\d\d-\d\dT00:00:0[01]Z\.$/),
    });
  });
});

describe('pdfprompt.job', () => {
  it('is the job as the API shows it, in any time zone', async () => {
    const done = await submit({ html: '<img src="http://127.0.0.1:9/x.png">', metadata: { a: null } });
    const failed = await submit({ html: '' });
    const jobs = [await ended(done), await ended(failed)];
    for (const job of jobs) {
      const own = await app.begin(async (transaction) => {
        await transaction`set local timezone = 'Asia/Kolkata'`;
        await transaction`set local datestyle = 'German'`;
        return (await shown(job.id, transaction)) as unknown as Record<string, unknown>;
      });
      expect(job).toMatchObject(own);
      expect(Object.keys(own)).toEqual(
        expect.arrayContaining(['id', 'status', 'file', 'error', 'timings', 'metadata']),
      );
    }
    await sql`update pdfprompt_file set expired_at = now() where job_id = ${done}`;
    expect(await shown(done)).toMatchObject({ file: { url: null } });
    expect(await shown(randomUUID())).toBeNull();
  });
});

describe('what is sent at the end', () => {
  const deliveries = async (id: string) => [
    ...(await sql`select kind, url, headers, webhook_id, status, event from pdfprompt_delivery where job_id = ${id} order by kind`),
  ];

  it('is known from the start', async () => {
    gate.shut();
    const upload = { url: 'https://bucket.example/x?sig=1', headers: { 'x-amz-acl': 'private' } };
    const id = await submit({ html: gate.html, webhook: 'https://hooks.example/a', upload });
    const row = { webhook_id: null, status: 'awaiting', event: null };
    expect(await deliveries(id)).toEqual([
      { kind: 'upload', ...upload, ...row },
      { kind: 'webhook', url: 'https://hooks.example/a', headers: null, ...row },
    ]);
    await app`select pdfprompt.cancel(${id})`;
    expect(await deliveries(id)).toMatchObject([
      { kind: 'upload', status: 'cancelled' },
      { kind: 'webhook', event: 'job.cancelled' },
    ]);
    gate.open();
  });

  it('is an upload with all that belongs to it, and its reports, even if the request is not valid', async () => {
    gate.shut();
    const [url, headers] = ['https://reports.example/x', { 'x-a': 'b' }];
    const body = { text: '{message}', nothing: null };
    const report = { on: 'failed', url, method: 'PATCH', headers, body, statuses: { invalid_request: 418 } };
    const upload = { url: 'https://bucket.example/x', method: 'POST', disposition: 'attachment' };
    const rows = async (id: string) => [
      ...(await sql`select kind, url, headers, options, report_on, after is not null as is_after, status from pdfprompt_delivery
        where job_id = ${id} order by kind desc`),
    ];
    const options = { method: 'POST', disposition: 'attachment' };
    const sent = { method: 'PATCH', body, statuses: { invalid_request: 418 } };
    const file = { kind: 'upload', url: upload.url, headers: null, options, report_on: null, is_after: false };
    const said = { kind: 'report', url, headers, options: sent, report_on: 'failed', is_after: true };
    const id = await submit({ html: gate.html, upload: { ...upload, reports: [report] } });
    expect(await rows(id)).toEqual([{ ...file, status: 'awaiting' }, { ...said, status: 'awaiting' }]); // prettier-ignore
    await app`select pdfprompt.cancel(${id})`;
    expect(await rows(id)).toMatchObject([{ status: 'cancelled' }, { status: 'ready' }]);
    gate.open();
    // Those that can be told apart from what is wrong, and never more than a request may have.
    const wrong = [{ ...report, url: 'ftp://x' }, { ...report, method: 'DELETE' }, { ...report, body: 'x' }, { on: 1 }];
    const invalid = await submit({ html: '', upload: { ...upload, reports: [report, ...wrong.slice(0, 3)] } });
    const many = await submit({ html: '', upload: { ...upload, reports: Array.from({ length: 9 }, () => report) } });
    for (const each of [invalid, many]) expect(await ended(each)).toMatchObject({ status: 'failed' });
    expect((await rows(invalid)).map(({ kind, status }) => `${kind} ${status}`)).toEqual(['upload cancelled', 'report ready']); // prettier-ignore
    expect(await rows(many)).toHaveLength(5);
    for (const reports of [7, {}, wrong]) await submit({ html: '', upload: { ...upload, reports } });
  });

  it('says that a request was not valid, but not to an address that is', async () => {
    const told = await submit({ html: '', webhook: 'https://hooks.example/b' });
    expect(await ended(told)).toMatchObject({ status: 'failed' });
    expect(await deliveries(told)).toMatchObject([{ kind: 'webhook', event: 'job.failed' }]);
    for (const webhook of ['http://169.254.169.254/', 'http://[::1]/', 'https://x.example:25/', 'http://2130706433/']) {
      const id = await submit({ html: 'x', webhook });
      expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'invalid_request' } });
      expect(await deliveries(id)).toEqual([]);
    }
  });
});

describe('pdfprompt.cancel', () => {
  it('cancels a job that waits, and one that is printed; and no other', async () => {
    gate.shut();
    const printing = await submit({ html: gate.html });
    await eventually(() => gate.waiting > 0, 60_000, 'it is printed');
    const cancel = async (id: string, as: Client = app) =>
      (await as<{ cancel: boolean }[]>`select pdfprompt.cancel(${id})`)[0]?.cancel;
    expect(await cancel(printing)).toBe(true);
    expect(await ended(printing)).toMatchObject({ status: 'cancelled' });
    await eventually(() => gate.waiting === 0, 60_000, 'its page is closed');
    expect(await cancel(printing)).toBe(false);
    expect(await cancel(randomUUID())).toBe(false);
    await app.begin(async (transaction) => {
      const id = await submit({ html: 'x' }, { as: transaction });
      expect(await cancel(id, transaction)).toBe(true);
    });
    gate.open();
    // The queue's places of both end too.
    const left = () =>
      sql`select 1 from pgboss.job b join pdfprompt_job j on j.id = b.id where j.status = 'cancelled' and b.state < 'active'`;
    await eventually(async () => (await left()).length === 0, 60_000, 'its place is given up');
  });

  it('leaves a request that can be retried, unless it is not valid', async () => {
    const [{ id } = { id: '' }] = await app<{ id: string }[]>`
      with made as (select pdfprompt.submit(${ANN}, '{"files": {"index.html": {"text": "<p>x</p>"}}, "metadata": {"a": 1}}') as id)
      select id from made`;
    const unread = await app.begin(async (transaction) => {
      const own = await submit(
        { files: { 'index.html': { text: '<p>y</p>' } }, metadata: { a: 1 } },
        { as: transaction },
      );
      await transaction`select pdfprompt.cancel(${own})`;
      return own;
    });
    expect(await partsOf(unread)).toMatchObject([{ kind: 'request' }]);
    const again = (await (await post(`/v1/jobs/${unread}/retry`)).json()) as Job;
    expect(await ended(again.id)).toMatchObject({ status: 'completed', metadata: { a: 1 } });
    expect(await ended(id)).toMatchObject({ status: 'completed' });
    const wrong = await submit({ html: 'x', scale: 1 });
    await ended(wrong);
    expect(await (await post(`/v1/jobs/${wrong}/retry`)).json()).toMatchObject({
      code: 'job_not_retryable',
      detail: expect.stringContaining("the job's request is not valid: scale: unknown field"),
    });
  });
});

describe('a notification that anybody may send', () => {
  it('does not end a job, nor anything else', async () => {
    gate.shut();
    const id = await submit({ html: gate.html });
    await eventually(() => gate.waiting > 0, 60_000, 'it is printed');
    for (let round = 0; round < 200; round++)
      await app`select pg_notify('pdfprompt_ended', ${id}), pg_notify('pdfprompt_ended', ${randomUUID()}),
        pg_notify('pdfprompt_ended', 'x'), pg_notify('pdfprompt_queued', 'x'), pg_notify('pdfprompt_accounts', 'x'),
        pg_notify('pdfprompt_accounts', ''), pg_notify('pdfprompt_tiers', 'x'), pg_notify('pdfprompt_deliveries', 'x'),
        pg_notify('pdfprompt_jobs', ${JSON.stringify({ id, user: 'x', status: 'completed' })}), pg_notify('pdfprompt_jobs', '{')`;
    // Another job is printed beside it: all of them have been heard by then.
    expect(await ended(await submit({ html: 'x' }))).toMatchObject({ status: 'completed' });
    expect([gate.waiting, (await shown(id))?.status]).toEqual([1, 'processing']);
    gate.open();
    expect(await ended(id)).toMatchObject({ status: 'completed' });
    expect([...(await sql`select runs from pdfprompt_job where id = ${id}`)]).toEqual([{ runs: 1 }]);
    expect((await request('/v1/jobs')).status).toBe(200);
  });
});

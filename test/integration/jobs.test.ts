import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { expire } from '../../src/jobs/expire.ts';
import { readPdf } from '../support/pdf.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';
import { startSite } from '../support/site.ts';

/** When the site was asked. */
const calls: number[] = [];
const site = await startSite((_, response) => {
  calls.push(performance.now());
  response.setHeader('Access-Control-Allow-Origin', '*').end();
});
const service = await startService({ worker: true, env: site.env });
const { request, sql } = service;

async function submit(
  body: object,
  init: { key?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; job: Job; location: string | null }> {
  const response = await request('/v1/jobs', { method: 'POST', body: JSON.stringify(body), ...init });
  return { status: response.status, job: (await response.json()) as Job, location: response.headers.get('location') };
}

async function ended(id: string, key = service.key): Promise<Job> {
  return (await (await request(`/v1/jobs/${id}?wait=30`, { key })).json()) as Job;
}

describe('POST /v1/jobs', () => {
  it('gives a job, and the job a PDF with what was sent', async () => {
    const { status, job, location } = await submit({
      html: '<h1>Invoice 4711</h1>',
      metadata: { order: 4711 },
      filename: 'rechnung №1',
    });
    expect(status).toBe(202);
    expect(location).toBe(`/v1/jobs/${job.id}`);
    expect(job).toMatchObject({ priority: 'high', metadata: { order: 4711 }, error: null });

    const done = await ended(job.id);
    expect(done).toMatchObject({
      status: 'completed',
      attempts: 1,
      queuePosition: null,
      error: null,
      file: { pages: 1, url: `/v1/jobs/${job.id}/pdf` },
    });
    expect(done.timings).toMatchObject({
      queued: expect.any(Number),
      total: expect.any(Number),
      page: expect.any(Number),
      load: expect.any(Number),
      print: expect.any(Number),
    });

    const response = await request(`/v1/jobs/${job.id}/pdf`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/pdf',
      'content-length': String(done.file?.size),
      'content-disposition': `attachment; filename="rechnung _1.pdf"; filename*=UTF-8''rechnung%20%E2%84%961.pdf`,
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-cache',
    });
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(done.file?.sha256);
    expect((await readPdf(bytes)).text).toEqual(['Invoice 4711']);
    expect((await request(`/v1/jobs/${job.id}/pdf?disposition=inline`)).headers.get('content-disposition')).toMatch(
      /^inline; /,
    );
  });

  it('writes the row, the place in the queue, the file and the usage; the document is not kept', async () => {
    const key = await service.newKey('rows@example.com');
    const { job } = await submit({ html: '<p>kept?</p>' }, { key });
    await ended(job.id, key);
    const [row] = await sql`select j.status, p.content, f.size, f.pages, u.completed, q.state from pdfprompt_job j
      join pdfprompt_part p on p.job_id = j.id
      join pdfprompt_file f on f.job_id = j.id join pdfprompt_usage_history u on u.user_id = j.user_id
      join pgboss.job q on q.id = j.id where j.id = ${job.id}`;
    expect(row).toMatchObject({ status: 'completed', content: null, pages: 1, completed: 1, state: 'completed' });
  });

  it('lowers the priority as asked, and never raises it above the tier', async () => {
    expect((await submit({ html: 'x', priority: 'low' })).job.priority).toBe('low');
    expect((await submit({ html: 'x', priority: 'critical' })).job.priority).toBe('high');
  });

  it.each([0, 2, 25])('says that %d resources did not load, with the PDF and of the job', async (count) => {
    const html = `<p>x</p>${Array.from({ length: count }, (_, n) => `<img src="http://10.0.0.1/${n}.png">`).join('')}`;
    const answer = await request('/v1/pdf', { method: 'POST', body: JSON.stringify({ html }) });
    const path = `/v1/jobs/${answer.headers.get('x-job-id') ?? ''}`;
    const answers = [answer, await request(`${path}/pdf`), await request(`${path}/pdf`, { method: 'HEAD' })];
    for (const response of answers) await response.arrayBuffer();
    expect(answers.map(({ headers }) => headers.get('x-failed-resources'))).toEqual(Array(3).fill(String(count)));
    const job = (await (await request(path)).json()) as Job;
    expect(job).toMatchObject({ failedResourceCount: count });
    expect(job.failedResources).toHaveLength(Math.min(count, 20));
  });

  it('says which fonts a document asked for and did not get', async () => {
    const families = Array.from({ length: 25 }, (_, n) => `Nobody’s ${n}`);
    const texts = families.map((family) => `<p style="font-family:'${family}', sans-serif">x</p>`).join('');
    const [some, none] = await Promise.all([submit({ html: texts }), submit({ html: '<p>x</p>' })]);
    expect((await ended(some.job.id)).missingFonts).toEqual(families.slice(0, 20));
    expect((await ended(none.job.id)).missingFonts).toEqual([]);
    expect(some.job.missingFonts).toEqual([]); // not known yet
  });

  it('says what was not waited for, with the PDF and of the job', async () => {
    const waitForSelector = { selector: '#no', timeout: 50 };
    const sentence = 'waitForSelector.selector: it did not appear within 50 ms';
    for (const [bestAttempt, incomplete] of [
      [true, [sentence]],
      [false, []],
    ] as const) {
      const body = { html: '<p id="x">x</p>', waitForSelector: bestAttempt ? waitForSelector : { selector: '#x' }, bestAttempt };
      const answer = await request('/v1/pdf', { method: 'POST', body: JSON.stringify(body) });
      await answer.arrayBuffer();
      expect(answer.headers.get('x-incomplete')).toBe(bestAttempt ? '1' : null);
      const job = (await (await request(`/v1/jobs/${answer.headers.get('x-job-id') ?? ''}`)).json()) as Job;
      expect(job).toMatchObject({ status: 'completed', incomplete });
    }
  }); // prettier-ignore

  it('counts what did not load by its list where an earlier version has not counted', async () => {
    const { job } = await submit({ html: '<img src="http://10.0.0.1/a.png">' });
    await ended(job.id);
    await sql`update pdfprompt_job set failed_resource_count = 0 where id = ${job.id}`;
    const { headers } = await request(`/v1/jobs/${job.id}/pdf`, { method: 'HEAD' });
    expect(headers.get('x-failed-resources')).toBe('1');
  });

  it("fails with the document's error, named", async () => {
    const { job } = await submit({ url: 'http://nowhere.invalid/' });
    expect(await ended(job.id)).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: {
        code: 'navigation_failed',
        message: 'http://nowhere.invalid/ could not be reached',
      },
      file: null,
    });
  });
});

describe('Idempotency-Key', () => {
  it('makes one job of the same body, and refuses another body', async () => {
    const headers = { 'Idempotency-Key': 'order-1' };
    const first = await submit({ html: 'one' }, { headers });
    const second = await submit({ html: 'one' }, { headers });
    expect([first.status, second.status]).toEqual([202, 200]);
    expect(second.job.id).toBe(first.job.id);
    const other = await request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: 'two' }), headers });
    expect(other.status).toBe(422);
    expect(await other.json()).toMatchObject({ code: 'idempotency_mismatch' });
  });

  it('stands for what was sent, not for the order of it', async () => {
    const headers = { 'Idempotency-Key': 'order-2' };
    const first = await submit({ html: 'x', options: { format: 'A4', scale: 1 } }, { headers });
    const again = await submit({ options: { scale: 1, width: null, format: 'A4' }, html: 'x' }, { headers });
    expect([again.status, again.job.id]).toEqual([200, first.job.id]);
    const other = await submit({ html: 'x', options: { format: 'A4' } }, { headers });
    expect(other.status).toBe(422);
  });

  it('holds over a deploy: other defaults make another request of the same body, and it is one job', async () => {
    const headers = { 'Idempotency-Key': 'order-3' };
    const first = await submit({ html: 'deployed' }, { headers });
    // As a release with other defaults has written it.
    await sql`
      update pdfprompt_job set idempotency_hash = sha256('other defaults'), request = request - 'failOnStatus'
      where id = ${first.job.id}`;
    const again = await submit({ html: 'deployed' }, { headers });
    expect([again.status, again.job.id]).toEqual([200, first.job.id]);
  });

  it('belongs to one tenant', async () => {
    const headers = { 'Idempotency-Key': 'order-1' };
    expect(
      (await submit({ html: 'other tenant' }, { headers, key: await service.newKey('idem@example.com') })).status,
    ).toBe(202);
  });

  it('holds for a hundred at once', async () => {
    const sent = await Promise.all(
      Array.from({ length: 100 }, () => submit({ html: 'race' }, { headers: { 'Idempotency-Key': 'race' } })),
    );
    expect(new Set(sent.map(({ job }) => job.id)).size).toBe(1);
    expect(sent.filter(({ status }) => status === 202)).toHaveLength(1);
  });
});

describe('POST /v1/pdf', () => {
  const post = (body: object, headers = {}) =>
    request('/v1/pdf', { method: 'POST', body: JSON.stringify(body), headers });

  it('answers with the bytes', async () => {
    const response = await post({ html: '<p>at once</p>' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/pdf');
    expect((await readPdf(await response.arrayBuffer())).text).toEqual(['at once']);
    const job = await ended(response.headers.get('x-job-id') ?? '');
    expect(job.status).toBe('completed');
  });

  it('answers 202 with the address of the job when it takes longer than the caller waits', async () => {
    const response = await post({ html: '<p>slow</p>', waitForTimeout: 1_500 }, { Prefer: 'wait=1' });
    expect(response.status).toBe(202);
    const job = (await response.json()) as Job;
    expect(response.headers.get('location')).toBe(`/v1/jobs/${job.id}`);
    expect((await ended(job.id)).status).toBe('completed');
  });

  it("answers with the document's error", async () => {
    const response = await post({ html: 'x', waitForSelector: { selector: '#never', timeout: 100 } });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      code: 'selector_not_found',
      detail: expect.stringMatching(/^waitForSelector\.selector: it did not appear within 100 ms/),
    });
  });
});

describe('GET /v1/jobs', () => {
  it('lists the own jobs, newest first, page by page', async () => {
    const key = await service.newKey('list@example.com');
    const ids = [];
    for (let index = 0; index < 5; index++)
      ids.unshift((await submit({ html: `${index}`, metadata: { index } }, { key })).job.id);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = (await (await request(`/v1/jobs?limit=2${cursor && `&cursor=${cursor}`}`, { key })).json()) as {
        data: Job[];
        nextCursor: string | null;
      };
      seen.push(...page.data.map((job) => job.id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(ids);
    await Promise.all(ids.map((id) => ended(id, key)));
    const failed = (await (await request('/v1/jobs?status=failed', { key })).json()) as { data: Job[] };
    expect(failed.data).toEqual([]);
  });
});

describe('DELETE /v1/jobs/{id}', () => {
  it('closes the page of a running job', async () => {
    const html = `<script>setInterval(() => fetch('${site.origin}/'), 10)</script>`;
    const { job } = await submit({ html, waitForTimeout: 20_000 });
    await eventually(() => calls.length > 5, 30_000, 'the page calls');
    await request(`/v1/jobs/${job.id}`, { method: 'DELETE' });
    // It called every 10 ms, and would go on to for 20 s.
    await eventually(() => performance.now() - Math.max(...calls) > 1_000, 15_000, 'the page calls no more');
  });

  it('ends a running job at once, and leaves an ended one as it is', async () => {
    const { job } = await submit({ html: 'long', waitForTimeout: 20_000 });
    await eventually(
      async () => ((await (await request(`/v1/jobs/${job.id}`)).json()) as Job).status === 'processing',
      30_000,
      'the job runs',
    );
    const response = await request(`/v1/jobs/${job.id}`, { method: 'DELETE' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'cancelled', file: null });
    expect((await request(`/v1/jobs/${job.id}/pdf`)).status).toBe(409);

    const { job: done } = await submit({ html: 'short' });
    await ended(done.id);
    expect(await (await request(`/v1/jobs/${done.id}`, { method: 'DELETE' })).json()).toMatchObject({
      status: 'completed',
    });
  });
});

describe('a PDF whose time is over', () => {
  it('answers 410, and the job says so', async () => {
    const { job } = await submit({ html: 'old' });
    const isDone = async () =>
      (await sql`select 1 from pdfprompt_job where id = ${job.id} and status = 'completed'`).length > 0;
    await eventually(isDone, 30_000, 'the job completes');
    await sql`update pdfprompt_file set expires_at = now() - interval '1 second' where job_id = ${job.id}`;
    const retentionMs = 3_600_000;
    expect(await expire({ ...service.base, retentionMs })).toEqual({ files: 1, documents: 0, jobs: 0 });
    const response = await request(`/v1/jobs/${job.id}/pdf`);
    expect(response.status).toBe(410);
    expect(await response.json()).toMatchObject({ code: 'file_expired' });
    expect((await ended(job.id)).file).toMatchObject({ url: null, pages: 1 });
    expect(
      await sql`select 1 from pdfprompt_file_chunk c join pdfprompt_file f on f.id = c.file_id where f.job_id = ${job.id}`,
    ).toHaveLength(0);

    await sql`update pdfprompt_job set created_at = now() - interval '32 days', completed_at = now() - interval '31 days' where id = ${job.id}`;
    expect(await expire({ ...service.base, retentionMs })).toEqual({ files: 0, documents: 0, jobs: 1 });
    expect((await request(`/v1/jobs/${job.id}/pdf`)).status).toBe(404);
    expect(await sql`select 1 from pdfprompt_job_attempt where job_id = ${job.id}`).toHaveLength(0);
  });

  it('is not forgotten for a job that has not ended, however old', async () => {
    const { job } = await submit({ html: 'old', waitForTimeout: 1_000 });
    await sql`update pdfprompt_job set created_at = now() - interval '100 days' where id = ${job.id}`;
    expect(await expire({ ...service.base, retentionMs: 1 })).toMatchObject({ jobs: 0 });
    expect(await ended(job.id)).toMatchObject({ status: 'completed' });
  });
});

describe('the queue of pg-boss', () => {
  it('keeps an ended job for an hour, and is cleaned often', async () => {
    const { job } = await submit({ html: 'short' });
    await ended(job.id);
    const [row] = await sql`select deletion_seconds from pgboss.job where id = ${job.id}`;
    expect(row).toEqual({ deletion_seconds: 3_600 });
    await sql`update pgboss.job set created_on = now() - interval '3 hours', started_on = now() - interval '2 hours', completed_on = now() - interval '2 hours' where id = ${job.id}`;
    await service.base.queue.maintain();
    expect(await sql`select 1 from pgboss.job where id = ${job.id}`).toHaveLength(0);
    const [table] = await sql`
      select array_to_string(c.reloptions, ' ') as options from pgboss.queue q join pg_class c on c.relname = q.table_name
      where q.name = 'pdf'`;
    expect(table?.options).toContain('autovacuum_vacuum_scale_factor');
  });
});

import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Batch } from '../../src/domain/batch.ts';
import { createKey } from '../../src/accounts/keys.ts';
import { completeItems } from '../support/batches.ts';
import { isWaitingForLock } from '../support/lock-waits.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { sql } = service;

async function submitted(count: number, { key = service.key, result = 'files' } = {}): Promise<string> {
  const items = Array.from({ length: count }, (_, index) => ({
    html: `<p>${index + 1}`,
    filename: `${index + 1}.pdf`,
    metadata: { row: index + 1 },
  }));
  const answer = await service.request('/v1/batches', {
    method: 'POST',
    body: JSON.stringify({ request: { options: { format: 'A6' } }, items, result }),
    key,
  });
  return ((await answer.json()) as Batch).id;
}

const retry = async (id: string, key = service.key) => {
  const answer = await service.request(`/v1/batches/${id}/retry`, { method: 'POST', key });
  return {
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as Batch & { code: string; detail: string },
  };
};

/** Ends the items that are open, as workers do. @param outcomes by row; default: completed */
async function end(batchId: string, outcomes: Record<number, 'failed' | 'cancelled'> = {}): Promise<void> {
  const open = await sql<{ id: string; row: number | null }[]>`
    select id, batch_row as row from pdfprompt_job where batch_id = ${batchId} and status in ('queued', 'processing') order by 2`;
  for (const { id, row } of open) {
    const status = outcomes[row ?? 0] ?? 'completed';
    const code = status === 'failed' ? 'print_failed' : null;
    await sql`update pdfprompt_job set status = ${status}, completed_at = now(), error_code = ${code}, error_message = ${code} where id = ${id}`;
  }
}

const itemsOf = (batchId: string) => sql<
  {
    id: string;
    row: number;
    status: string;
    rank: number;
    filename: string;
    metadata: object;
    request: object;
    content: string;
    queued: boolean;
  }[]
>`
  select j.id, j.batch_row as row, j.status, j.rank, j.filename, j.metadata, j.request, p.content, b.id is not null as queued
  from pdfprompt_job j left join pdfprompt_part p on p.job_id = j.id left join pgboss.job b on b.id = j.id
  where j.batch_id = ${batchId} and j.batch_row is not null order by 2`;
const batchOf = async (id: string) => {
  const [row] = await sql<
    { status: string; completed_at: Date | null; open: number; completed: number; failed: number; cancelled: number }[]
  >`
    select b.status, b.completed_at, sum(c.open)::int as open, sum(c.completed)::int as completed, sum(c.failed)::int as failed, sum(c.cancelled)::int as cancelled
    from pdfprompt_batch b join pdfprompt_batch_count c on c.batch_id = b.id where b.id = ${id} group by b.id`;
  return row;
};

describe('a batch that has ended', () => {
  it('goes on with what a worker of the last release has failed, which had the document in its own way', async () => {
    const items = [
      { html: '<p>1', title: 'One' },
      { html: '<p>2' },
      { url: 'https://x.example/?a=1' },
      { html: '<p>4' },
    ];
    const body = JSON.stringify({ request: { options: { format: 'A6' } }, items, result: 'merged' });
    const { id } = (await (await service.request('/v1/batches', { method: 'POST', body })).json()) as Batch;
    const last = randomUUID();
    await sql`insert into pdfprompt_worker (id, host, pid, concurrency) values (${last}, 'last', 1, 1)`;
    await sql`update pdfprompt_job set status = 'processing', runs = 1, attempts = 1, started_at = now(), worker_id = ${last}
      where batch_id = ${id} and batch_row in (1, 3, 4)`;
    expect((await itemsOf(id)).map(({ content }) => content)).toEqual([null, '<p>2', null, null]);
    await end(id, { 1: 'failed', 2: 'failed', 3: 'cancelled' });
    await end(id); // what merges the rest
    const retried = await retry(id);
    expect(retried).toMatchObject({ status: 202, body: { items: { open: 3, completed: 1 } } });
    const parts = await sql`
      select j.batch_row as row, p.position, p.kind, p.content, p.shown, p.settings from pdfprompt_part p
      join pdfprompt_job j on j.id = p.job_id where j.batch_id = ${id} and j.status = 'queued' order by 1`;
    expect([...parts]).toEqual([
      { row: 1, position: 0, kind: 'html', content: '<p>1', shown: null, settings: { title: 'One' } },
      { row: 2, position: 0, kind: 'html', content: '<p>2', shown: null, settings: {} },
      {
        row: 3,
        position: 0,
        kind: 'url',
        content: 'https://x.example/?a=1',
        shown: 'https://x.example/',
        settings: {},
      },
    ]);
    const again = await itemsOf(id);
    expect(again.slice(0, 3).map(({ queued, request }) => [queued, request])).toMatchObject([
      [true, { options: { format: 'A6' } }],
      [true, { options: { format: 'A6' } }],
      [true, { options: { format: 'A6' } }],
    ]);
    await end(id);
    await end(id);
    await sql`delete from pgboss.job`;
    await sql`delete from pdfprompt_worker where id = ${last}`;
  });

  it('goes on with what failed or was cancelled, in its place', async () => {
    const id = await submitted(20);
    await end(id, { 3: 'failed', 18: 'failed', 19: 'cancelled' });
    expect(await batchOf(id)).toMatchObject({ status: 'completed', open: 0, completed: 17, failed: 2, cancelled: 1 });
    const before = await itemsOf(id);
    const { status, body, headers } = await retry(id);
    expect({ status, location: headers.get('location') }).toEqual({ status: 202, location: `/v1/batches/${id}` });
    expect(body).toMatchObject({
      id,
      status: 'processing',
      completedAt: null,
      items: { total: 20, open: 3, completed: 17, failed: 0, cancelled: 0 },
    });
    const after = await itemsOf(id);
    for (const [index, item] of after.entries()) {
      const old = before[index];
      const isNew = [3, 18, 19].includes(item.row);
      expect(item.id === old?.id).toBe(!isNew);
      const { filename, metadata, request, content, row } = item;
      expect({ filename, metadata, request, content, row }).toEqual({ filename: `${row}.pdf`, metadata: { row }, request: old?.request, content: `<p>${row}`, row }); // prettier-ignore
      expect(item).toMatchObject(isNew ? { status: 'queued', queued: true } : { status: 'completed' });
    }
    const ranks = after.filter((item) => item.status === 'queued').map(({ rank }) => rank);
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    // The old ones are jobs by themselves now.
    const left =
      await sql`select status, batch_id, batch_row from pdfprompt_job where id = any (${`{${before.map((item) => item.id).join(',')}}`}::uuid[]) and batch_id is null`;
    expect(left.map((each) => each.status as string).toSorted()).toEqual(['cancelled', 'failed', 'failed']);
    await end(id, { 18: 'failed' });
    expect(await batchOf(id)).toMatchObject({ status: 'completed', open: 0, completed: 19, failed: 1, cancelled: 0 });
  });

  it('goes on once, however often it is asked at a time', async () => {
    const id = await submitted(30);
    await end(id, Object.fromEntries(Array.from({ length: 30 }, (_, index) => [index + 1, 'failed' as const])));
    const answers = await Promise.all(Array.from({ length: 6 }, () => retry(id)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409, 409, 409, 409, 409]);
    expect(await batchOf(id)).toMatchObject({ status: 'processing', open: 30, completed: 0, failed: 0 });
    expect(await itemsOf(id)).toHaveLength(30);
    expect(await sql`select from pdfprompt_job where user_id = (select user_id from pdfprompt_batch where id = ${id}) and created_at > now() - interval '1 hour' and batch_id is null and status = 'failed'`).not.toHaveLength(0); // prettier-ignore
  });

  it('is merged again if only that failed', async () => {
    const id = await submitted(2, { result: 'merged' });
    await end(id);
    expect(await batchOf(id)).toMatchObject({ status: 'closing' });
    const closing = () => sql`select id, status from pdfprompt_job where batch_id = ${id} and batch_row is null`;
    const [first] = await closing();
    await end(id, { 0: 'failed' });
    expect(await batchOf(id)).toMatchObject({ status: 'failed' });
    expect(await retry(id)).toMatchObject({ status: 202, body: { status: 'closing', items: { completed: 2 } } });
    const [second, third] = await closing();
    expect(second).toMatchObject({ status: 'queued' });
    expect([second?.id === first?.id, third]).toEqual([false, undefined]);
    await end(id);
    expect(await batchOf(id)).toMatchObject({ status: 'completed' });
  });

  it.each<[string, { request: object; items: object[] }]>([
    ['files of the request', { request: { files: { 'index.html': { text: 'x' }, 'a.css': { text: 'p{}' } } }, items: [{ filename: 'a.pdf' }, { filename: 'b.pdf' }] }],
    ['a source of their own, with files of the request', { request: { files: { 'a.css': { text: 'p{}' } } }, items: [{ html: '1' }, { html: '2' }] }],
  ])('goes on with items that have %s', async (_, body) => {
    const answer = await service.request('/v1/batches', { method: 'POST', body: JSON.stringify(body) });
    const { id } = (await answer.json()) as Batch;
    const jobs = await sql<{ id: string; row: number }[]>`select id, batch_row as row from pdfprompt_job where batch_id = ${id}`;
    const failing = jobs.find(({ row }) => row === 2)?.id;
    await completeItems(service, (job) => (job === failing ? [] : [Buffer.from('%PDF-1.7')]));
    const partsOf = async () => {
      const [{ id: job } = { id: '' }] = await sql<{ id: string }[]>`select id from pdfprompt_job where batch_id = ${id} and batch_row = 2`;
      const parts = await sql`select position, kind, content, data, settings, has_files from pdfprompt_part where job_id = ${job} order by 1`;
      const files = await sql`select position, name, asset_id from pdfprompt_part_file where job_id = ${job} order by 1, 2`;
      return { job, parts: [...parts], files: [...files] };
    };
    const before = await partsOf();
    expect(before.files.length).toBeGreaterThan(0);
    expect(await retry(id)).toMatchObject({ status: 202, body: { items: { open: 1 } } });
    const after = await partsOf();
    expect(after).toEqual({ ...before, job: expect.not.stringMatching(before.job) as string });
  }); // prettier-ignore

  it.each([
    ['has not ended', async (id: string) => id, /the batch is processing; allowed: one that has ended/],
    ['has no item that failed', async (id: string) => end(id), /no item of the batch failed/],
    [
      'has failed items whose documents are gone',
      async (id: string) => {
        await end(id, { 1: 'failed' });
        await sql`update pdfprompt_part set content = null where job_id in (select id from pdfprompt_job where batch_id = ${id})`;
      },
      /their documents are no longer kept/,
    ],
  ])('is left alone if it %s', async (_, prepare, message) => {
    const id = await submitted(2);
    await prepare(id);
    const before = await itemsOf(id);
    expect(await retry(id)).toMatchObject({
      status: 409,
      body: { code: 'batch_not_retryable', detail: expect.stringMatching(message) as string },
    });
    expect([...(await itemsOf(id))]).toEqual([...before]);
  });

  it('is left alone if its documents are deleted meanwhile', async () => {
    const id = await submitted(3);
    await end(id, { 1: 'failed', 2: 'failed' });
    const before = await itemsOf(id);
    let retried: ReturnType<typeof retry> | undefined;
    await sql.begin(async (tx) => {
      await tx`select from pdfprompt_lane where user_id = (select user_id from pdfprompt_batch where id = ${id}) for update`;
      retried = retry(id);
      await eventually(() => isWaitingForLock(sql, { query: '%pdfprompt_reopen_batch%' }), 20_000, 'the items are counted');
      // As the expiry does, which is committed before the retry goes on.
      await sql`update pdfprompt_part set content = null where job_id in (select id from pdfprompt_job where batch_id = ${id})`;
    });
    expect(await retried).toMatchObject({ status: 409, body: { code: 'batch_not_retryable', detail: expect.stringContaining('deleted just now') as string } });
    expect([...(await itemsOf(id))]).toEqual(before.map((item) => ({ ...item, content: null })));
    expect(await batchOf(id)).toMatchObject({ status: 'completed', failed: 2, open: 0 });
  }); // prettier-ignore

  it('keeps the documents that are deleted while they are copied', async () => {
    const id = await submitted(2);
    await end(id, { 1: 'failed', 2: 'failed' });
    let retried: ReturnType<typeof retry> | undefined;
    await sql.begin(async (tx) => {
      await tx`lock table pdfprompt_part in share mode`; // the items are chosen, and their parts not copied yet
      retried = retry(id);
      await eventually(() => isWaitingForLock(sql, { query: '%pdfprompt_retry_items%' }), 20_000, 'the items are chosen');
      // As the expiry does.
      await tx`
        with due as materialized (select id from pdfprompt_job where batch_id = ${id} for update skip locked),
          parts as (update pdfprompt_part set content = null where job_id = any (array(select id from due)))
        update pdfprompt_job set keeps_parts = false where id = any (array(select id from due))`;
    });
    expect(await retried).toMatchObject({ status: 202, body: { items: { open: 2 } } });
    expect((await itemsOf(id)).map(({ content }) => content)).toEqual(['<p>1', '<p>2']);
  }); // prettier-ignore

  it('leaves out what is deleted before it is copied', async () => {
    const id = await submitted(2);
    await end(id, { 1: 'failed', 2: 'failed' });
    let retried: ReturnType<typeof retry> | undefined;
    await sql.begin(async (tx) => {
      const [first] = await itemsOf(id);
      await tx`update pdfprompt_part set content = null where job_id = ${first?.id ?? ''}`;
      await tx`update pdfprompt_job set keeps_parts = false where id = ${first?.id ?? ''}`;
      retried = retry(id);
      await eventually(() => isWaitingForLock(sql, { query: '%pdfprompt_retry_items%' }), 20_000, 'an item is locked');
    });
    expect(await retried).toMatchObject({ status: 409, body: { code: 'batch_not_retryable' } });
    expect(await batchOf(id)).toMatchObject({ status: 'failed', failed: 2, open: 0 });
  }); // prettier-ignore

  it('counts towards the limits', async () => {
    const tier = `t${randomUUID().slice(0, 8)}`;
    await sql`insert into pdfprompt_tier values (${tier}, null, 12, 2)`;
    const { key } = await createKey(service.base.db, { email: `${tier}@example.com`, tier });
    const id = await submitted(8, { key });
    await end(id, { 1: 'failed', 2: 'failed', 3: 'failed', 4: 'failed', 5: 'failed' });
    expect(await retry(id, key)).toMatchObject({ status: 429, body: { code: 'rate_limited', detail: expect.stringContaining('the batch has 5 items; allowed today: 4 more') as string } }); // prettier-ignore
    expect(await batchOf(id)).toMatchObject({ status: 'completed', failed: 5 });
    await sql`update pdfprompt_tier set requests_per_day = 13 where name = ${tier}`;
    expect((await retry(id, key)).headers.get('ratelimit')).toMatch(/^"day";r=0;t=\d+$/);
  });

  it('is not found by its neighbours', async () => {
    const id = await submitted(1);
    await end(id, { 1: 'failed' });
    const other = await service.newKey('bob@example.com');
    expect(await retry(id, other)).toMatchObject({ status: 404 });
    expect(await retry('not-a-uuid')).toMatchObject({ status: 404 });
  });
});

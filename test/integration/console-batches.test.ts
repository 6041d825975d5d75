import { beforeAll, describe, expect, it } from 'vitest';
import { countsOf, endItems, type MadeBatch, makeBatch } from '../support/batches.ts';
import { createAdminKey, signIn, visitor } from '../support/console.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';
import { createTenants, type Tenant } from '../support/tenants.ts';

const service = await startService();
const { address, sql, lines } = service;
const [ann, bob] = (await createTenants(service, ['ann@a.example', 'bob@b.example'])) as [Tenant, Tenant];
const admin = await createAdminKey(service);
const operator = await signIn(address, admin.key);
const HOSTILE = '<script>alert(1)</script>';

const read = async (path: string) => {
  const response = await operator.get(`/console${path}`);
  expect([path, response.status]).toEqual([path, 200]);
  return response.text();
};
/** As a reader sees it. */
const words = (page: string) =>
  page
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(' ,', ',');

let open: MadeBatch;
let over: MadeBatch;

beforeAll(async () => {
  const items = Array.from({ length: 80 }, (_, index) => ({ filename: `invoice-${index + 1}.pdf` }));
  const batch = { userId: ann.userId, filename: 'november.pdf', result: 'merged', metadata: { run: HOSTILE } } as const;
  open = await makeBatch(sql, { ...batch, items });
  await endItems(sql, open.jobs.slice(0, 10));
  await endItems(sql, open.jobs.slice(10, 35), 'failed');
  await endItems(sql, open.jobs.slice(35, 38), 'cancelled');
  await sql`update pdfprompt_job set error_message = ${HOSTILE} where id = ${open.jobs[10] ?? ''}`;
  const skipped = [{ row: 12, field: 'items[11].data.total', message: `${HOSTILE} is no number` }];
  await sql`update pdfprompt_batch set templates = '{invoice@7}', skipped = 1,
    skipped_rows = ${JSON.stringify(skipped)}::text::jsonb where id = ${open.id}`;
  over = await makeBatch(sql, { userId: bob.userId, items: 3, result: 'zip' });
  await endItems(sql, over.jobs, 'failed');
});

describe('the pages', () => {
  it('are for operators, and have nothing inline', async () => {
    for (const path of [
      '/batches',
      '/batches?status=failed',
      `/batches?user=${ann.userId}`,
      `/batches/${open.id}`,
      `/batches/${open.id}?status=failed&after=12`,
      '/fragments/batches',
      `/fragments/batches/${open.id}`,
      `/fragments/batches/${open.id}/failures`,
    ]) {
      expect(await read(path)).not.toMatch(/<style|<script(?![^>]* src=)|\sstyle=|\son\w+=/);
      for (const cookie of ['', (await signIn(address, ann.key)).cookie]) {
        const { status } = await visitor(address, cookie).get(`/console${path}`);
        expect([path, status]).toEqual([path, path.startsWith('/fragments') ? 401 : 303]);
      }
    }
  });

  it('are not there for what is not there', async () => {
    const nothing = '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25';
    for (const path of [`/batches/${nothing}`, '/batches/x', `/fragments/batches/${nothing}`, `/batches?user=${nothing}`, '/batches?q=x'])
      expect([path, (await operator.get(`/console${path}`)).status]).toEqual([path, 404]);
    expect((await operator.get('/console/batches?user=x')).status).toBe(400);
    expect((await operator.post(`/console/batches/${nothing}/cancel`)).status).toBe(404);
  }); // prettier-ignore
});

describe('the list', () => {
  it('has the batches of all users, the newest first, and how far each is', async () => {
    const page = await read('/batches');
    expect(page.indexOf(over.id)).toBeLessThan(page.indexOf(open.id));
    const text = words(page);
    expect(text).toContain('november.pdf · invoice@7 processing ann@a.example 38 of 80 25 merged');
    expect(text).toContain('failed job_failed bob@b.example 3 of 3 3 zip');
    expect(words(await read('/batches?status=processing'))).not.toContain('bob@b.example');
    expect(words(await read('/batches?status=failed'))).not.toContain('ann@a.example');
    expect(words(await read('/batches?status=cancelled'))).toContain('There are no such batches.');
  });

  it('can be searched by user, email and id, as the jobs can', async () => {
    const to = async (path: string) => (await operator.get(`/console${path}`)).headers.get('location');
    expect(await to(`/batches?q=${open.id}`)).toBe(`/console/batches/${open.id}`);
    expect(await to(`/jobs?q=${open.id.toUpperCase()}`)).toBe(`/console/batches/${open.id}`);
    expect(await to('/batches?q=ann@a.example')).toBe(`/console/batches?user=${ann.userId}`);
    const text = words(await read(`/batches?user=${ann.userId}`));
    expect(text).toContain('Of ann@a.example');
    expect(text).not.toContain('bob@b.example');
  });

  it('has pages, of one status too', async () => {
    for (let count = 0; count < 55; count++) await makeBatch(sql, { userId: bob.userId, items: 1 });
    for (const path of ['/batches', '/batches?status=processing', `/batches?user=${bob.userId}&status=processing`]) {
      const seen = new Set<string>();
      for (let next: string | undefined = path, pages = 0; next !== undefined; pages++) {
        expect(pages).toBeLessThan(3);
        const page = await read(next);
        for (const [, id = ''] of page.matchAll(/id="batch-([\w-]+)"/g)) seen.add(id);
        next = /rel="next"\s+href="\/console(\/batches\?[^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
      }
      const [row] = await sql<{ count: number }[]>`
        select count(*)::int as count from pdfprompt_batch
        where ${path.includes('status') ? sql`status = 'processing'` : sql`true`} and ${path.includes('user') ? sql`user_id = ${bob.userId}` : sql`true`}`;
      expect([path, seen.size]).toEqual([path, row?.count]);
    }
  });
});

describe('the page of a batch', () => {
  it('says how far it is, how fast, what failed first, and which rows were left out', async () => {
    const page = await read(`/batches/${open.id}`);
    const text = words(page);
    expect(text).toContain('38 of 80 items');
    expect(text).toMatch(/[\d.]+ a (?:second|minute), over in some .+?, at \d\d:/);
    expect(text).toContain('10 completed, 25 failed, 3 cancelled, 42 open; 1 row left out');
    const failures = page.slice(page.indexOf('id="failures"'), page.indexOf('id="items"'));
    expect([...failures.matchAll(/id="failures-(\d+)"/g)].map(([, row]) => Number(row))).toEqual(
      Array.from({ length: 20 }, (_, index) => 11 + index),
    );
    expect(words(failures)).toContain(`11 failed invoice-11.pdf print_failed ${HOSTILE}`);
    expect(words(failures)).toContain('And 5 more');
    expect(failures).toContain(`href="/console/jobs/${open.jobs[10]}"`);
    expect(page.indexOf('id="failures"')).toBeLessThan(page.indexOf('id="items"'));
    expect(text).toContain(`12 items[11].data.total ${HOSTILE} is no number`);
    expect(text).toContain(`metadata.run ${HOSTILE}`);
    expect(page).not.toContain(HOSTILE); // but as text
    expect(page).toContain(`data-live="/console/fragments/batches/${open.id}"`);
    expect(await read(`/batches/${over.id}`)).not.toContain('data-live');
  });

  it('has all items, page by page, and those of a status', async () => {
    const rowsOf = (page: string) => [...page.matchAll(/id="items-(\d+)"/g)].map(([, row]) => Number(row));
    expect(rowsOf(await read(`/batches/${open.id}`))).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(rowsOf(await read(`/batches/${open.id}?after=50`))).toHaveLength(30);
    expect(rowsOf(await read(`/batches/${open.id}?status=cancelled`))).toEqual([36, 37, 38]);
    expect(rowsOf(await read(`/batches/${open.id}?status=failed&after=30`))).toEqual([31, 32, 33, 34, 35]);
    expect(words(await read(`/batches/${over.id}?status=completed`))).toContain('There are no such items.');
  });

  it('and that of each item lead to each other', async () => {
    const page = await read(`/jobs/${open.jobs[6]}`);
    expect(page).toContain(`href="/console/batches/${open.id}"`);
    expect(words(page)).toContain('row 7 of a batch');
    expect(await read(`/jobs/${ann.jobs.completed}`)).not.toContain('of a batch');
  });

  it('leads to the job that merges the items, and changes its state then', async () => {
    const { id, jobs } = await makeBatch(sql, { userId: ann.userId, items: 2, result: 'merged' });
    const stateOf = async () => (await operator.get(`/console/fragments/batches/${id}`)).headers.get('x-console-state');
    expect(await stateOf()).toBe('open processing');
    await endItems(sql, jobs);
    expect(await stateOf()).toBe('open closing');
    const [closing] = await sql<{ id: string }[]>`
      select id from pdfprompt_job where batch_id = ${id} and batch_row is null`;
    expect(await read(`/batches/${id}`)).toContain(`href="/console/jobs/${closing?.id}"`);
    expect(words(await read(`/jobs/${closing?.id}`))).toContain('the merge of a batch');
    await endItems(sql, [closing?.id ?? '']);
    expect(await stateOf()).toBe('over');
  });
});

describe('an operator', () => {
  it('cancels a batch for its owner, and the log knows who did', async () => {
    const path = `/console/batches/${open.id}/cancel`;
    expect((await operator.post(path, {}, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await visitor(address).post(path)).headers.get('location')).toBe('/console/sign-in');
    expect(await countsOf(sql, open.id)).toMatchObject({ open: 42 });

    const response = await operator.post(path);
    expect([response.status, response.headers.get('location')]).toEqual([303, `/console/batches/${open.id}?done=cancelled`]);
    expect(await countsOf(sql, open.id)).toEqual({ open: 0, completed: 10, failed: 25, cancelled: 45 });
    const page = await read(`/batches/${open.id}?done=cancelled`);
    expect(words(page)).toContain('The batch was cancelled. What was completed stays.');
    expect(page).not.toContain('/cancel"');
    const acts = lines.filter((line) => line.includes('"cancelled a batch"') && line.includes(admin.id) && line.includes(open.id));
    expect(acts).toHaveLength(1);
    await eventually(async () => (await sql`select from pdfprompt_batch where id = ${open.id} and completed_at is not null`).length === 1, 30_000, 'it is over');
    // Once more it changes nothing.
    expect((await operator.post(`/console/batches/${over.id}/cancel`)).headers.get('location')).toBe(`/console/batches/${over.id}`);
  }); // prettier-ignore

  it('has what failed done again, or is told why not', async () => {
    const running = await makeBatch(sql, { userId: bob.userId, items: 2 });
    const refused = await operator.post(`/console/batches/${running.id}/retry`);
    expect(refused.status).toBe(409);
    expect(words(await refused.text())).toContain('Not retried: the batch');

    expect(words(await read(`/batches/${over.id}`))).toContain('Retry 3 items');
    const response = await operator.post(`/console/batches/${over.id}/retry`);
    expect([response.status, response.headers.get('location')]).toEqual([303, `/console/batches/${over.id}?done=retried`]);
    expect(await countsOf(sql, over.id)).toEqual({ open: 3, completed: 0, failed: 0, cancelled: 0 });
    expect(words(await read(`/batches/${over.id}?done=retried`))).toContain('What failed or was cancelled is done again.');
    expect(lines.filter((line) => line.includes('"retried a batch"') && line.includes(over.id))).toHaveLength(1);
  }); // prettier-ignore

  it('sends what was sent of its end again', async () => {
    const webhook = 'https://hooks.example.com/batches?canary-7';
    const { id, jobs } = await makeBatch(sql, { userId: bob.userId, items: 1, webhook });
    await endItems(sql, jobs);
    const [delivery] = await sql<{ id: string }[]>`
      update pdfprompt_delivery set status = 'failed', attempts = 3, ended_at = now() where batch_id = ${id} returning id`;
    const page = await read(`/batches/${id}`);
    expect(words(page)).toContain('failed batch.completed https://hooks.example.com/batches Send again');
    expect(page).not.toContain('canary');
    const path = `/console/batches/${id}/deliveries/${delivery?.id}/replay`;
    expect((await operator.post(`/console/batches/${over.id}/deliveries/${delivery?.id}/replay`)).status).toBe(404);
    expect((await operator.post(path)).headers.get('location')).toBe(`/console/batches/${id}?done=sent-again`);
    const [again] = await sql`select status from pdfprompt_delivery where id = ${delivery?.id ?? ''}`;
    expect(again).toEqual({ status: 'ready' });
    const twice = await operator.post(path);
    expect(twice.status).toBe(303); // it is under way
  });
});

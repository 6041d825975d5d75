import { describe, expect, it } from 'vitest';
import { claimJobs } from '../../src/jobs/claim.ts';
import { expire } from '../../src/jobs/expire.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { createAdminKey, signIn, visitor } from '../support/console.ts';
import { doneWith } from '../support/outcomes.ts';
import { pixelsOf } from '../support/pixels.ts';
import { commandOf, descendants, eventually } from '../support/processes.ts';
import { rawPdf } from '../support/raw-pdf.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { address, base, sql, request } = service;
const admin = await createAdminKey(service);
const operator = await signIn(address, admin.key);
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000e';
await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;

const RED_PAGE = rawPdf({ page: '/MediaBox [0 0 400 200]', content: '1 0 0 rg 0 0 400 200 re f' });
const steps = () => descendants(process.pid).filter((pid) => /finishing\/child/.test(commandOf(pid)));

/** A completed job with these files. */
async function completed(...pdfs: Uint8Array[]): Promise<string> {
  const { db, queue, stores, events } = base;
  const response = await request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: '<p>x' }) });
  const { id } = (await response.json()) as { id: string };
  const [job] = await claimJobs({ db, queue, events }, { workerId, count: 1 });
  if (job?.id !== id) throw new Error('another job was claimed');
  const outcome = { ...doneWith(new Uint8Array()), files: pdfs.flatMap((pdf) => doneWith(pdf).files) };
  await finishJob({ db, queue, stores, retentionMs: 3_600_000 }, job, outcome);
  return id;
}

const pathOf = (id: string, n: number | string = 0) => `/console/jobs/${id}/files/${n}/thumbnail`;

describe('the small picture of a file', () => {
  it('is its first page as WebP, which the browser may keep', async () => {
    const id = await completed(RED_PAGE);
    expect(steps()).toEqual([]); // nothing is started before it is needed
    const response = await operator.get(pathOf(id));
    expect(response.status).toBe(200);
    const headers = Object.fromEntries(response.headers);
    const [{ sha256 } = { sha256: '' }] = await sql<{ sha256: string }[]>`
      select encode(sha256, 'hex') as sha256 from pdfprompt_file where job_id = ${id}`;
    expect(headers).toMatchObject({
      'content-type': 'image/webp',
      'cache-control': 'private',
      etag: `"${sha256}"`,
      'x-content-type-options': 'nosniff',
    });
    const { width, height, at } = await pixelsOf(new Uint8Array(await response.arrayBuffer()));
    expect([width, height]).toEqual([200, 100]);
    expect(at(100, 50)[0]).toBeGreaterThan(240);
    expect(at(100, 50)[1]).toBeLessThan(20);
    const again = await fetch(`${address}${pathOf(id)}`, {
      headers: { cookie: operator.cookie, 'if-none-match': `"${sha256}"` },
    });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('is made once', async () => {
    const id = await completed(RED_PAGE);
    const first = Buffer.from(await (await operator.get(pathOf(id))).arrayBuffer());
    // Without its bytes it can only come from memory.
    await sql`delete from pdfprompt_file_chunk where file_id in (select id from pdfprompt_file where job_id = ${id})`;
    const second = await operator.get(pathOf(id));
    expect(second.status).toBe(200);
    expect(Buffer.from(await second.arrayBuffer()).equals(first)).toBe(true);
  });

  it('is on the page for each of a dozen files, and leads to the file', async () => {
    const id = await completed(...Array.from({ length: 14 }, () => RED_PAGE));
    const page = await (await operator.get(`/console/jobs/${id}`)).text();
    expect(page.match(/<img [^>]*src="[^"]*\/thumbnail"[^>]*>/g)).toHaveLength(12);
    expect(page).toMatch(/alt="First page of [^"]+"\s+width="144"\s+height="204"\s+loading="lazy"/);
    expect(page).toContain('And 2 files more.');
    const file = await operator.get(`/console/jobs/${id}/files/11?disposition=inline`);
    expect(Buffer.from(await file.arrayBuffer()).equals(RED_PAGE)).toBe(true);
  });

  it.each([
    ['what is no PDF', new TextEncoder().encode('%PDF-1.7 of nobody')],
    ['a PDF that ends too early', RED_PAGE.slice(0, 200)],
    ['pages without end', rawPdf({ pages: '/Kids [2 0 R] /Count 1000000' })],
    ['a page of enormous size', rawPdf({ page: '/MediaBox [0 0 1000000 1000000]' })],
    ['a PDF of more than 20 MB', Buffer.concat([RED_PAGE, Buffer.alloc(20_971_520, ' ')])],
  ])('is not there for %s, which harms nothing', async (_, pdf) => {
    const id = await completed(pdf);
    const response = await operator.get(pathOf(id));
    expect([response.status, await response.text()]).toEqual([404, '']);
    expect((await operator.get(`/console/jobs/${id}`)).status).toBe(200);
    expect((await operator.get(pathOf(await completed(RED_PAGE)))).status).toBe(200);
  });

  it('is answered as the PDF is, without a session, a job or a file', async () => {
    const id = await completed(RED_PAGE);
    const unknown = '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25';
    for (const each of [visitor(address), visitor(address, `pdfprompt_console=${'x'.repeat(43)}`)])
      expect((await each.get(pathOf(id))).status).toBe((await each.get(`/console/jobs/${id}/pdf`)).status);
    expect((await visitor(address).get(pathOf(id))).status).toBe(303);
    const [picture, pdf] = await Promise.all([
      operator.get(pathOf(unknown)),
      operator.get(`/console/jobs/${unknown}/pdf`),
    ]);
    const textOf = async (page: Response) => (await page.text()).replace(/Request <code>[^<]*/, '');
    expect([picture.status, await textOf(picture)]).toEqual([pdf.status, await textOf(pdf)]);
    for (const n of [1, '-1', '00', 'x', 99999]) expect((await operator.get(pathOf(id, n))).status).toBe(404);
  });

  it('is gone with the file', async () => {
    const id = await completed(RED_PAGE);
    expect((await operator.get(pathOf(id))).status).toBe(200);
    await sql`update pdfprompt_file set expires_at = now() - interval '1 day' where job_id = ${id}`;
    await expire({ db: base.db, stores: base.stores, retentionMs: 3_600_000, events: base.events });
    expect((await operator.get(pathOf(id))).status).toBe(410);
    expect(await (await operator.get(`/console/jobs/${id}`)).text()).not.toContain('/thumbnail');
  });

  it('leaves no process behind that others could use', async () => {
    await operator.get(pathOf(await completed(RED_PAGE)));
    await eventually(async () => steps().length <= 1, 30_000, 'one process, at most, waits for the next');
  });
});

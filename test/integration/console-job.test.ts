import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { JobDetails } from '../../src/domain/job.ts';
import type { Scope } from '../../src/domain/scope.ts';
import { expire } from '../../src/jobs/expire.ts';
import { signIn } from '../support/console.ts';
import { pixelsOf } from '../support/pixels.ts';
import { startService } from '../support/service.ts';
import { createUnlimitedKey } from '../support/accounts.ts';

const service = await startService({ worker: true });
const { base, sql, request, address } = service;
const { key } = await createUnlimitedKey(base.db, 'ann@example.com');
const { key: other } = await createUnlimitedKey(base.db, 'bob@example.com');

const submit = async (body: object) =>
  ((await (await request('/v1/jobs', { method: 'POST', key, body: JSON.stringify(body) })).json()) as JobDetails).id;
const read = async (id: string) => (await (await request(`/v1/jobs/${id}?wait=60`, { key })).json()) as JobDetails;
const visitorWith = async (...scopes: Scope[]) =>
  signIn(address, (await createKey(base.db, { email: `${scopes.join('-').replaceAll(':', '-')}@ops.example`, tier: 'system', scopes })).key); // prettier-ignore

const SECRETS = ['c00kie', 'h3ader', 'qu3ry', 'pa55word'];
const html = `<h1 style="background: #00f">Invoice for Ann</h1>
<script>console.log("total of Ann", {total: 7}); console.error("no logo <b>here</b>"); null.total</script>
<link rel="stylesheet" href="style.css">`;
const failing = {
  html,
  files: { 'style.css': { text: 'p { color: red }' }, 'fonts/a b.txt': { text: 'not a font' } },
  filename: 'invoice.pdf',
  metadata: { order: 'A-17' },
  cookies: [{ name: 'session', value: SECRETS[0], url: `https://a.example/x?${SECRETS[2]}=1` }],
  setExtraHTTPHeaders: { 'X-Who': SECRETS[1] },
  finishing: { encrypt: { userPassword: SECRETS[3], ownerPassword: `${SECRETS[3]}2` } },
  waitForSelector: { selector: '#never', timeout: 100 },
};
const failed = await submit(failing);
const printed = await submit({ html: '<p>Fine</p><script>console.warn("a bit", "slow")</script>' });
const quiet = await submit({ html: '<p>Fine</p>' });
const job = await read(failed);
const [support, documents, operator] = [await visitorWith('console:read'), await visitorWith('console:documents'), await visitorWith('operator')]; // prettier-ignore
const [supportKey, documentsKey] = await Promise.all(
  (['console:read', 'console:documents'] as const).map(
    async (scope) => (await createKey(base.db, { email: 'api@ops.example', tier: 'system', scopes: [scope] })).key,
  ),
);
const page = async (visitor: { get: (path: string) => Promise<Response> }, path = '', id = failed) => {
  const response = await visitor.get(`/console/jobs/${id}${path}`);
  return { status: response.status, type: response.headers.get('content-type'), headers: response.headers, text: await response.text() };
}; // prettier-ignore
const looks = async () =>
  (await sql`select what, detail from pdfprompt_audit where what like 'looked%' order by id`).map(
    (row) => row.what as string,
  );

describe('GET /v1/jobs/{id}', () => {
  it('has what the page said, of a job that failed and of one that was printed', async () => {
    expect(job.error?.code).toBe('selector_not_found');
    expect(job.consoleMessages).toMatchObject([
      { type: 'log', text: 'total of Ann {total: 7}', times: 1 },
      { type: 'error', text: 'no logo <b>here</b>' },
      { type: 'exception', text: "TypeError: Cannot read properties of null (reading 'total')" },
    ]);
    expect(job.consoleMessageCount).toBe(3);
    expect(await read(printed)).toMatchObject({ status: 'completed', consoleMessages: [{ type: 'warning', text: 'a bit slow' }], failurePicture: null }); // prettier-ignore
    expect(await read(quiet)).toMatchObject({ status: 'completed', consoleMessages: [], consoleMessageCount: 0 });
  });

  it('has a picture of the page that failed, for its owner alone', async () => {
    const get = (which: string) => request(job.failurePicture ?? '', { key: which });
    const response = await get(key);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    const { width, at } = await pixelsOf(new Uint8Array(await response.arrayBuffer()));
    expect(width).toBe(800);
    expect(at(700, 30)[2]).toBeGreaterThan(240);
    expect((await get(other)).status).toBe(404);
    expect((await request(`/v1/jobs/${printed}/picture`, { key })).status).toBe(404);
    expect((await request('/v1/jobs/none/picture', { key })).status).toBe(404);
  });

  it('has for support by the API only errors, cut, and writes who sees more', async () => {
    const ask = async (by = '') =>
      (await (await request(`/v1/admin/jobs/${failed}`, { key: by })).json()) as JobDetails;
    const [, error, exception] = job.consoleMessages;
    await sql`update pdfprompt_page_report set messages = jsonb_set(messages, '{1,text}', to_jsonb(repeat('e', 300))) where job_id = ${failed}`;
    const cut = { ...error, text: 'e'.repeat(200) };
    expect(await ask(supportKey)).toMatchObject({ consoleMessages: [cut, exception], failurePicture: null });
    expect((await page(support)).text).not.toContain('e'.repeat(201));
    await sql`update pdfprompt_page_report set messages = jsonb_set(messages, '{1}', ${JSON.stringify(error)}::text::jsonb) where job_id = ${failed}`;
    expect(await looks()).toEqual([]);
    const { consoleMessages, failurePicture } = job;
    expect(await ask(documentsKey)).toMatchObject({ consoleMessages, failurePicture });
    expect(await looks()).toEqual(['looked at what the page said']);
    await sql`delete from pdfprompt_audit where what like 'looked%'`;
  });

  it('leaves both out of lists', async () => {
    const { data } = (await (await request('/v1/jobs', { key })).json()) as { data: object[] };
    expect(data.length).toBeGreaterThan(2);
    for (const each of data) expect(each).not.toHaveProperty('consoleMessages');
  });

  it('knows its retries at once, and they know it', async () => {
    expect(job).toMatchObject({ retryOf: null, retriedAs: [] });
    const again = (await (await request(`/v1/jobs/${failed}/retry`, { method: 'POST', key })).json()) as JobDetails;
    expect(again.retryOf).toBe(failed);
    expect(await read(failed)).toMatchObject({ retriedAs: [again.id] });
    expect(await read(again.id)).toMatchObject({ retryOf: failed, retriedAs: [] });
    const { text } = await page(support);
    expect(text).toContain(`/console/jobs/${again.id}`);
    expect((await page(support, '', again.id)).text).toContain(`/console/jobs/${failed}"`);
  });
});

describe('the page of a failed job', () => {
  it('begins with the reason, what to do, and the errors of its page', async () => {
    const { text } = await page(support);
    const places = ['selector_not_found', 'Check waitForSelector', 'no logo &lt;b&gt;here', '<dl class="facts"'].map((part) => text.indexOf(part)); // prettier-ignore
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
  });

  it('shows support no document, and nothing that may be of one', async () => {
    const { text } = await page(support);
    for (const part of ['total of Ann', '/picture', '/sent', '<iframe', 'class="actions"'])
      expect(text).not.toContain(part);
    expect(text).toContain('console:documents');
    for (const path of ['/sent', '/sent/0/text', '/sent/0/files/0', '/picture'])
      expect([path, (await page(support, path)).status]).toEqual([path, 403]);
    const done = (await page(support, '', printed)).text;
    for (const part of ['<iframe', '<img', '/pdf']) expect(done).not.toContain(part);
    expect(done).toContain('1 page');
    expect(await looks()).toEqual([]);
  });

  it('shows an operator what may be done, and still no document', async () => {
    const { text } = await page(operator);
    expect(text).toContain(`/console/jobs/${failed}/retry`);
    expect(text).not.toContain('/sent');
    expect((await page(operator, '', printed)).text).toContain('/delete-pdf');
    expect((await page(documents)).text).not.toContain('/retry');
  });

  it('shows what was sent as text and without secrets, and writes who looked', async () => {
    expect((await page(documents)).text).toContain('total of Ann');
    const { text } = await page(documents, '/sent');
    expect(text).toContain('&lt;h1 style=&quot;background: #00f&quot;&gt;Invoice for Ann&lt;/h1&gt;');
    expect(text).not.toContain('<h1 style=');
    for (const secret of SECRETS) expect(text).not.toContain(secret);
    for (const shown of ['session', 'X-Who', 'https://a.example/x', '#never', 'fonts/a b.txt'])
      expect(text).toContain(shown);
    const whole = await page(documents, '/sent/0/text');
    expect(whole.text).toBe(html);
    expect(whole.type).toBe('text/plain; charset=utf-8');
    expect(whole.headers.get('content-disposition')).toContain('attachment; filename="part-1.html"');
    const file = await page(documents, '/sent/0/files/0');
    expect(file.text).toBe('not a font');
    expect(file.headers.get('content-security-policy')).toBe('sandbox');
    expect(file.headers.get('content-disposition')).toContain('attachment; filename="a b.txt"');
    expect((await page(documents, '/picture')).type).toBe('image/jpeg');
    expect(await looks()).toEqual(['looked at what the page said', 'looked at the source', 'looked at a file of the source', 'looked at the picture']); // prettier-ignore
    const [row] = await sql`select detail from pdfprompt_audit where what = 'looked at a file of the source'`;
    expect(row?.detail).toEqual({ part: 0, file: 0 });
  });

  it.each([
    '/sent/9/text',
    '/sent/x/text',
    '/sent/0/files/99',
    '/sent/0/files/-1',
    '/sent/0/files/01',
    '/sent/9/files/0',
  ])('has nothing at %s', async (path) => expect((await page(documents, path)).status).toBe(404));

  it('shows nothing if the look cannot be written', async () => {
    await sql`alter table pdfprompt_audit add constraint closed check (what not like 'looked at the picture%') not valid`;
    const fresh = await visitorWith('console:documents', 'console:read');
    const { status, type } = await page(fresh, '/picture');
    await sql`alter table pdfprompt_audit drop constraint closed`;
    expect(status).toBe(500);
    expect(type).toContain('text/html');
  });
});

describe('a printed job', () => {
  it('loses its PDF and what its page said by one form, which support has not', async () => {
    const path = `/console/jobs/${printed}/delete-pdf`;
    expect((await support.post(path)).status).toBe(403);
    expect((await operator.post(path)).headers.get('location')).toBe(`/console/jobs/${printed}?done=pdf-deleted`);
    expect((await request(`/v1/jobs/${printed}/pdf`, { key })).status).toBe(410);
    expect(await read(printed)).toMatchObject({ consoleMessages: [] });
  });
});

describe('when the document is erased', () => {
  it('goes with it, and with the job', async () => {
    const reports = () => sql`select job_id from pdfprompt_page_report`;
    expect(await reports()).not.toHaveLength(0);
    await sql`update pdfprompt_job set completed_at = now() - interval '2 days' where completed_at is not null`;
    await expire({ ...base, retentionMs: 86_400_000 });
    expect(await reports()).toHaveLength(0);
    const { text } = await page(documents, '/sent');
    expect(text).toContain('no longer kept');
    expect(text).not.toContain('Invoice for Ann');
    const again = await submit({ ...failing, files: undefined });
    await read(again);
    expect(await reports()).toHaveLength(1);
    await sql`delete from pdfprompt_job where id = ${again}`;
    expect(await reports()).toHaveLength(0);
  });
});

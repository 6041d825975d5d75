import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { removeUnusedAssets } from '../../src/assets/remove-unused-assets.ts';
import type { Job } from '../../src/domain/job.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { expire } from '../../src/jobs/expire.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { tablesWith } from '../support/everywhere.ts';
import { doneWith } from '../support/outcomes.ts';
import { readPdf } from '../support/pdf.ts';
import { startService } from '../support/service.ts';
import { STEPS, userAgentOf } from '../support/steps.ts';
import { createTenants } from '../support/tenants.ts';

// What becomes of a request with parts, PDFs and finishing outside of the steps themselves.

const quiet = await startService();
/** Its steps are those of tests: each part becomes a file. */
const printing = await startService({ worker: true, steps: STEPS });
const { base, sql, request } = quiet;
const [ann, bob] = await createTenants(quiet, ['ann@parts.example', 'bob@parts.example']);
if (!ann || !bob) throw new Error('there are no tenants');
const retentionMs = 3_600_000;
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000e';

interface Answer {
  status: number;
  id: string;
  code?: string;
  errors?: { field: string; message: string }[];
}

async function send(path: string, body: unknown, init: { key?: string; headers?: Record<string, string> } = {}) {
  const response = await request(path, { method: 'POST', key: ann?.key ?? '', body: JSON.stringify(body), ...init });
  return { ...((await response.json()) as Answer), status: response.status };
}
const submit = (body: unknown, init?: Parameters<typeof send>[2]) => send('/v1/jobs', body, init);
async function problems(body: unknown, init?: Parameters<typeof send>[2]): Promise<string[]> {
  const { status, errors = [] } = await submit(body, init);
  expect(status).toBe(400);
  return errors.map(({ field, message }) => `${field}: ${message}`);
}
const rowsOf = async (id: string) => [
  ...(await sql`select position, kind, content, data, shown, settings, template_version is not null as of_template from pdfprompt_part where job_id = ${id} order by position`),
];
const filesOf = async (id: string) => [
  ...(await sql`
    select f.position, f.name, encode(a.sha256, 'hex') as sha256 from pdfprompt_part_file f
    join pdfprompt_asset a on a.id = f.asset_id where f.job_id = ${id} order by f.position, f.name`),
];
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('parts', () => {
  it('are stored as they were sent, with what differs from the request, and last what becomes of them', async () => {
    const { id, status } = await submit({
      parts: [
        { html: 'one', title: 'First', options: { landscape: true } },
        { markdown: 'two', files: { 'a.css': { text: 'own' } } },
        { pdf: { file: 'b.pdf', password: 'open' } },
        { pdf: { job: ann.jobs.completed } },
        { template: 'letter' },
      ],
      files: { 'a.css': { text: 'shared' }, 'b.pdf': { base64: Buffer.from('%PDF').toString('base64') } },
      finishing: { attachments: [{ file: 'b.pdf' }] },
      split: { every: 2 },
    });
    expect(status).toBe(202);
    const rows = await rowsOf(id);
    expect(rows).toMatchObject([
      { position: 0, kind: 'html', content: 'one', settings: { title: 'First', options: { landscape: true } } },
      { position: 1, kind: 'markdown', content: 'two' },
      { position: 2, kind: 'pdf', content: null, data: { file: 'b.pdf', password: 'open' }, shown: null },
      { position: 3, kind: 'pdf', data: { job: ann.jobs.completed }, shown: ann.jobs.completed },
      { position: 4, kind: 'template', of_template: true },
      { position: 5, kind: 'result', data: { split: { every: 2 } } },
    ]);
    expect(rows).toHaveLength(6);
    const [own, shared, pdf] = ['own', 'shared', '%PDF'].map(sha256);
    expect(await filesOf(id)).toEqual([
      { position: 0, name: 'a.css', sha256: shared },
      { position: 0, name: 'b.pdf', sha256: pdf },
      { position: 1, name: 'a.css', sha256: own },
      { position: 1, name: 'b.pdf', sha256: pdf },
      { position: 2, name: 'b.pdf', sha256: pdf },
      { position: 4, name: 'a.css', sha256: shared },
      { position: 4, name: 'b.pdf', sha256: pdf },
      { position: 5, name: 'b.pdf', sha256: pdf },
    ]);
  });

  it('are as many as 500, and not more', async () => {
    const parts = Array.from({ length: 500 }, (_, index) => ({ html: `${index}` }));
    const { id, status } = await submit({ parts });
    expect(status).toBe(202);
    expect(await rowsOf(id)).toHaveLength(501);
    expect(await problems({ parts: [...parts, { html: 'x' }] })).toEqual(['parts: allowed: at most 500 parts']);
  });

  it('come with files as a form, as assets and as base64', async () => {
    const put = await request('/v1/assets', { method: 'PUT', key: ann.key, body: '%PDF-a', headers: { 'Content-Type': 'application/pdf' } }); // prettier-ignore
    const { id: asset } = (await put.json()) as { id: string };
    const form = new FormData();
    const parts = ['sent.pdf', 'asset.pdf', 'inline.pdf'].map((file) => ({ pdf: { file } }));
    const files = { 'asset.pdf': asset, 'inline.pdf': { base64: Buffer.from('%PDF-b').toString('base64') } };
    form.set('request', JSON.stringify({ parts, files, finishing: { overlay: [{ pdf: 'sent.pdf' }] } }));
    form.set('sent.pdf', new Blob(['%PDF-s'], { type: 'application/pdf' }), 'sent.pdf');
    const response = await fetch(`${quiet.address}/v1/jobs`, { method: 'POST', body: form, headers: { Authorization: `Bearer ${ann.key}` } }); // prettier-ignore
    expect(response.status).toBe(202);
    expect(await filesOf(((await response.json()) as Job).id)).toEqual([
      { position: 0, name: 'sent.pdf', sha256: sha256('%PDF-s') },
      { position: 1, name: 'asset.pdf', sha256: sha256('%PDF-a') },
      { position: 2, name: 'inline.pdf', sha256: sha256('%PDF-b') },
      { position: 3, name: 'sent.pdf', sha256: sha256('%PDF-s') },
    ]);
  });

  it('are printed in order, those that are PDFs already as they are, also by POST /v1/pdf', async () => {
    const post = (path: string, body: unknown) =>
      printing.request(path, { method: 'POST', body: JSON.stringify(body) });
    const first = await post('/v1/pdf', { html: '<p>first</p>' });
    const bytes = Buffer.from(await first.arrayBuffer());
    const before = first.headers.get('x-job-id');
    const given = { base64: bytes.toString('base64') };
    const answer = await post('/v1/pdf', {
      userAgent: userAgentOf({ first: { does: 'mark', mark: '%1' } }),
      parts: [{ html: '<p>new</p>' }, { pdf: { file: 'a.pdf' } }, { pdf: { job: before } }],
      files: { 'a.pdf': given },
    });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/pdf']);
    expect((await readPdf(new Uint8Array(await answer.arrayBuffer()))).text).toEqual(['new']);
    const [made] = ((await (await printing.request('/v1/jobs?limit=1')).json()) as { data: Job[] }).data;
    for (const n of [1, 2]) {
      const file = await printing.request(`/v1/jobs/${made?.id}/files/${n}`);
      expect(Buffer.from(await file.arrayBuffer()).equals(Buffer.concat([bytes, Buffer.from('%1')]))).toBe(true);
    }
  });

  it('name the one whose template is not there', async () => {
    expect(await problems({ parts: [{ html: 'x' }, { template: 'lettr' }] })).toEqual([
      'parts[1].template: you have no template lettr; did you mean letter?',
    ]);
  });
});

describe('the PDF of another job', () => {
  const gone = ['pdf.job: you have no such job'];

  it('has to be there: of the same tenant, completed, and still kept', async () => {
    expect(await problems({ pdf: { job: '01890a5d-ac96-774b-bcce-b302099a8057' } })).toEqual(gone);
    expect(await problems({ pdf: { job: bob.jobs.completed } })).toEqual(gone);
    for (const status of ['queued', 'processing', 'failed', 'cancelled'] as const)
      expect(await problems({ pdf: { job: ann.jobs[status] } })).toEqual([
        `pdf.job: the job is ${status}; allowed: one that is completed`,
      ]);
    expect(await submit({ pdf: { job: ann.jobs.completed.toUpperCase() } })).toMatchObject({ status: 202 });
    const parts = [{ pdf: { job: ann.jobs.completed } }, { pdf: { job: ann.jobs.failed } }, { pdf: { job: bob.jobs.completed } }]; // prettier-ignore
    expect(await problems({ parts })).toEqual([
      'parts[1].pdf.job: the job is failed; allowed: one that is completed',
      'parts[2].pdf.job: you have no such job',
    ]);
  });

  it('is asked for again by a repeated key, whatever became of it', async () => {
    const body = { parts: [{ pdf: { job: bob.jobs.completed } }, { html: 'x' }] };
    const init = { key: bob.key, headers: { 'Idempotency-Key': 'given' } };
    const first = await submit(body, init);
    expect(first.status).toBe(202);
    await sql`update pdfprompt_file set expires_at = now() where job_id = ${bob.jobs.completed}`;
    await expire({ ...base, retentionMs });
    expect(await submit(body, init)).toMatchObject({ status: 200, id: first.id });
    expect(await problems(body, { key: bob.key })).toEqual(['parts[0].pdf.job: the PDF of the job is no longer kept']);
  });
});

describe('a job with parts and finishing', () => {
  const body = (text = 'a') => ({
    parts: [
      { html: 'one', title: 'First', options: { format: 'A5' } },
      { pdf: { file: 'a.pdf', password: 'x' } },
      { url: 'https://example.com/', locale: 'fr' },
    ],
    locale: 'de',
    files: { 'a.pdf': { text }, 'logo.svg': { text: '<svg/>' } },
    finishing: { overlay: [{ image: 'logo.svg', pages: '2-' }, { html: '<b>x</b>' }], conformance: 'PDF/UA-1' },
    output: 'pdf',
    priority: 'low',
    timeoutMs: 40_000,
  });

  it('is the same for the same key, and another if one of its files is', async () => {
    const init = { headers: { 'Idempotency-Key': 'with-files' } };
    const first = await submit(body(), init);
    expect(first.status).toBe(202);
    expect(await submit(body(), init)).toMatchObject({ status: 200, id: first.id });
    expect(await submit(body('b'), init)).toMatchObject({ status: 422, code: 'idempotency_mismatch' });
  });

  it.each([
    ['one PDF', { pdf: { file: 'a.pdf' }, files: { 'a.pdf': { text: 'x' } }, finishing: { rotate: 90 } }],
    [
      'several PDFs',
      {
        parts: [{ pdf: { file: 'a.pdf' } }, { pdf: { file: 'b.pdf' } }],
        files: { 'a.pdf': { text: 'x' }, 'b.pdf': { text: 'y' } },
        finishing: { bookmarks: [] },
      },
    ],
    ['a document', { html: 'x', files: { 'a.css': { text: 'x' } }, finishing: { properties: { title: 'T' } } }],
  ])('is the same for the same key if finishing names none of its files: %s', async (what, same) => {
    const init = { headers: { 'Idempotency-Key': `none-of-${what.replaceAll(' ', '-')}` } };
    const first = await submit(same, init);
    expect(first.status).toBe(202);
    expect(await submit(same, init)).toMatchObject({ status: 200, id: first.id });
  });

  it('is the same job again when it is retried, and that one too', async () => {
    const jobRow = async (id: string) => (await sql`select request, priority from pdfprompt_job where id = ${id}`)[0];
    const first = await submit(body());
    let last = first.id;
    for (let tries = 0; tries < 2; tries++) {
      await request(`/v1/jobs/${last}`, { method: 'DELETE', key: ann.key });
      const again = await request(`/v1/jobs/${last}/retry`, { method: 'POST', key: ann.key });
      expect(again.status).toBe(202);
      last = ((await again.json()) as Job).id;
      expect(await rowsOf(last)).toEqual(await rowsOf(first.id));
      expect(await filesOf(last)).toEqual(await filesOf(first.id));
      expect(await jobRow(last)).toEqual(await jobRow(first.id));
    }
  });

  it.each([
    ['one part', { html: 'x', finishing: { properties: { title: 'T' } }, files: { 'a.css': { text: 'x' } } }],
    ['a PDF', { pdf: { file: 'a.pdf' }, files: { 'a.pdf': { text: 'x' } }, finishing: { rotate: 90 } }],
    ['a picture', { html: 'x', output: { type: 'png', fullPage: true } }],
    ['pictures of pages', { html: 'x', output: { type: 'jpeg', pages: '1', dpi: 50 } }],
    ['a template', { template: 'letter', split: { at: [2] } }],
  ])('is retried with %s', async (_, sent) => {
    const first = await submit(sent);
    expect(first.status).toBe(202);
    await request(`/v1/jobs/${first.id}`, { method: 'DELETE', key: ann.key });
    const again = await request(`/v1/jobs/${first.id}/retry`, { method: 'POST', key: ann.key });
    const { id } = (await again.json()) as Job;
    expect(again.status).toBe(202);
    expect(await rowsOf(id)).toEqual(await rowsOf(first.id));
    expect(await filesOf(id)).toEqual(await filesOf(first.id));
  });

  it.each([
    ['finishing', { html: 'x', finishing: { rotate: 90 } }],
    ['several parts', { parts: [{ html: 'x' }, { html: 'y' }] }],
    ['a PDF', { pdf: { job: ann.jobs.completed } }],
    ['a picture', { html: 'x', output: 'png' }],
    ['split', { html: 'x', split: { every: 1 } }],
  ])('is not given to a worker of the last release: %s', async (_, sent) => {
    const old = '01a20b1c-7e0d-7435-94b8-0000000000ff';
    await sql`insert into pdfprompt_worker (id, host, pid, concurrency) values (${old}, 'old', 1, 1) on conflict do nothing`;
    const take = (id: string) =>
      sql`update pdfprompt_job set status = 'processing', started_at = now(), worker_id = ${old}, runs = runs + 1 where id = ${id} returning id`;
    expect(await take((await submit(sent)).id)).toHaveLength(0);
    expect(await take((await submit({ html: 'x' })).id)).toHaveLength(1);
  });

  it('keeps the assets that its finishing needs for as long as it is kept, and not longer', async () => {
    const text = `only here ${Date.now()}`;
    const { id } = await submit({ html: 'x', files: { 'z.csv': { text } }, finishing: { attachments: [{ file: 'z.csv' }] } }); // prettier-ignore
    const sum = sha256(text);
    const isKept = async () => {
      await sql`update pdfprompt_asset set used_at = now() - interval '25 hours' where sha256 = decode(${sum}, 'hex')`;
      await removeUnusedAssets(base.adminDb);
      return (await sql`select 1 from pdfprompt_asset where sha256 = decode(${sum}, 'hex')`).length === 1;
    };
    await sql`delete from pdfprompt_part_file where job_id = ${id} and position = 0`; // the document's own reference
    expect(await isKept()).toBe(true);
    await request(`/v1/jobs/${id}`, { method: 'DELETE', key: ann.key });
    await sql`update pdfprompt_job set completed_at = now() - interval '61 minutes' where id = ${id}`;
    await expire({ ...base, retentionMs });
    expect(await isKept()).toBe(false);
  });
});

describe('a template', () => {
  const put = (name: string, files: Record<string, string>) =>
    request(`/v1/templates/${name}`, {
      method: 'PUT',
      key: ann.key,
      body: JSON.stringify({
        files: Object.fromEntries(Object.entries(files).map(([path, text]) => [path, { text }])),
      }),
    });
  const settings = JSON.stringify({
    request: { options: { format: 'A4' }, finishing: { underlay: [{ pdf: 'letterhead.pdf' }] } },
  });
  const files = { 'index.html': '<p>x</p>', 'template.json': settings, 'letterhead.pdf': '%PDF-l', 'more.css': '' };

  it('has files of its own for its finishing, and those that are sent are over them', async () => {
    expect((await put('paper', files)).status).toBe(201);
    const own = await submit({ template: 'paper' });
    expect(await rowsOf(own.id)).toMatchObject([
      { kind: 'template' },
      { kind: 'result', data: { finishing: { underlay: [{ pdf: 'letterhead.pdf' }] } } },
    ]);
    expect(await filesOf(own.id)).toEqual([{ position: 1, name: 'letterhead.pdf', sha256: sha256('%PDF-l') }]);
    const sent = await submit({ template: 'paper', files: { 'letterhead.pdf': { text: '%PDF-m' } } });
    expect((await filesOf(sent.id)).at(-1)).toEqual({ position: 1, name: 'letterhead.pdf', sha256: sha256('%PDF-m') });
    const layered = await submit({ template: 'paper', finishing: { overlay: [{ html: '<link href="more.css">' }] } });
    expect((await filesOf(layered.id)).map(({ name }) => name as string)).toEqual(Object.keys(files).toSorted());
  });

  it('and the caller are told which file is nowhere', async () => {
    expect(await problems({ template: 'paper', finishing: { overlay: [{ pdf: 'letterheads.pdf' }] } })).toEqual([
      'finishing.overlay[0].pdf: it is not one of the files that were sent; did you mean letterhead.pdf?',
    ]);
  });

  it('that is a draft has them too', async () => {
    const preview = (draft: Record<string, string>) =>
      request('/v1/templates/paper/preview', {
        method: 'POST',
        key: ann.key,
        headers: { Prefer: 'wait=0' },
        body: JSON.stringify({ files: Object.fromEntries(Object.entries(draft).map(([path, text]) => [path, { text }])) }), // prettier-ignore
      });
    const answer = await preview({ ...files, 'letterhead.pdf': '%PDF-draft' });
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as Job;
    expect((await filesOf(id)).at(-1)).toEqual({ position: 1, name: 'letterhead.pdf', sha256: sha256('%PDF-draft') });
    const { 'letterhead.pdf': _, ...without } = files;
    const refused = await preview(without);
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('finishing.underlay[0].pdf')]);
  });

  it('does not say what becomes of a job of which it is one part', async () => {
    const { id } = await submit({ parts: [{ template: 'paper' }, { html: 'x' }] });
    expect(await rowsOf(id)).toMatchObject([
      { kind: 'template', settings: { options: { format: 'A4' } } },
      { kind: 'html' },
      { kind: 'result', data: {} },
    ]);
  });
});

describe('what is wrong', () => {
  const deep = (levels: number): unknown => (levels === 0 ? 'x' : [deep(levels - 1)]);
  it.each<[string, unknown, RegExp]>([
    ['parts of another type', { parts: {} }, /^parts: allowed: a list$/],
    ['no parts', { parts: [] }, /^parts: allowed: 1 or more items$/],
    ['finishing of another type', { html: 'x', finishing: [] }, /^finishing: allowed: an object$/],
    ['deep nesting', { html: 'x', finishing: { bookmarks: deep(100) } }, /^finishing\.bookmarks(\[0\])+: allowed: at most 32 levels/],
    ['deep nesting of parts', { parts: deep(100) }, /^parts(\[0\])+: allowed: at most 32 levels/],
    ['many values', { parts: Array.from({ length: 400 }, () => Array.from({ length: 100 }, () => 1)) }, /^parts.*: allowed: at most 20000 values/],
    ['many wrong layers', { html: 'x', finishing: { overlay: Array.from({ length: 5_000 }, () => ({ x: 1 })) } }, /^finishing\.overlay/],
    ['10 MB of junk', { html: 'x', finishing: { pages: '1,'.repeat(4_900_000) } }, /^finishing\.pages: allowed: at most /],
    ['10 MB of a wrong name', { html: 'x', finishing: { ['a'.repeat(9_900_000)]: 1 } }, /^finishing\.a+: unknown field/],
  ])('is named: %s', async (_, body, problem) => {
    const startedAt = performance.now();
    const found = await problems(body);
    expect(found[0]).toMatch(problem);
    expect(found.length).toBeLessThanOrEqual(50);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  }); // prettier-ignore
});

it('nothing of passwords, layers and files remains when the job is done, nor in logs', async () => {
  const canary = `canary-${sha256(`${Date.now()}`).slice(0, 12)}`;
  const { id } = await submit({
    parts: [
      { html: canary, title: canary, files: { [`${canary}.css`]: { text: canary } } },
      { pdf: { file: `${canary}.pdf`, password: canary } },
    ],
    files: { [`${canary}.pdf`]: { text: canary }, [`${canary}.png`]: { text: canary } },
    finishing: {
      overlay: [{ html: canary }, { text: canary }, { image: `${canary}.png` }],
      properties: { title: canary, custom: { [canary]: canary } },
      bookmarks: [{ title: canary, page: 1 }],
      attachments: [{ file: `${canary}.pdf`, name: canary, description: canary }],
      encrypt: { userPassword: canary, ownerPassword: canary },
    },
  });
  const shown = await (await request(`/v1/jobs/${id}`, { key: ann.key })).text();
  expect(shown).not.toContain(canary);
  await sql`update pgboss.job set start_after = now() where state < 'active'`;
  for (let tries = 0; tries < 200; tries++) {
    const claimed = await claimJobs(base, { workerId, count: 10 });
    if (claimed.length === 0) break;
    for (const job of claimed) await finishJob({ ...base, retentionMs }, job, doneWith(new TextEncoder().encode('%PDF-1.7'))); // prettier-ignore
  }
  expect(await (await request(`/v1/jobs/${id}`, { key: ann.key })).json()).toMatchObject({ status: 'completed' });
  const left = (await tablesWith(sql, [canary])).map((found) => found.replace(/:.*/, ''));
  expect(left.filter((table) => !/asset/.test(table))).toEqual([]); // assets are kept for a day
  expect(quiet.lines.filter((line) => line.includes(canary))).toEqual([]);
});

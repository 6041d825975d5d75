import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import { pdfRequestSchema } from '../../src/domain/pdf-request.ts';
import { EgressPolicy } from '../../src/egress/policy.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { readRequest } from '../../src/jobs/read-request.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { maxRetentionSeconds } from '../../src/runtime/max-retention-seconds.ts';
import { startService } from '../support/service.ts';

/** Nothing is printed: what a worker reads of a request is done by the test. */
const { base, sql, request } = await startService({ env: { PDF_RETENTION_MAX: '31536000' } });
const { db, assetStores, config } = base;
const deps = {
  db,
  assetStores,
  assetBytes: MEGABYTE,
  egress: new EgressPolicy(config.egress),
  maxRetentionSeconds: maxRetentionSeconds(config),
};
const workerId = uuidv7();
await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'here', 1, 1, 'test')`;

const css = createHash('sha256').update('p {}').digest('hex');
await request('/v1/assets', { method: 'PUT', body: 'p {}', headers: { 'Content-Type': 'text/css' } });
const put = (name: string, body: object) =>
  request(`/v1/templates/${name}`, { method: 'PUT', body: JSON.stringify(body) });
await put('plain', { files: { 'index.html': { text: '<p>{{ n }}' } } });
await put('told', { files: { 'index.html': { text: 'x' } }, request: { webhook: 'https://hooks.example/t' } });

interface Ends {
  refused?: string;
  rows?: object;
}

async function rowsOf(id: string): Promise<object> {
  const [job] = await sql`
    select priority, request, filename, metadata, templates, run_at, retention_seconds from pdfprompt_job where id = ${id}`;
  const parts = await sql`
    select position, kind, content, data, shown, settings, has_files, template_version from pdfprompt_part
    where job_id = ${id} order by position`;
  const files = await sql`select position, name, asset_id from pdfprompt_part_file where job_id = ${id} order by 1, 2`;
  const deliveries = await sql`
    select kind, asked, webhook_id, url, headers, host, status from pdfprompt_delivery where job_id = ${id} order by kind`;
  return { job, parts: [...parts], files: [...files], deliveries: [...deliveries] };
}

async function overHttp(body: object): Promise<Ends> {
  const response = await request('/v1/jobs', { method: 'POST', body: JSON.stringify(body) });
  const { id, detail } = (await response.json()) as { id: string; detail: string };
  return response.status === 202 ? { rows: await rowsOf(id) } : { refused: detail };
}

/** @returns `refused`: at once by the database, or by the worker */
async function inSql(body: object): Promise<Ends & { atOnce?: boolean }> {
  try {
    const [row] = await sql<{ id: string }[]>`
      select pdfprompt.submit('ann@example.com', ${JSON.stringify(body)}::text::jsonb) as id`;
    const read = await readRequest(deps, await claimed(row?.id ?? ''), new AbortController().signal);
    if ('parts' in read) return { rows: await rowsOf(read.id) };
    return { refused: 'message' in read ? read.message : read.kind };
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    expect(code).toMatch(/^PDF0[579]$/);
    return { refused: message, atOnce: true };
  }
}

async function claimed(id: string): Promise<ClaimedJob> {
  // Of a later time: that is now.
  await sql`update pdfprompt_job set run_at = now() where id = ${id} and status = 'scheduled'`;
  await sql`select pdfprompt_queue_scheduled(100)`;
  for (;;) {
    const jobs = await claimJobs(base, { workerId, count: 50 });
    const found = jobs.find((job) => job.id === id);
    if (found) return found;
    if (jobs.length === 0) throw new Error('it is not in the queue');
  }
}

const html = '<p>x';
/** Of each field of a request, some that are valid. */
const VALID: Record<keyof typeof pdfRequestSchema.shape, object[]> = {
  html: [{ html }],
  url: [{ url: 'https://x.example/?a=1' }, { url: 'HTTPS://X.Example' }],
  markdown: [{ markdown: '# x' }],
  template: [{ template: 'plain' }, { template: 'plain@1' }, { template: 'told' }, { template: 'told', webhook: 'https://hooks.example/own' }],
  data: [{ template: 'plain', data: { n: [1, null, 'ä', 1e300, 2 ** 64] } }, { template: 'plain', data: null }],
  pdf: [{ pdf: { file: 'a.pdf' }, files: { 'a.pdf': { text: '%PDF-1.7' } } }],
  files: [{ html, files: { 'a.css': css, 'b.txt': { text: 'x' } } }, { files: { 'index.md': { base64: 'eA==' } } }],
  parts: [{ parts: [{ html, title: 'One' }, { markdown: 'x', files: { 'a.css': css } }, { template: 'plain', data: { n: 1 } }], files: { 'c.css': css } }],
  markdownOptions: [{ markdown: 'x', markdownOptions: { allowHtml: true } }],
  options: [{ html, options: { format: 'A5', margin: { top: '1cm' } } }],
  gotoOptions: [{ html, gotoOptions: { waitUntil: ['load'] } }],
  waitForSelector: [{ html, waitForSelector: { selector: 'p' } }],
  waitForTimeout: [{ html, waitForTimeout: 5 }],
  emulateMediaType: [{ html, emulateMediaType: 'screen' }],
  viewport: [{ html, viewport: { width: 5, height: 5 } }],
  cookies: [{ url: 'https://x.example', cookies: [{ name: 'a', value: '' }] }],
  setExtraHTTPHeaders: [{ html, setExtraHTTPHeaders: { 'X-A': 'b' }, extraHTTPHeadersTo: 'all' }],
  extraHTTPHeadersTo: [{ url: 'https://x.example', extraHTTPHeadersTo: 'origin' }],
  userAgent: [{ html, userAgent: 'x' }],
  setJavaScriptEnabled: [{ html, setJavaScriptEnabled: false }],
  locale: [{ html, locale: 'de-AT' }],
  timezone: [{ html, timezone: 'Europe/Vienna' }],
  addStyleTag: [{ html, addStyleTag: [{ content: 'p {}' }] }],
  addScriptTag: [{ html, addScriptTag: [{ content: '1' }] }],
  waitForFunction: [{ html, waitForFunction: { fn: 'true' } }],
  rejectResourceTypes: [{ html, rejectResourceTypes: ['image'] }],
  rejectRequestPattern: [{ html, rejectRequestPattern: ['*.png'] }],
  authenticate: [{ url: 'https://x.example', authenticate: { username: 'a', password: 'b' } }],
  bestAttempt: [{ html, bestAttempt: true }],
  emulateMediaFeatures: [{ html, emulateMediaFeatures: [{ name: 'prefers-color-scheme', value: 'dark' }] }],
  failOnConsoleError: [{ html, failOnConsoleError: true }],
  singlePage: [{ html, singlePage: true }],
  failOnStatus: [{ html, failOnStatus: false }],
  failOnResourceError: [{ html, failOnResourceError: true }],
  finishing: [{ html, finishing: { properties: { title: 'x' } } }, { html, files: { 'a.txt': { text: 'x' } }, finishing: { attachments: [{ file: 'a.txt' }] } }],
  split: [{ html, split: { every: 1 } }],
  output: [{ html, output: 'png' }],
  filename: ['a.pdf', 'ä ö', 'x'.repeat(200), '\u{1f600}'.repeat(100)].map((filename) => ({ html, filename })),
  metadata: [{}, { a: 1, b: null, c: 'x'.repeat(500), d: 1e300, e: -0.5, f: 1e-9 }, { ['k'.repeat(100)]: true }].map((metadata) => ({ html, metadata })),
  timeoutMs: [1_000, 300_000].map((timeoutMs) => ({ html, timeoutMs })),
  priority: ['low', 'critical'].map((priority) => ({ html, priority })),
  webhook: ['https://hooks.example/a b', 'HTTP://Hooks.Example:80', 'https:hooks.example/x', 'https:\\\\hooks.example\\x', ' https://hooks.example', 'https://hööks.example/ü', 'ht\ttps://hooks.example']
    .map((webhook) => ({ html, webhook })),
  upload: ['https://bucket.example/x?a=b', 'https:bucket.example', { url: 'https:/bucket.example', headers: { 'x-a': 'b' } }, { url: 'https://bucket.example', headers: null }]
    .map((upload) => ({ html, upload })),
  runAt: [{ html, runAt: null }],
  retention: [60, 86_400, 31_536_000].map((retention) => ({ html, retention })),
}; // prettier-ignore

/** One of them is valid, but longer than this service keeps a file. */
const ANYTHING = [5, 31_536_001, true, '', 'x', [], {}, [5], [{}], { a: 5 }, 'A'.repeat(64)];
const NAMES = Object.keys(pdfRequestSchema.shape) as (keyof typeof VALID)[];

describe('a request in SQL is the same as over HTTP', () => {
  it.each(NAMES)('with %s as it should be', async (name) => {
    for (const body of VALID[name]) {
      const expected = await overHttp(body);
      expect(expected).toHaveProperty('rows');
      expect([body, await inSql(body)]).toEqual([body, expected]);
    }
  });

  it.each(NAMES)('with anything as %s', async (name) => {
    for (const value of ANYTHING) {
      const body = { html, [name]: value };
      const { rows, refused } = await overHttp(body);
      const { atOnce, ...found } = await inSql(body);
      if (rows) expect([body, found]).toEqual([body, { rows }]);
      // What the database refuses by itself has words of its own, and names the same field.
      else if (atOnce) expect([body, found.refused?.split(/[.:[]/)[0]]).toEqual([body, refused?.split(/[.:[]/)[0]]);
      else expect([body, found]).toEqual([body, { refused }]);
    }
  });

  it.each([
    [{ template: 'plain', data: [] }, 'data: it is not an object'],
    [{ template: 'plain', data: 'x' }, 'data: it is not an object'],
    [{ parts: [{ html }, { template: 'plain', data: 7 }] }, 'parts[1].data: it is not an object'],
    [{ html, files: { 'a.css': css.toUpperCase() } }, 'files["a.css"]: it is not the id of an asset'],
    [{ html, runAt: '2020-01-01T00:00:00Z' }, 'runAt: it is in the past'],
    [{ html, files: { LICENSE: 'x' } }, 'files.LICENSE: it is not the id of an asset'],
    [{ html, files: { 'a"\n\u202E': 'x' } }, 'files["a\\"??"]: it is not the id of an asset'],
    [
      { parts: [{ html, files: { 'a.css': css.toUpperCase() } }] },
      'parts[0].files["a.css"]: it is not the id of an asset',
    ],
    [
      { html, files: { 'a.css': css.toUpperCase() }, runAt: '2099-01-01T00:00:00Z' },
      'files["a.css"]: it is not the id of an asset',
    ],
  ])('is refused at once, too: %j', async (body, message) => {
    expect(await overHttp(body)).toHaveProperty('refused');
    expect(await inSql(body)).toEqual({ refused: message, atOnce: true });
  });
});

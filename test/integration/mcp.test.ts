import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { undoLater } from '../support/clean-up.ts';
import { temporaryDirectory } from '../support/files.ts';
import { startService } from '../support/service.ts';

const { address, base, key, newKey, request } = await startService({ worker: true });
const folder = await temporaryDirectory('mcp');
const adminKey = (await createKey(base.db, { email: 'root@example.com', tier: 'unlimited', scopes: ['admin'] })).key;
const bin = new URL('../../bin/pdfprompt.js', import.meta.url).pathname;

async function overHttp(bearer: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(`${address}/mcp`), {
    requestInit: { headers: { Authorization: `Bearer ${bearer}` } },
  });
  await client.connect(transport);
  undoLater(() => client.close());
  return client;
}

async function overStdio(bearer: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const env = { PATH: process.env.PATH ?? '', PDFPROMPT_URL: address, PDFPROMPT_KEY: bearer };
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [bin, 'mcp'], env, cwd: folder }));
  undoLater(() => client.close());
  return client;
}

interface Answer {
  isError: boolean;
  text: string;
  value: Record<string, unknown>;
  pictures: Buffer[];
  /** every text */
  all: string;
}

async function call(client: Client, name: string, args: Record<string, unknown>): Promise<Answer> {
  const { content, isError } = await client.callTool({ name, arguments: args });
  const list = content as { type: string; text?: string; data?: string }[];
  const text = list.find(({ type }) => type === 'text')?.text ?? '';
  const pictures = list.flatMap(({ data }) => (data === undefined ? [] : [Buffer.from(data, 'base64')]));
  return {
    isError: isError === true,
    text,
    value: text.startsWith('{') ? JSON.parse(text) : {},
    pictures,
    all: list.map((each) => each.text ?? '').join('\n'),
  };
}

const isPng = (bytes: Buffer | undefined) => bytes?.subarray(1, 4).toString() === 'PNG';

describe.each([
  { way: 'POST /mcp', connect: overHttp },
  { way: 'pdfprompt mcp', connect: overStdio },
])('an agent over $way', ({ way, connect }) => {
  const template = way === 'pdfprompt mcp' ? 'bill' : 'note';

  it('lists, renders, sees, and repairs a template', async () => {
    const client = await connect(await newKey(`${template}@example.com`));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['render_document', 'look_at_pages', 'get_job', 'list_jobs', 'list_templates']),
    );

    const printed = await call(client, 'render_document', { html: '<h1>Hello</h1>', filename: 'hello' });
    expect(printed.value, `answered ${printed.text}`).toMatchObject({ status: 'completed', pages: 1 });
    expect(isPng(printed.pictures[0])).toBe(true);
    const { url } = printed.value.link as { url: string };
    expect(
      Buffer.from(await (await fetch(url)).arrayBuffer())
        .subarray(0, 5)
        .toString(),
    ).toBe('%PDF-');

    // A template with a mistake is found by trying it, fixed, and saved.
    const broken = { 'index.html': '<p>{{ customer | upcas }}</p>', 'data.json': '{"customer": "Ann"}' };
    const tried = await call(client, 'preview_template', { name: template, files: broken });
    expect(tried.isError).toBe(true);
    expect(tried.text).toContain('upcas');
    const saved = await call(client, 'save_template', { name: template, files: broken });
    expect(saved.value).toEqual({ name: template, version: 1 });
    const listed = await call(client, 'list_templates', {});
    expect(listed.value.data).toMatchObject([{ name: template, version: 1 }]);
    const read = await call(client, 'get_template', { name: template });
    expect(read.value.files).toEqual(broken);
    const fixed = { 'index.html': '<p>{{ customer | upcase }}</p>' };
    const preview = await call(client, 'preview_template', { name: template, files: fixed });
    expect(preview.value).toMatchObject({ status: 'completed' });
    expect(isPng(preview.pictures[0])).toBe(true);
    expect((await call(client, 'save_template', { name: template, files: fixed })).value).toMatchObject({
      version: 2,
    });
    const kept = await call(client, 'get_template', { name: template });
    expect(kept.value.files).toEqual({ ...broken, ...fixed });

    const failed = await call(client, 'render_document', { url: 'http://127.0.0.1/', picture: false });
    expect(failed.isError).toBe(true);
    const jobs = await call(client, 'list_jobs', { status: 'failed', limit: 5 });
    const [latest] = jobs.value.jobs as { id: string }[];
    const why = await call(client, 'get_job', { jobId: latest?.id });
    expect(why.value).toMatchObject({ status: 'failed', error: { code: 'egress_denied' }, advice: expect.any(String) });
    const seen = await call(client, 'look_at_pages', { jobId: printed.value.id, pages: '1' });
    expect(isPng(seen.pictures[0])).toBe(true);
  });

  it('says what is wrong with a request, field by field', async () => {
    const client = await connect(key);
    const answer = await call(client, 'render_document', {
      html: '<p>',
      request: { options: { landscap: true, scale: 9 } },
    });
    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(/options\.landscap.*landscape/s);
    expect(answer.text).toContain('options.scale');
    const nothing = await call(client, 'get_job', { jobId: '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25' });
    expect(nothing.text).toContain('not_found');
  });
});

describe('an agent', () => {
  it('is told the id of what it has submitted, whatever fails afterwards', async () => {
    const writeOnly = await createKey(base.db, { email: 'ann@example.com', tier: 'unlimited', scopes: ['jobs:write'] });
    const answer = await call(await overHttp(writeOnly.key), 'render_document', { html: '<p>1</p>' });
    expect(answer.value).toMatchObject({ id: expect.any(String), problem: expect.stringContaining('missing_scope') });
    const { status } = (await (await request(`/v1/jobs/${String(answer.value.id)}?wait=30`)).json()) as {
      status: string;
    };
    expect(status).toBe('completed');
    // One request is left: the document is printed, and its picture is not.
    await request('/v1/admin/tiers/once', { method: 'PUT', key: adminKey, body: JSON.stringify({ requestsPerMinute: 1, requestsPerDay: null, priority: 1 }) }); // prettier-ignore
    const once = await createKey(base.db, {
      email: 'once@example.com',
      tier: 'once',
      scopes: ['jobs:write', 'jobs:read'],
    });
    const printed = await call(await overHttp(once.key), 'render_document', { html: '<p>1</p>' });
    expect(printed.value).toMatchObject({ status: 'completed', link: { url: expect.stringContaining(address) } });
    expect(printed.all).toContain('There is no picture: rate_limited');
  });

  it('gets links to where it reaches the service', async () => {
    const client = new Client({ name: 'test', version: '1' });
    const headers = { Authorization: `Bearer ${key}`, 'X-Forwarded-Proto': 'https' };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${address}/mcp`), { requestInit: { headers } }));
    undoLater(() => client.close());
    const { value } = await call(client, 'render_document', { html: '<p>1</p>', picture: false });
    expect((value.link as { url: string }).url).toMatch(new RegExp(`^${address.replace('http:', 'https:')}/v1/links/`));
  });

  it('sees a few pages at a time, and is told what there is', async () => {
    const client = await overHttp(key);
    const html = Array.from({ length: 7 }, (_, page) => `<p style="break-after: page">${page}`).join('');
    const { value } = await call(client, 'render_document', { html, picture: false });
    const jobId = value.id as string;
    const many = await call(client, 'look_at_pages', { jobId, pages: '1-' });
    expect(many.pictures).toHaveLength(5);
    expect(many.all).toMatch(/more pages are not shown; allowed: 5 at a time/);
    expect((await call(client, 'look_at_pages', { jobId, pages: '90' })).text).toMatch(/^pages: the PDF has \d pages/);
    expect((await call(client, 'look_at_pages', { jobId, pages: 'x' })).text).toMatch(/^pages: allowed: /);
  });

  it('tries a template as it is printed, and keeps what is said of it', async () => {
    const client = await overHttp(await newKey('land@example.com'));
    const body = { files: { 'index.html': { text: '<p>1</p>' } }, request: { options: { format: 'A5', landscape: true } }, description: 'Mine' }; // prettier-ignore
    const owner = (await createKey(base.db, { email: 'land@example.com', tier: 'unlimited', scopes: ['jobs:write', 'jobs:read'] })).key; // prettier-ignore
    await request('/v1/templates/land', { method: 'PUT', key: owner, body: JSON.stringify(body) });
    const tried = await call(client, 'preview_template', { name: 'land', data: {} });
    const printed = await call(client, 'render_document', { template: 'land', data: {} });
    const sizeOf = (png: Buffer | undefined) => [png?.readUInt32BE(16), png?.readUInt32BE(20)];
    expect(sizeOf(tried.pictures[0])).toEqual(sizeOf(printed.pictures[0]));
    expect((await call(client, 'save_template', { name: 'land', files: { constructor: 'x' } })).value).toMatchObject({
      version: 2,
    });
    expect((await call(client, 'save_template', { name: 'land', files: { 'a.css': 'x' } })).value).toMatchObject({
      version: 3,
    });
    const { value } = await call(client, 'get_template', { name: 'land' });
    expect(value).toMatchObject({ description: 'Mine', request: body.request });
    expect(Object.keys({ ...(value.files as object), ...(value.otherFiles as object) })).toHaveLength(3);
  });
});

describe('pdfprompt mcp', () => {
  it('saves a PDF on the machine, and replaces no file', async () => {
    const client = await overStdio(key);
    const { value } = await call(client, 'render_document', { html: '<p>1</p>', picture: false });
    const args = { jobId: value.id as string, path: 'one.pdf' };
    expect((await call(client, 'save_pdf', args)).value).toEqual({ path: join(folder, 'one.pdf') });
    expect(readFileSync(join(folder, 'one.pdf')).subarray(0, 5).toString()).toBe('%PDF-');
    expect((await call(client, 'save_pdf', args)).text).toContain('path');
  });
});

describe('POST /mcp', () => {
  it('is for keys with the scope jobs:write, which may do no more than what they may', async () => {
    expect((await request('/mcp', { method: 'POST', body: '{}', key: null })).status).toBe(401);
    const readOnly = await createKey(base.db, { email: 'ann@example.com', tier: 'unlimited', scopes: ['jobs:read'] });
    expect((await request('/mcp', { method: 'POST', body: '{}', key: readOnly.key })).status).toBe(403);
    const writeOnly = await createKey(base.db, { email: 'ann@example.com', tier: 'unlimited', scopes: ['jobs:write'] });
    const answer = await call(await overHttp(writeOnly.key), 'list_jobs', {});
    expect(answer.text).toContain('missing_scope');
  });

  it('shows nobody else’s jobs', async () => {
    const mine = await call(await overHttp(key), 'render_document', { html: '<p>1</p>', picture: false });
    const theirs = await call(await overHttp(await newKey('eve@example.com')), 'get_job', {
      jobId: mine.value.id,
    });
    expect(theirs.text).toContain('not_found');
  });

  it('answers what is no message with 400, and another method with 405', async () => {
    for (const body of ['{}', '[1', '"a"', '{"jsonrpc":"1.0"}'])
      expect((await request('/mcp', { method: 'POST', body })).status, `of ${body}`).toBe(400);
    expect((await request('/mcp')).status).toBe(405);
  });
});

describe('GET /llms.txt', () => {
  it('names every call that is no operator’s', async () => {
    const response = await request('/llms.txt', { key: null });
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await response.text();
    const document = (await (await request('/openapi.json', { key: null })).json()) as {
      paths: Record<string, object>;
    };
    for (const path of Object.keys(document.paths))
      expect(text.includes(`${path}\``), `has ${path}`).toBe(!path.includes('/admin'));
  });
});

/** @module-tag long */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { pdfprompt } from '../support/cli.ts';
import { temporaryDirectory } from '../support/files.ts';
import {
  FOLDER,
  FOLDER_REQUEST,
  FOLDER_TEXT,
  type Folder,
  folderForm,
  writeFolder,
  zipFolder,
} from '../support/folder-document.ts';
import { readPdf } from '../support/pdf.ts';
import { startService } from '../support/service.ts';
import { startSite } from '../support/site.ts'; // prettier-ignore

const asked: string[] = [];
const site = await startSite((request, response) => {
  asked.push(request.url ?? '');
  response.end('outside');
});
const egress = { EGRESS_POLICY: 'none', ...site.env };
const service = await startService({ worker: true, env: egress });
const { address, key, newKey } = service;
const directory = await temporaryDirectory('folder');
writeFolder(directory, FOLDER);

type Body = string | FormData | Uint8Array<ArrayBuffer>;

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

function send(method: string, path: string, body: Body, headers: Record<string, string> = {}, as = key) {
  return fetch(`${address}${path}`, { method, body, headers: { Authorization: `Bearer ${as}`, ...headers } });
}
const JSON_TYPE = { 'Content-Type': 'application/json' };

async function pdf(body: Body, headers = {}): Promise<Buffer> {
  const response = await send('POST', '/v1/pdf', body, { Prefer: 'wait=100', ...headers });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`${response.status} ${bytes.toString()}`);
  return bytes;
}

async function jobOf(body: Body, headers = {}): Promise<Job> {
  const response = await send('POST', '/v1/jobs', body, headers);
  const { id } = (await response.json()) as Job;
  return (await (await service.request(`/v1/jobs/${id}?wait=60`)).json()) as Job;
}

async function putAssets(folder: Folder): Promise<Record<string, string>> {
  const ids = await Promise.all(
    Object.entries(folder).map(async ([path, content]) => {
      const response = await send('PUT', '/v1/assets', new Uint8Array(Buffer.from(content as string)));
      return [path, ((await response.json()) as { id: string }).id];
    }),
  );
  return Object.fromEntries(ids) as Record<string, string>;
}

/** Without what says when it was made. */
const timeless = (bytes: Buffer) => bytes.toString('latin1').replaceAll(/\/(CreationDate|ModDate) \(D:[^)]*\)/g, '');

/** The PDF of the folder, by how the folder was sent. */
const WAYS: Record<string, () => Promise<Buffer>> = {
  'a form': () => pdf(folderForm(FOLDER, FOLDER_REQUEST)),
  'a zip in a form': () => {
    const form = folderForm({}, FOLDER_REQUEST);
    form.append('site', new File([new Uint8Array(zipFolder(FOLDER, 'mein ordner/'))], 'mein ordner.zip'));
    return pdf(form);
  },
  'ids of assets': async () => pdf(JSON.stringify({ ...FOLDER_REQUEST, files: await putAssets(FOLDER) }), JSON_TYPE),
  'files in the JSON': () => {
    const files = Object.entries(FOLDER).map(([path, content]) => [path, { base64: Buffer.from(content as string).toString('base64') }]); // prettier-ignore
    return pdf(JSON.stringify({ ...FOLDER_REQUEST, files: Object.fromEntries(files) as object }), JSON_TYPE);
  },
  'a template': async () => {
    const saved = await send('PUT', '/v1/templates/ordner', folderForm(FOLDER));
    expect(saved.status).toBe(201);
    return pdf(JSON.stringify({ ...FOLDER_REQUEST, template: 'ordner@1' }), JSON_TYPE);
  },
  'a zip as a template': async () => {
    const saved = await send('PUT', '/v1/templates/gezippt', new Uint8Array(zipFolder(FOLDER)), { 'Content-Type': 'application/zip' }); // prettier-ignore
    expect(saved.status).toBe(201);
    return pdf(JSON.stringify({ ...FOLDER_REQUEST, template: 'gezippt' }), JSON_TYPE);
  },
  'pdfprompt render DIR': async () => {
    const output = join(directory, 'out.pdf');
    const request = JSON.stringify(FOLDER_REQUEST);
    const command = pdfprompt(['render', directory, '--request', request, '-o', output], {
      env: egress,
    });
    const { code, stderr } = await command.exited;
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('taken for files, of which index.html is the document'),
    ]);
    return readFile(output);
  },
};

describe('a folder of 30 files', () => {
  const pdfs = new Map<string, Buffer>();
  beforeAll(async () => {
    for (const [way, send] of Object.entries(WAYS)) pdfs.set(way, await send());
  }, 300_000); // prettier-ignore

  it('is the same PDF however it is sent', async () => {
    const [first = ''] = [...pdfs.values()].map(timeless);
    for (const [way, bytes] of pdfs) expect([way, sha256(timeless(bytes))]).toEqual([way, sha256(first)]);
  });

  it('has its fonts, modules, data, frames and page size', async () => {
    const { text, size } = await readPdf(pdfs.get('a form') ?? Buffer.alloc(0));
    expect(size).toEqual([420, 595]);
    const words = text.join(' ').replaceAll(/\s+/g, ' ');
    for (const word of FOLDER_TEXT) expect(words).toContain(word);
    const bytes = (pdfs.get('a form') ?? Buffer.alloc(0)).toString('latin1');
    expect(bytes).toMatch(/\/FontName \/\w{6}\+Wide/);
    expect(bytes).toMatch(/\/FontName \/\w{6}\+Narrow/);
  });

  it('asks nobody outside', () => {
    expect(asked).toEqual([]);
    expect(service.lines.filter((line) => line.includes('egress'))).toEqual([]);
  });

  it.each(['css/basis/tief.css', 'fonts/Wide Font.ttf', 'Bilder/Grüße ä.svg', 'js/lib/summe.mjs', 'daten/zeilen.json', 'teile/rahmen.html'])(
    'without %s is printed, and says so',
    async (missing) => {
      const { [missing]: _, ...rest } = FOLDER;
      const request = { options: FOLDER_REQUEST.options, gotoOptions: { waitUntil: 'networkidle0' } };
      const job = await jobOf(folderForm(rest, request));
      expect(job.status).toBe('completed');
      expect(job.failedResources.map(({ url }) => decodeURIComponent(url))).toContain(missing);
    },
  ); // prettier-ignore
});

describe('a document with files reads nothing else', async () => {
  const bob = await newKey('bob@other.example');
  const secret = `root:${'x'.repeat(40)}`;
  const mine = `mine ${secret}`;
  /** Tries all addresses as picture, frame, style sheet, script and by fetch, and writes what it got. */
  const curious = (addresses: string[]) => `<!doctype html><meta charset="utf-8"><p id="got"></p>
${addresses.map((a) => `<img src="${a}"><iframe src="${a}"></iframe><link rel="stylesheet" href="${a}"><embed src="${a}">`).join('')}
<script>Promise.all(${JSON.stringify(addresses)}.map((a) => fetch(a).then(async (r) => r.ok ? await r.text() : 'status ' + r.status, (e) => 'no')))
  .then((all) => { got.textContent = all.join(' | '); got.className = 'done'; })</script>`;
  const whenDone = { waitForSelector: { selector: '.done' } };

  it('of this machine', async () => {
    const addresses = ['../../../../etc/passwd', '/../etc/passwd', '..%2f..%2f..%2fetc/passwd', '%2e%2e/%2e%2e/etc/passwd', '/etc/passwd', 'file:///etc/passwd', 'file://localhost/etc/passwd', '..\\..\\etc\\passwd', '/proc/self/environ', '.env', 'a/../../index.html/../x', '/%00', '/%ff', `http://127.0.0.1:${new URL(address).port}/livez`];
    const { text } = await readPdf(await pdf(folderForm({ 'index.html': curious(addresses) }, whenDone)));
    const got = text.join(' ');
    expect(got).toMatch(/status 404|no/);
    expect(got).not.toMatch(/root:|daemon|PATH=|"status"/);
  }, 120_000); // prettier-ignore

  it('of other jobs and other tenants', async () => {
    await send('PUT', '/v1/assets', secret, {}, bob);
    await send('PUT', '/v1/assets', mine);
    await pdf(folderForm({ 'index.html': '<p>x', 'geheim.txt': mine }));
    const ids = [sha256(secret), sha256(mine)];
    const addresses = ['geheim.txt', '/geheim.txt', ...ids, ...ids.map((id) => `/v1/assets/${id}`), `/assets/${ids[0]}`];
    const { text } = await readPdf(await pdf(folderForm({ 'index.html': curious(addresses), 'a.css': '' }, whenDone)));
    expect(text.join(' ')).toContain(Array(addresses.length).fill('status 404').join(' | '));
    const stolen = { html: '<p>x', files: { 'a.txt': ids[0] } };
    const response = await send('POST', '/v1/pdf', JSON.stringify(stolen), JSON_TYPE);
    expect([response.status, await response.json()]).toMatchObject([400, { detail: expect.stringMatching(/^files\["a.txt"\]: you have no such asset/) as string }]);
  }, 120_000); // prettier-ignore
});

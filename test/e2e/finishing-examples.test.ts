/** @module-tag long */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { pdfprompt } from '../support/cli.ts';
import { blocksOf } from '../support/document-examples.ts';
import { temporaryDirectory } from '../support/files.ts';
import { startService } from '../support/service.ts';

// Every example of docs/finishing.md is a request, and a command, that does what it says.

const page = readFileSync(fileURLToPath(new URL('../../docs/finishing.md', import.meta.url)), 'utf8');
const sections = page.split(/^## /m).map((section) => ({ name: section.slice(0, section.indexOf('\n')), section }));
const requests = sections.flatMap(({ name, section }) => blocksOf(section, 'json').map((json) => ({ name, json })));
const commands = sections.flatMap(({ name, section }) =>
  blocksOf(section, 'sh').map((line) => ({ name, line: line.trim() })),
);

const INVOICE = `<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100" xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100" xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
  <rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:factur-x.eu:1p0:minimum</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
  <rsm:ExchangedDocument><ram:ID>R-1</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime><udt:DateTimeString format="102">20260101</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
</rsm:CrossIndustryInvoice>`;
const document = (title: string, more = '') =>
  `<!doctype html><html lang="en"><head><title>${title}</title></head><body><h1>${title}</h1><p>Text.</p>${more}</body></html>`;

const service = await startService({ worker: true });
const cwd = await temporaryDirectory('finishing-examples');
const print = async (html: string) =>
  new Uint8Array(
    await (await service.request('/v1/pdf', { method: 'POST', body: JSON.stringify({ html }) })).arrayBuffer(),
  );
const FILES: Record<string, string | Uint8Array<ArrayBuffer>> = {
  'report.html': document('Report', '<h2 style="break-before: page">Second page</h2><p>More.</p>'),
  'cover.html': document('Cover'),
  'numbers.html': '<p class="pageNumber"></p>',
  'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50"><path d="M0 0h100v50z"/></svg>',
  'data.csv': 'a,b\n1,2\n',
  'invoice.xml': INVOICE,
  'password.txt': 'open, please\n',
  'terms.pdf': await print(document('Terms', '<h2 style="break-before: page">Last</h2>')),
  'letterhead.pdf': await print(document('Letterhead')),
};
for (const [name, content] of Object.entries(FILES)) await writeFile(join(cwd, name), content);

const SIGNATURES: Record<string, string> = { pdf: '%PDF', png: '\u0089PNG', jpeg: '\u00ff\u00d8\u00ff', jpg: '\u00ff\u00d8\u00ff', html: '<', json: '{"fi' }; // prettier-ignore
const beginsWith = (bytes: Buffer, type: string) =>
  expect(bytes.subarray(0, 4).toString('latin1')).toContain(SIGNATURES[type]);

it('the page has an example for every step', () => {
  for (const step of [
    'parts',
    'pdf',
    'pages',
    'rotate',
    'overlay',
    'underlay',
    'flatten',
    'images',
    'properties',
    'bookmarks',
    'attachments',
    'facturx',
    'conformance',
    'linearize',
    'objectStreams',
    'encrypt',
    'split',
    'output',
  ])
    // prettier-ignore
    expect(requests.some(({ json }) => json.includes(`"${step}":`))).toBe(true);
  expect(commands.length).toBeGreaterThan(10);
});

it.each(requests)('the request of $name: $json', async ({ json }) => {
  const form = new FormData();
  form.set('request', json);
  for (const [name, content] of Object.entries(FILES))
    if (json.includes(`"${name}"`)) form.set(name, new Blob([content]), name);
  const response = await fetch(`${service.address}/v1/pdf`, {
    method: 'POST',
    body: form,
    headers: { Authorization: `Bearer ${service.key}`, Prefer: 'wait=60' },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  expect([response.status, response.status === 200 ? '' : bytes.toString()]).toEqual([200, '']);
  const { output = 'pdf' } = JSON.parse(json) as { output?: string | { type: string } };
  beginsWith(bytes, typeof output === 'string' ? output : output.type);
});

it.each(commands)('the command of $name: $line', async ({ line }) => {
  // The shell divides the line, as a reader's would.
  const words = execFileSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' })
    .trim()
    .split('\n');
  expect(words.shift()).toBe('pdfprompt');
  const { code, stderr } = await pdfprompt(words, { cwd }).exited;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const output = words.at(-1) ?? '';
  beginsWith(await readFile(join(cwd, output)), output.split('.').at(-1) ?? '');
  if (words.includes('--split')) expect(await readdir(cwd)).toContain(output.replace('.pdf', '-2.pdf'));
});

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Job, JobFile } from '../../src/domain/job.ts';
import { unzip } from '../../src/sources/unzip.ts';
import { temporaryDirectory } from '../support/files.ts';
import { textOfPages } from '../support/pdf-tools.ts';
import { startService } from '../support/service.ts';

const { request, sql } = await startService({ worker: true });
const directory = await temporaryDirectory('parts');

async function submitted(body: object): Promise<Job> {
  const response = await request('/v1/jobs', { method: 'POST', body: JSON.stringify(body) });
  if (response.status !== 202) throw new Error(await response.text());
  const { id } = (await response.json()) as Job;
  return (await (await request(`/v1/jobs/${id}?wait=60`)).json()) as Job;
}

async function zipOf(id: string): Promise<Record<string, string[]>> {
  const path = join(directory, `${id}.zip`);
  const response = await request(`/v1/jobs/${id}/pdf`, { headers: { Accept: 'application/zip' } });
  await writeFile(path, Buffer.from(await response.arrayBuffer()));
  const files = await unzip(path, { maxFiles: 100, maxBytes: 10_000_000, place: (_, index) => `${path}-${index}` });
  const entries = files.map(async (file) => [file.name, textOfPages(await readFile(file.path)).map((text) => text.trim())]); // prettier-ignore
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string[]>;
}

it('files of parts have the names of their parts, in lists, headers and zips', async () => {
  const parts = [
    { html: 'One<p style="break-before: page">Two', filename: 'ä "b".pdf' },
    { html: 'Three' },
    { html: 'Four', filename: 'job-2' },
  ];
  const { id, status, file } = await submitted({ parts, filename: 'job', split: { parts: true, every: 1 } });
  expect({ status, name: file?.name, part: file?.part }).toEqual({ status: 'completed', name: 'ä "b".pdf', part: 0 });
  const { data: files } = (await (await request(`/v1/jobs/${id}/files`)).json()) as { data: JobFile[] };
  expect(files.map(({ name, part }) => [name, part])).toEqual([['ä "b".pdf', 0], ['ä "b"-2.pdf', 0], [null, 1], ['job-2.pdf', 2]]); // prettier-ignore
  const headers = await Promise.all([1, 2, 3].map(async (index) => (await request(`/v1/jobs/${id}/files/${index}`)).headers.get('content-disposition'))); // prettier-ignore
  expect(headers).toEqual([
    expect.stringContaining("filename*=UTF-8''%C3%A4%20%22b%22-2.pdf"),
    expect.stringContaining('filename="job-3.pdf"'),
    expect.stringContaining('filename="job-2.pdf"'),
  ]);
  expect(await zipOf(id)).toEqual({ 'ä "b".pdf': ['One'], 'ä "b"-2.pdf': ['Two'], 'job-3.pdf': ['Three'], 'job-2.pdf': ['Four'] }); // prettier-ignore
});

it('a zip has no two files of one name, whatever the names of parts and of the job', async () => {
  const parts = [{ html: 'One', filename: 'job-2.PDF' }, { html: 'Two' }];
  const { id } = await submitted({ parts, filename: 'job', split: { parts: true } });
  expect(await zipOf(id)).toEqual({ 'job-2.PDF': ['One'], 'job-2 (2).pdf': ['Two'] });
});

it('what is in PDFs is a file of JSON, of the PDFs of other jobs too', async () => {
  const { id: job } = await submitted({
    html: '<title>Hello</title>x',
    finishing: { encrypt: { userPassword: 'open' } },
  });
  const parts = [{ pdf: { job, password: 'open' }, filename: 'a.pdf' }, { html: '<title>Printed</title>y' }];
  const { file, id } = await submitted({ parts, output: 'json', filename: 'about.pdf' });
  expect(file).toMatchObject({ type: 'application/json', pages: 1, name: null, part: null });
  const response = await request(`/v1/jobs/${id}/pdf`);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('content-disposition')).toContain('filename="about.json"');
  expect(await response.json()).toMatchObject({
    files: [
      { part: 0, filename: 'a.pdf', pages: 1, isEncrypted: true, properties: { title: 'Hello' } },
      { part: 1, filename: null, pages: 1, isEncrypted: false, properties: { title: 'Printed' } },
    ],
  });
});

it('what parts are called is kept for a retry, of a single one too', async () => {
  const bookmarks = [{ title: 'x', page: 1 }];
  const damaged = { pdf: { file: 'x.pdf' }, filename: 'a.pdf', title: 'A', bookmarks, files: { 'x.pdf': { text: 'no PDF' } } }; // prettier-ignore
  for (const parts of [[damaged], [damaged, { html: 'x' }]]) {
    const { id, status, error } = await submitted({ parts, split: { parts: true } });
    expect([status, error?.code]).toEqual(['failed', 'pdf_refused']);
    const retried = await request(`/v1/jobs/${id}/retry`, { method: 'POST' });
    const { id: again } = (await retried.json()) as Job;
    const [row] = await sql`select settings from pdfprompt_part where job_id = ${again} and position = 0`;
    expect(row?.settings).toMatchObject({ filename: 'a.pdf', title: 'A', bookmarks });
  }
});

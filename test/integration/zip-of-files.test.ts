import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FILE_TYPES, type FileType } from '../../src/domain/media-type.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { unzip } from '../../src/sources/unzip.ts';
import { temporaryDirectory } from '../support/files.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { db, queue, stores, events } = service.base;
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000d';
await service.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
const directory = await temporaryDirectory('zip');
const ZIP = { Accept: 'application/zip' };
/** More than a connection takes at once. */
const LARGE = 12_000_000;

type Made = [bytes: Uint8Array, type?: FileType];

async function finish(id: string, made: Made[]): Promise<void> {
  const job = (await claimJobs({ db, queue, events }, { workerId, count: 10 })).find((each) => each.id === id);
  const files = made.flatMap(([bytes, type]) =>
    doneWith(bytes).files.map((file) => ({ ...file, ...(type && { type }) })),
  );
  const outcome = { ...doneWith(new Uint8Array()), files };
  await finishJob({ db, queue, stores, retentionMs: 60_000 }, job as ClaimedJob, outcome);
}

async function completed(filename: string | undefined, ...made: Made[]): Promise<string> {
  const body = JSON.stringify({ html: 'x', filename });
  const response = await service.request('/v1/jobs', { method: 'POST', body });
  const { id } = (await response.json()) as { id: string };
  await finish(id, made);
  return id;
}

let count = 0;
async function unpacked(response: Response): Promise<Record<string, Buffer>> {
  const bytes = Buffer.from(await response.arrayBuffer());
  expect(response.headers.get('content-length')).toBe(String(bytes.length));
  const path = join(directory, `${count++}.zip`);
  await writeFile(path, bytes);
  const place = (_: string, index: number) => `${path}-${index}`;
  const files = await unzip(path, { maxFiles: 1_000, maxBytes: 100_000_000, place });
  const entries = files.map(async (file) => [file.name, await readFile(file.path)] as const);
  const found = Object.fromEntries(await Promise.all(entries));
  await Promise.all([path, ...files.map((file) => file.path)].map((each) => rm(each)));
  return found;
}

const get = (id: string, headers: Record<string, string> = ZIP, method = 'GET') =>
  service.request(`/v1/jobs/${id}/pdf`, { method, headers });
const typeOf = (response: Response) => response.headers.get('content-type');

const one = await completed('Rechnung für Ann.pdf', [Buffer.from('the only one')]);
const large = await completed(undefined, [new Uint8Array(LARGE).fill(65)], [new Uint8Array(3_000_000).fill(66)]);

describe('all files of a job as a zip', () => {
  it('has one file under its own name', async () => {
    const response = await get(one);
    expect([response.status, typeOf(response)]).toEqual([200, 'application/zip']);
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="Rechnung f_r Ann.zip"; filename*=UTF-8''Rechnung%20f%C3%BCr%20Ann.zip`,
    );
    expect(response.headers.get('accept-ranges')).toBe('none');
    expect(response.headers.get('x-failed-resources')).toBe('0');
    expect(await unpacked(response)).toEqual({ 'Rechnung für Ann.pdf': Buffer.from('the only one') });
  });

  it('has files of each type', async () => {
    const id = await completed('page', ...FILE_TYPES.map((type): Made => [Buffer.from(type), type]));
    expect(await unpacked(await get(id))).toEqual({
      'page.pdf': Buffer.from('application/pdf'),
      'page-2.png': Buffer.from('image/png'),
      'page-3.jpg': Buffer.from('image/jpeg'),
      'page-4.webp': Buffer.from('image/webp'),
      'page-5.html': Buffer.from('text/html'),
      'page-6.json': Buffer.from('application/json'),
    });
  });

  it('has large files whole', async () => {
    const found = await unpacked(await get(large));
    const sums = Object.values(found).map((bytes) => createHash('sha256').update(bytes).digest('hex'));
    const wanted = [Buffer.alloc(LARGE, 65), Buffer.alloc(3_000_000, 66)];
    expect(sums).toEqual(wanted.map((bytes) => createHash('sha256').update(bytes).digest('hex')));
    expect(Object.keys(found)).toEqual([`${large}.pdf`, `${large}-2.pdf`]);
  });

  it('knows HEAD and conditions, and ignores ranges', async () => {
    const whole = await get(large, ZIP, 'HEAD');
    expect(await whole.text()).toBe('');
    expect(Number(whole.headers.get('content-length'))).toBeGreaterThan(LARGE + 3_000_000);
    const etag = whole.headers.get('etag') ?? '';
    const same = await get(large, { ...ZIP, 'If-None-Match': etag });
    expect([same.status, same.headers.get('vary'), same.headers.get('etag')]).toEqual([304, 'Accept', etag]);
    // The PDF is something else.
    const pdf = await get(large, { 'If-None-Match': etag }, 'HEAD');
    expect([pdf.status, pdf.headers.get('etag') === etag]).toEqual([200, false]);
    const part = await get(one, { ...ZIP, Range: 'bytes=0-3' });
    expect(part.status).toBe(200);
    expect(Object.keys(await unpacked(part))).toHaveLength(1);
  });

  it.each([
    ['application/zip', 'zip'],
    ['APPLICATION/ZIP', 'zip'],
    ['application/zip, */*', 'zip'],
    ['application/zip, */*;q=0.1', 'zip'],
    ['application/pdf;q=0.5, application/zip', 'zip'],
    ['application/pdf;q=0, */*', 'zip'],
    ['*/*', 'pdf'],
    ['application/*', 'pdf'],
    ['application/pdf', 'pdf'],
    ['application/zip, application/pdf', 'pdf'],
    ['application/zip;q=0.5, */*', 'pdf'],
    ['application/zip;q=0.5, application/*;q=0.8', 'pdf'],
    ['application/zip;q=0', 'pdf'],
    ['image/png', 'pdf'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'pdf'],
    [',;"', 'pdf'],
  ])('is chosen by Accept: %s is the %s', async (accept, expected) => {
    const response = await get(one, { Accept: accept }, 'HEAD');
    expect([response.status, typeOf(response)]).toEqual([200, `application/${expected}`]);
    expect(response.headers.get('vary')).toBe('Accept');
  });

  it('is an answer of POST /v1/pdf', async () => {
    const body = '{"html":"waits","filename":"waits"}';
    const answer = service.request('/v1/pdf', { method: 'POST', body, headers: ZIP });
    const find = () => service.sql<{ id: string }[]>`select id from pdfprompt_job where filename = 'waits'`;
    await eventually(async () => (await find()).length === 1, 20_000, 'the job is there');
    const [job] = await find();
    await finish(job?.id ?? '', [[Buffer.from('1')], [Buffer.from('2')]]);
    const response = await answer;
    expect([response.status, response.headers.get('x-job-id')]).toEqual([200, job?.id]);
    expect(await unpacked(response)).toEqual({ 'waits.pdf': Buffer.from('1'), 'waits-2.pdf': Buffer.from('2') });
  });

  it('is for its owner only, when it is there', async () => {
    const key = await service.newKey('zoe@example.com');
    const other = await service.request(`/v1/jobs/${one}/pdf`, { key, headers: ZIP });
    expect([other.status, await other.json()]).toMatchObject([404, { code: 'not_found' }]);
    expect((await get('nothing')).status).toBe(404);
    const submitted = await service.request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' });
    const early = await get(((await submitted.json()) as { id: string }).id);
    expect(await early.json()).toMatchObject({ code: 'job_not_ready' });
  });

  it('is refused whole if one of its files has expired', async () => {
    const id = await completed('gone', [Buffer.from('1')], [Buffer.from('2')]);
    await service.sql`update pdfprompt_file set expired_at = now() where job_id = ${id} and position = 1`;
    const response = await get(id);
    expect([response.status, await response.json()]).toMatchObject([410, { code: 'file_expired' }]);
    expect((await get(id, {})).status).toBe(200);
  });

  it('is cut off, and not ended, if a file cannot be read to its end', async () => {
    const id = await completed('torn', [Buffer.from('1')], [Buffer.from('2')]);
    await service.sql`delete from pdfprompt_file_chunk where file_id = (select id from pdfprompt_file where job_id = ${id} and position = 1)`;
    await expect(get(id).then((response) => response.arrayBuffer())).rejects.toThrow('terminated');
  });

  it('may be hung up on, and its room is free again', async () => {
    for (let time = 0; time < 12; time++) {
      const socket = connect(Number(new URL(service.address).port), '127.0.0.1');
      const head = ['Host: x', 'Accept: application/zip', `Authorization: Bearer ${service.key}`];
      await once(socket, 'connect');
      socket.write([`GET /v1/jobs/${large}/pdf HTTP/1.1`, ...head, '', ''].join('\r\n'));
      await once(socket, 'data');
      socket.destroy();
    }
    // More than a tenant may have in memory at a time, had they been kept.
    expect(Object.keys(await unpacked(await get(large)))).toHaveLength(2);
    expect(service.lines.filter((line) => /"level":"(?:error|fatal)"/.test(line))).toEqual([]);
  });
});

import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { readdir, rm, truncate } from 'node:fs/promises';
import { get, type IncomingMessage, request as open } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { expire } from '../../src/jobs/expire.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { createDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService, type TestService } from '../support/service.ts';

const directory = await temporaryDirectory('stores');
const database = await createDatabase();
const inDirectory = await startService({ database, env: { PDF_STORE: `file://${directory}` } });
const inPostgres = await startService({ database });
const { key } = inDirectory;
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000b';
await database.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
const retentionMs = 60_000;

/** A job whose PDF is kept where this service keeps them. */
async function completed(
  { base, request }: TestService,
  bytes: Uint8Array,
  idempotencyKey: string,
  ...more: string[]
): Promise<string> {
  const headers = { 'Idempotency-Key': idempotencyKey };
  const response = await request('/v1/jobs', { method: 'POST', key, headers, body: '{"html":"x"}' });
  const { id } = (await response.json()) as Job;
  const [job] = await claimJobs(base, { workerId, count: 1 });
  const files = [bytes, ...more.map((text) => new TextEncoder().encode(text))].flatMap((each) => doneWith(each).files);
  await finishJob({ ...base, retentionMs }, job as ClaimedJob, { ...doneWith(bytes), files });
  return id;
}

/** Descriptors of this process in the directory. */
const opened = () =>
  readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(directory);
    } catch {
      return false; // closed meanwhile
    }
  }).length;

describe('a PDF in a directory', async () => {
  const large = new Uint8Array(8_000_000).fill(65);
  const id = await completed(inDirectory, large, 'large');
  const url = `${inDirectory.address}/v1/jobs/${id}/pdf`;
  const headers = { authorization: `Bearer ${key}` };

  /** The answer's head is there, its body is not read. */
  const began = async (method = 'GET') => {
    const request = open(url, { method, agent: false, headers });
    request.on('error', () => undefined).end();
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    response.on('error', () => undefined);
    return { request, response };
  };
  it.each<[string, () => Promise<unknown>]>([
    ['read to its end', async () => expect((await (await fetch(url, { headers })).bytes()).length).toBe(large.length)],
    ['asked for by HEAD', async () => expect((await fetch(url, { method: 'HEAD', headers })).status).toBe(200)],
    ['given up before a byte was read', async () => (await began()).request.destroy()],
    [
      'given up after some were',
      async () => {
        const { request, response } = await began();
        await once(response, 'data');
        request.destroy();
      },
    ],
    [
      'given up before there was an answer',
      async () => {
        const request = get(url, { agent: false, headers }).on('error', () => undefined);
        await once(request, 'finish');
        request.destroy();
      },
    ],
    [
      'given up while the reader is slow',
      async () => {
        const { request, response } = await began();
        response.pause();
        await eventually(() => opened() > 0, 10_000, 'it is being sent');
        request.destroy();
      },
    ],
  ])('leaves nothing open when it was %s', async (_, visit) => {
    for (let time = 0; time < 5; time++) await visit();
    await eventually(() => opened() === 0, 20_000, 'all is closed');
  });

  it('is answered to HEAD as to GET, without its bytes', async () => {
    const [head, whole] = await Promise.all([fetch(url, { method: 'HEAD', headers }), fetch(url, { headers })]);
    const other = new Set(['x-request-id', 'date', 'connection', 'keep-alive']);
    const shown = ({ headers: its }: Response) => Object.fromEntries([...its].filter(([name]) => !other.has(name)));
    expect(shown(head)).toEqual(shown(whole));
    expect((await whole.bytes()).length).toBe(Number(head.headers.get('content-length')));
  });
});

describe.each([
  ['postgres', inPostgres],
  ['file', inDirectory],
] as const)('a PDF in the store %s', async (kind, service) => {
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 7 + (at >> 10)) % 251);
  const id = await completed(service, bytes, `parts-${kind}`);
  const url = `${service.address}/v1/jobs/${id}/pdf`;
  const ask = (headers: Record<string, string> = {}, method = 'GET') =>
    fetch(url, { method, headers: { authorization: `Bearer ${key}`, ...headers } });
  const etag = (await ask({}, 'HEAD')).headers.get('etag') ?? '';

  it.each<[range: string, first: number, last: number]>([
    ['bytes=0-0', 0, 0],
    ['bytes=0-', 0, 2_999_999],
    ['bytes=10-20', 10, 20],
    ['bytes=1048570-1048590', 1_048_570, 1_048_590],
    ['bytes=1048576-2097151', 1_048_576, 2_097_151],
    ['bytes=2999999-', 2_999_999, 2_999_999],
    ['bytes=2000000-99999999', 2_000_000, 2_999_999],
    ['bytes=-1', 2_999_999, 2_999_999],
    ['bytes=-1000', 2_999_000, 2_999_999],
    ['bytes=-99999999', 0, 2_999_999],
  ])('is sent in part for %s', async (range, first, last) => {
    const response = await ask({ range });
    const { headers } = response;
    expect([response.status, headers.get('content-range'), headers.get('content-length')]).toEqual([
      206,
      `bytes ${first}-${last}/3000000`,
      String(last - first + 1),
    ]);
    expect(Buffer.from(await response.bytes()).equals(bytes.subarray(first, last + 1))).toBe(true);
  });

  it.each<[string, Record<string, string>]>([
    ['no range', {}],
    ['several ranges', { range: 'bytes=0-1,5-6' }],
    ['another unit', { range: 'pages=1-2' }],
    ['a range that runs backwards', { range: 'bytes=9-3' }],
    ['no numbers', { range: 'bytes=-' }],
    ['a range of another PDF', { range: 'bytes=0-1', 'if-range': '"other"' }],
    ['another ETag', { 'if-none-match': '"other", W/"another"' }],
  ])('is sent whole for %s', async (_, headers) => {
    const response = await ask(headers);
    expect([response.status, response.headers.get('accept-ranges')]).toEqual([200, 'bytes']);
    expect((await response.bytes()).length).toBe(bytes.length);
  });

  it.each(['bytes=3000000-', 'bytes=99999999-999999999', 'bytes=-0'])('has nothing at %s', async (range) => {
    const response = await ask({ range });
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */3000000']);
    expect(await response.json()).toMatchObject({
      code: 'range_not_satisfiable',
      detail: expect.stringContaining('bytes=0-2999999'),
    });
  });

  it.each(['GET', 'HEAD'])('is not sent again to %s of a client that has it', async (method) => {
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const response = await ask({ 'if-none-match': tag, range: 'bytes=0-1' }, method);
      expect([response.status, response.headers.get('etag'), (await response.bytes()).length]).toEqual([304, etag, 0]);
    }
  });

  it('goes on where a reader was cut off', async () => {
    const response = await ask({ range: 'bytes=5-7', 'if-range': etag });
    expect([response.status, [...(await response.bytes())]]).toEqual([206, [...bytes.subarray(5, 8)]]);
  });
});

describe.each([
  ['postgres', inPostgres],
  ['file', inDirectory],
] as const)('the files of a job in the store %s', async (kind, service) => {
  const texts = ['%PDF-1.7 the first', '%PDF-1.7 and the second'] as const;
  const id = await completed(service, new TextEncoder().encode(texts[0]), `files-${kind}`, texts[1]);
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    service.request(`/v1/jobs/${id}/${path}`, { key, headers, method });

  it('are listed in their order, each with an address of its own', async () => {
    const { data } = (await (await ask('files')).json()) as { data: NonNullable<Job['file']>[] };
    expect(data.map(({ size, pages, url }) => [size, pages, url])).toEqual(
      texts.map((text, n) => [text.length, 1, `/v1/jobs/${id}/files/${n}`]),
    );
    for (const [n, { url, sha256 }] of data.entries()) {
      const response = await service.request(url ?? '', { key });
      expect(response.headers.get('etag')).toBe(`"${sha256}"`);
      expect(response.headers.get('content-disposition')).toContain(n === 0 ? `${id}.pdf` : `${id}-2.pdf`);
      expect(await response.text()).toBe(texts[n]);
    }
    const job = (await (await service.request(`/v1/jobs/${id}`, { key })).json()) as Job;
    expect(job.file).toEqual({ ...data[0], url: `/v1/jobs/${id}/pdf` });
    expect(await (await ask('pdf')).text()).toBe(texts[0]);
    const list = (await (await service.request('/v1/jobs?limit=100', { key })).json()) as { data: Job[] };
    expect(list.data.filter((each) => each.id === id)).toHaveLength(1);
  });

  it('are sent in part, or not at all to a client that has them', async () => {
    const part = await ask('files/1', { range: 'bytes=13-15' });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 13-15/23', 'the']);
    const etag = part.headers.get('etag') ?? '';
    expect((await ask('files/1', { 'if-none-match': etag })).status).toBe(304);
    expect((await ask('files/0', { 'if-none-match': etag })).status).toBe(200);
    const head = await ask('files/1', {}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '23']);
  });

  it.each(['2', '-1', '01', '1.0', 'x', '99999999999'])('do not include %s', async (n) => {
    expect([(await ask(`files/${n}`)).status]).toEqual([404]);
  });

  it('are not there before the job is completed, and not for another tenant', async () => {
    const headers = { 'Idempotency-Key': `waits-${kind}` };
    const response = await service.request('/v1/jobs', { method: 'POST', key, headers, body: '{"html":"x"}' });
    const { id: waiting } = (await response.json()) as Job;
    for (const path of ['files', 'files/0'])
      expect((await service.request(`/v1/jobs/${waiting}/${path}`, { key })).status).toBe(409);
    await service.request(`/v1/jobs/${waiting}`, { method: 'DELETE', key });
    const stranger = await service.newKey(`stranger-${kind}@example.com`);
    for (const path of ['files', 'files/0'])
      expect((await service.request(`/v1/jobs/${id}/${path}`, { key: stranger })).status).toBe(404);
  });

  it('expire together', async () => {
    await database.sql`update pdfprompt_file set expires_at = now() - interval '1 second' where job_id = ${id}`;
    expect(await expire({ ...service.base, retentionMs })).toMatchObject({ files: 2 });
    const { data } = (await (await ask('files')).json()) as { data: NonNullable<Job['file']>[] };
    expect(data.map(({ url }) => url)).toEqual([null, null]);
    expect((await ask('files/1')).status).toBe(410);
  });
});

describe.each([
  ['postgres', inPostgres],
  ['file', inDirectory],
] as const)('a PDF in the store %s that is cut short while it is read', (kind, service) => {
  it('ends as an error', async () => {
    const bytes = new Uint8Array(24_000_000).fill(66);
    const id = await completed(service, bytes, `cut-${kind}`);
    const [{ file_id: fileId } = { file_id: '' }] = await database.sql<{ file_id: string }[]>`
      select id as file_id from pdfprompt_file where job_id = ${id}`;
    const request = get(`${service.address}/v1/jobs/${id}/pdf`, {
      agent: false,
      headers: { authorization: `Bearer ${key}` },
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let size = 0;
    response.on('data', (data: Buffer) => {
      size += data.byteLength;
      if (size < 1_000_000) return;
      response.pause();
    });
    await eventually(() => size >= 1_000_000, 20_000, 'some of it is there');
    await database.sql`delete from pdfprompt_file_chunk where file_id = ${fileId} and seq > 10`;
    await truncate(join(directory, fileId.slice(-2), `${fileId}.pdf`), 12_000_000).catch(() => undefined);
    response.removeAllListeners('data').on('data', (data: Buffer) => (size += data.byteLength));
    response.resume();
    await expect(once(response, 'end')).rejects.toThrow(/aborted/);
    expect(size).toBeLessThan(bytes.length);
  });
});

describe('a PDF is read from the store that its row names', async () => {
  const bytes = new TextEncoder().encode('%PDF-1.7 in one of two');
  const jobs = {
    postgres: await completed(inPostgres, bytes, 'postgres'),
    file: await completed(inDirectory, bytes, 'file'),
  };
  const services = { postgres: inPostgres, file: inDirectory };

  it.each([
    { row: 'postgres', setting: 'postgres' },
    { row: 'postgres', setting: 'file' },
    { row: 'file', setting: 'file' },
    { row: 'file', setting: 'postgres' },
  ] as const)('in $row, where PDF_STORE says $setting', async ({ row, setting }) => {
    const { request } = services[setting];
    const id = jobs[row];
    const pdf = await request(`/v1/jobs/${id}/pdf`, { key });
    expect((await pdf.bytes()).length).toBe(bytes.length);
    const url = `/v1/jobs/${id}/pdf`;
    const list = (await (await request('/v1/jobs', { key })).json()) as { data: Job[] };
    const again = { method: 'POST', key, headers: { 'Idempotency-Key': row }, body: '{"html":"x"}' };
    const answers = {
      get: await (await request(`/v1/jobs/${id}`, { key })).json(),
      list: list.data.find((job) => job.id === id),
      again: await (await request('/v1/jobs', again)).json(),
      cancel: await (await request(`/v1/jobs/${id}`, { method: 'DELETE', key })).json(),
    };
    const shown = expect.objectContaining({ file: expect.objectContaining({ url, size: bytes.length }) });
    expect(answers).toEqual({ get: shown, list: shown, again: shown, cancel: shown });
    expect(JSON.stringify(answers)).not.toMatch(/"(store|location)"/);
  });

  it.each([
    { row: 'file', setting: 'postgres' },
    { row: 'postgres', setting: 'file' },
  ] as const)('in $row, and expires by a worker whose PDF_STORE says $setting', async ({ row, setting }) => {
    const [file] = await database.sql<{ id: string }[]>`
      update pdfprompt_file set expires_at = now() - interval '1 second' where job_id = ${jobs[row]} returning id`;
    expect(await expire({ ...services[setting].base, retentionMs })).toMatchObject({ files: 1 });
    expect((await services[row].request(`/v1/jobs/${jobs[row]}/pdf`, { key })).status).toBe(410);
    const names = await readdir(directory, { recursive: true });
    expect(names.filter((name) => name.includes(file?.id ?? ''))).toEqual([]);
    expect(await database.sql`select 1 from pdfprompt_file_chunk where file_id = ${file?.id ?? ''}`).toHaveLength(0);
    expect(await database.sql`select 1 from pdfprompt_unowned_file`).toHaveLength(0);
  });

  it('of a kind that this release does not know: it has no url, and answers 503', async () => {
    const id = await completed(inPostgres, bytes, 'unknown');
    await database.sql`update pdfprompt_file set store = 'tape', location = 'tape://1' where job_id = ${id}`;
    expect((await inPostgres.request(`/v1/jobs/${id}/pdf`, { key })).status).toBe(503);
    const job = (await (await inPostgres.request(`/v1/jobs/${id}`, { key })).json()) as Job;
    expect(job.file?.url).toBeNull();
    const { data } = (await (await inPostgres.request(`/v1/jobs/${id}/files`, { key })).json()) as { data: object[] };
    expect(data).toMatchObject([{ url: null, size: bytes.length }]);
  });

  it('answers 410 when the bytes are not there, and 503 when the directory is not', async () => {
    const id = await completed(inDirectory, bytes, 'gone');
    const ask = () => inDirectory.request(`/v1/jobs/${id}/pdf`, { key });
    for (const name of await readdir(directory))
      if (!name.startsWith('.')) await rm(join(directory, name), { recursive: true });
    expect((await ask()).status).toBe(410);
    await rm(directory, { recursive: true });
    const unavailable = await ask();
    expect([unavailable.status, Number(unavailable.headers.get('retry-after'))]).toEqual([503, 5]);
  });
});

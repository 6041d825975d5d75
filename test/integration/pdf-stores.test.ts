import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { get, request as open } from 'node:http';
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
await database.sql`insert into pdfprompt_worker (id, host, pid, concurrency) values (${workerId}, 'test', 1, 1)`;
const retentionMs = 60_000;

/** A job whose PDF is kept where this service keeps them. */
async function completed({ base, request }: TestService, bytes: Uint8Array, idempotencyKey: string): Promise<string> {
  const headers = { 'Idempotency-Key': idempotencyKey };
  const response = await request('/v1/jobs', { method: 'POST', key, headers, body: '{"html":"x"}' });
  const { id } = (await response.json()) as Job;
  const [job] = await claimJobs(base, { workerId, count: 1 });
  await finishJob({ ...base, retentionMs }, job as ClaimedJob, doneWith(bytes));
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
    const told = ({ headers: its }: Response) => Object.fromEntries([...its].filter(([name]) => !other.has(name)));
    expect(told(head)).toEqual(told(whole));
    expect((await whole.bytes()).length).toBe(Number(head.headers.get('content-length')));
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
    { row: 'postgres', setting: 'postgres', isReached: true },
    { row: 'postgres', setting: 'file', isReached: true },
    { row: 'file', setting: 'file', isReached: true },
    { row: 'file', setting: 'postgres', isReached: false },
  ] as const)('in $row, where PDF_STORE says $setting: $isReached', async ({ row, setting, isReached }) => {
    const { request } = services[setting];
    const id = jobs[row];
    const pdf = await request(`/v1/jobs/${id}/pdf`, { key });
    if (isReached) expect((await pdf.bytes()).length).toBe(bytes.length);
    else expect([pdf.status, await pdf.json()]).toMatchObject([503, { code: 'unavailable' }]);
    const url = isReached ? `/v1/jobs/${id}/pdf` : null;
    const list = (await (await request('/v1/jobs', { key })).json()) as { data: Job[] };
    const again = { method: 'POST', key, headers: { 'Idempotency-Key': row }, body: '{"html":"x"}' };
    const answers = {
      get: await (await request(`/v1/jobs/${id}`, { key })).json(),
      list: list.data.find((job) => job.id === id),
      again: await (await request('/v1/jobs', again)).json(),
      cancel: await (await request(`/v1/jobs/${id}`, { method: 'DELETE', key })).json(),
    };
    const told = expect.objectContaining({ file: expect.objectContaining({ url, size: bytes.length }) });
    expect(answers).toEqual({ get: told, list: told, again: told, cancel: told });
    expect(JSON.stringify(answers)).not.toContain('"store"');
  });

  it.each([
    // Whoever can reach the directory does it; a day later it is done all the same.
    { row: 'file', setting: 'postgres', hours: 1, isExpired: false },
    { row: 'file', setting: 'postgres', hours: 25, isExpired: true },
    { row: 'postgres', setting: 'file', hours: 1, isExpired: true },
  ] as const)(
    'in $row, expires by a worker whose PDF_STORE says $setting $hours h too late: $isExpired',
    async ({ row, setting, hours, isExpired }) => {
      await database.sql`update pdfprompt_file set expires_at = now() - ${hours} * interval '1 hour' where job_id = ${jobs[row]}`;
      const { files } = await expire({ ...services[setting].base, retentionMs });
      expect(files).toBe(isExpired ? 1 : 0);
      const { status } = await services[row].request(`/v1/jobs/${jobs[row]}/pdf`, { key });
      expect(status).toBe(isExpired ? 410 : 200);
    },
  );

  it('answers 410 when the bytes are not there', async () => {
    const id = await completed(inDirectory, bytes, 'gone');
    await rm(directory, { recursive: true });
    expect((await inDirectory.request(`/v1/jobs/${id}/pdf`, { key })).status).toBe(410);
  });
});

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import type { ClaimedDelivery } from '../../src/deliveries/claim.ts';
import { requeueDeliveries } from '../../src/deliveries/keep-moving.ts';
import type { Delivery } from '../../src/deliveries/read-deliveries.ts';
import { recordAttempt } from '../../src/deliveries/record.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { unzip } from '../../src/sources/unzip.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { temporaryDirectory } from '../support/files.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startReceiver } from '../support/receiver.ts';
import { startService } from '../support/service.ts';

const receiver = await startReceiver();
/** Seconds: the third try is the last one. */
const LADDER = [0.1, 0.2];
const service = await startService({ deliverer: { ladder: LADDER, webhookMs: 2_000 }, env: receiver.env });
const { base, sql, request } = service;

let count = 0;
/** Addresses of one test: of the file, and of its reports. */
function places(answer = 'ok') {
  const test = String(count++);
  const at = (name: string, does = 'ok') => ({ path: `/${encodeURIComponent(does)}/${test}/${name}`, url: receiver.url(does, `/${test}/${name}`) }); // prettier-ignore
  return { file: at('file', answer), failure: at('failure'), success: at('success') };
}

async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await request(`/v1${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
  const text = await response.text();
  expect([path, response.ok, text]).toEqual([path, true, expect.any(String)]);
  return (text === '' ? {} : JSON.parse(text)) as T;
}
const submit = async (body: object) => (await ask<{ id: string }>('POST', '/jobs', { html: 'x', ...body })).id;
const rowsOf = async (job: string) => (await ask<{ data: Delivery[] }>('GET', `/jobs/${job}/deliveries`)).data;

/** Waits until each delivery of a job is as it should be, by its address. */
async function settled(job: string, wanted: Record<string, string>) {
  const found = async () => Object.fromEntries((await rowsOf(job)).map(({ url, status }) => [new URL(url).pathname, status])); // prettier-ignore
  await eventually(async () => JSON.stringify(sorted(await found())) === JSON.stringify(sorted(wanted)), 30_000, `${JSON.stringify(wanted)} of ${job}`); // prettier-ignore
}
const sorted = (all: Record<string, string>) =>
  Object.keys(all)
    .toSorted()
    .map((key) => [key, all[key]]);

async function end(jobId: string, outcome: Outcome): Promise<void> {
  const { db, queue, events, stores } = base;
  const workerId = uuidv7();
  await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
  for (let times = 0; times < 100; times++) {
    const [claimed] = await claimJobs({ db, queue, events }, { workerId, count: 1 });
    if (claimed?.id !== jobId) continue; // the place of a job that has ended
    await finishJob({ db, queue, stores, retentionMs: 600_000 }, claimed, outcome);
    return;
  }
  throw new Error('the job is not in the queue');
}
const pdf = (text: string) => doneWith(Buffer.from(text));

const BODY = { order: 4711, status: '{status}', message: '{message}' };
/** Both reports. */
const reports = ({ failure, success }: ReturnType<typeof places>) => [
  { on: 'failed', url: failure.url, method: 'PATCH', headers: { 'X-Own': 'yes' }, body: BODY, statuses: { render_timeout: 503 }, fields: { 'options.pageRanges': 'nativePageRanges' } }, // prettier-ignore
  { on: 'delivered', url: success.url, body: { event: 'there', job: '{job}', error: '{message}', at: '{timestamp}' } },
];

describe('an upload', () => {
  it.each(['POST', 'PATCH', 'PUT'])('by %s has the name of its file, and what else it is given', async (method) => {
    const { file } = places();
    const headers = { 'User-Agent': 'Another', 'X-Trace': 'a-trace' };
    const id = await submit({ filename: 'Rechnung für Ann', upload: { url: file.url, method, headers, disposition: 'attachment' } }); // prettier-ignore
    await end(id, pdf('%PDF of one'));
    const [got] = await receiver.got(file.path);
    expect(got).toMatchObject({
      method,
      body: '%PDF of one',
      headers: {
        'content-type': 'application/pdf',
        'content-length': '11',
        'content-disposition': `attachment; filename="Rechnung f_r Ann.pdf"; filename*=UTF-8''Rechnung%20f%C3%BCr%20Ann.pdf`,
        'user-agent': 'Another',
        'x-trace': 'a-trace',
      },
    });
    await settled(id, { [file.path]: 'delivered' });
  });

  it('has no name unless it is asked for, and another one if the request says so', async () => {
    for (const [upload, name] of [
      [{}, undefined],
      [{ disposition: 'attachment', headers: { 'Content-Disposition': 'inline' } }, 'inline'],
    ] as const) {
      const { file } = places();
      await end(await submit({ upload: { url: file.url, ...upload } }), pdf('x'));
      expect((await receiver.got(file.path))[0]?.headers['content-disposition']).toBe(name);
    }
  });

  it('of several files is one zip, and of one file the file', async () => {
    const [many, one] = [places().file, places().file];
    const upload = { method: 'POST', disposition: 'attachment' };
    const split = { every: 1 };
    const large = 'y'.repeat(300_000);
    const id = await submit({ filename: 'parts', split, upload: { ...upload, url: many.url } });
    await end(id, { ...pdf('x'), files: [...pdf('first').files, ...pdf(large).files] });
    const [zip] = await receiver.got(many.path);
    expect(zip?.headers).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': expect.stringContaining('filename="parts.zip"') as string,
      'content-length': String(zip?.body.length),
    });
    expect(await unpacked(zip?.body ?? '')).toEqual({ 'parts.pdf': 'first', 'parts-2.pdf': large });
    await end(await submit({ split, upload: { ...upload, url: one.url } }), pdf('alone'));
    const [file] = await receiver.got(one.path);
    expect([file?.body, file?.headers['content-type']]).toEqual(['alone', 'application/pdf']);
  });
});

async function unpacked(bytes: string): Promise<Record<string, string>> {
  const home = await temporaryDirectory('zip');
  const path = join(home, 'zip');
  await writeFile(path, Buffer.from(bytes, 'latin1'));
  let next = 0;
  const files = await unzip(path, { maxFiles: 9, maxBytes: 1_000_000, place: () => join(home, String(next++)) });
  const entries = files.map(async (file) => [file.name, await readFile(file.path, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(entries));
}

describe('reports', () => {
  it('of an upload that was delivered are those that wait for it, afterwards', async () => {
    const at = places();
    const id = await submit({ upload: { url: at.file.url, reports: reports(at) } });
    await end(id, pdf('x'));
    const [said] = await receiver.got(at.success.path);
    expect(said).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json' } });
    const body = JSON.parse(said?.body ?? '') as { at: string };
    expect(body).toEqual({ event: 'there', job: id, error: null, at: expect.any(String) as string });
    await settled(id, { [at.file.path]: 'delivered', [at.success.path]: 'delivered', [at.failure.path]: 'cancelled' });
    const upload = (await rowsOf(id)).find(({ kind }) => kind === 'upload');
    expect(body.at).toBe(upload?.endedAt);
    expect(said?.at).toBeGreaterThan(receiver.to(at.file.path)[0]?.at ?? Infinity);
    expect(receiver.to(at.failure.path)).toEqual([]);
  });

  it.each<[string, (id: string) => Promise<unknown>, object]>([
    ['that failed', (id) => end(id, { kind: 'reject', code: 'render_timeout', message: 'it was slow' }), { status: 503, message: 'it was slow' }], // prettier-ignore
    ['that failed otherwise', (id) => end(id, { kind: 'reject', code: 'print_failed', message: 'options.pageRanges: no' }), { status: 422, message: 'nativePageRanges: no' }], // prettier-ignore
    ['that was cancelled', (id) => ask('DELETE', `/jobs/${id}`), { status: 409, message: 'the job was cancelled' }],
  ])('of a job %s say why there is no file', async (_, finish, said) => {
    const at = places();
    const id = await submit({ upload: { url: at.file.url, reports: reports(at) } });
    await finish(id);
    const [got] = await receiver.got(at.failure.path);
    expect(got).toMatchObject({ method: 'PATCH', headers: { 'x-own': 'yes' } });
    expect(JSON.parse(got?.body ?? '')).toEqual({ order: 4711, ...said });
    await settled(id, { [at.file.path]: 'cancelled', [at.success.path]: 'cancelled', [at.failure.path]: 'delivered' });
    expect(receiver.to(at.file.path)).toEqual([]);
  });

  it('of an upload that is given up say so, and once it is replayed the others are sent', async () => {
    const at = places('fails');
    const id = await submit({ upload: { url: at.file.url, reports: reports(at) } });
    await end(id, pdf('x'));
    const [got] = await receiver.got(at.failure.path);
    expect(JSON.parse(got?.body ?? '')).toEqual({ order: 4711, status: 502, message: 'the file could not be delivered: it answered 500' }); // prettier-ignore
    await settled(id, { [at.file.path]: 'failed', [at.success.path]: 'cancelled', [at.failure.path]: 'delivered' });
    const upload = (await rowsOf(id)).find(({ kind }) => kind === 'upload');
    expect(upload).toMatchObject({ attempts: LADDER.length + 1 });
    const replay = () => ask('POST', `/jobs/${id}/deliveries/${upload?.id}/replay`);
    await replay();
    await eventually(() => receiver.to(at.file.path).length === 2 * (LADDER.length + 1), 30_000, 'it failed again');
    await settled(id, { [at.file.path]: 'failed', [at.success.path]: 'cancelled', [at.failure.path]: 'delivered' });
    receiver.planned.set(at.file.path, ['ok']);
    await replay();
    await settled(id, { [at.file.path]: 'delivered', [at.success.path]: 'delivered', [at.failure.path]: 'delivered' });
    expect(receiver.to(at.failure.path)).toHaveLength(1);
  });

  it('are tried again like everything that is sent, and are sent when the sender of the upload was lost', async () => {
    const at = places('says nothing');
    receiver.planned.set(at.failure.path, ['fails', 'is cut at once', 'ok']);
    const id = await submit({ upload: { url: at.file.url, reports: reports(at) } });
    await end(id, pdf('x'));
    await receiver.got(at.file.path);
    // Its sender is gone, and it was the last try.
    await sql`update pdfprompt_delivery set claimed_until = now() - interval '1 second', round = 99, attempts = attempts + 1
      where job_id = ${id} and kind = 'upload'`;
    await settled(id, { [at.file.path]: 'failed', [at.success.path]: 'cancelled', [at.failure.path]: 'delivered' });
    expect(receiver.to(at.failure.path)).toHaveLength(3);
    expect(JSON.parse(receiver.to(at.failure.path)[0]?.body ?? '')).toMatchObject({
      message: 'the file could not be delivered: the process that sent it was lost',
    });
  });

  describe('of an upload that is replayed before they are delivered', () => {
    const replay = async (id: string, path: string) => {
      const row = (await rowsOf(id)).find(({ url }) => new URL(url).pathname === path);
      return request(`/v1/jobs/${id}/deliveries/${row?.id}/replay`, { method: 'POST' });
    };
    const becomeDue = (id: string) => sql`update pdfprompt_delivery set due_at = now() where job_id = ${id} and kind = 'report' and status = 'waiting'`; // prettier-ignore
    const waits = (path: string) => eventually(async () => (await sql`
      select from pdfprompt_delivery where status = 'waiting' and url = ${receiver.origin + path}`).length === 1, 30_000, `${path} waits`); // prettier-ignore

    /** An upload that has failed with 410, and whose report waits for its second try. */
    async function failed() {
      const at = places('gone');
      receiver.planned.set(at.failure.path, ['later', 'ok']);
      const [failure, success] = reports(at);
      const body = { message: '{message}', at: '{timestamp}' };
      const id = await submit({ upload: { url: at.file.url, reports: [{ ...failure, body }, success] } });
      await end(id, pdf('x'));
      await waits(at.failure.path);
      return { at, id };
    }
    /** Another process has taken the report. */
    async function take(id: string): Promise<ClaimedDelivery> {
      const [row] = await sql`update pdfprompt_delivery set status = 'sending', attempts = attempts + 1, round = round + 1, due_at = null,
        claimed_until = now() + interval '1 hour' where job_id = ${id} and report_on = 'failed' returning id, attempts as attempt, round`; // prettier-ignore
      return row as unknown as ClaimedDelivery;
    }
    async function delivered({ at, id }: Awaited<ReturnType<typeof failed>>, of = 'cancelled') {
      receiver.planned.set(at.file.path, ['ok']);
      expect((await replay(id, at.file.path)).status).toBe(202);
      await settled(id, { [at.file.path]: 'delivered', [at.success.path]: 'delivered', [at.failure.path]: of });
    }
    const attempt = (isDelivered: boolean) => ({ isDelivered, isFinal: false, status: isDelivered ? 200 : 503, answer: '', ms: 1 }); // prettier-ignore
    const patience = { ladder: LADDER, failingSeconds: 60 };

    it('are cancelled once it is delivered, and not sent again', async () => {
      const { at, id } = await failed();
      await delivered({ at, id });
      const [row] = await sql`select due_at, claimed_until, ended_at is not null as is_ended from pdfprompt_delivery where job_id = ${id} and report_on = 'failed'`; // prettier-ignore
      expect(row).toEqual({ due_at: null, claimed_until: null, is_ended: true });
      expect((await replay(id, at.failure.path)).status).toBe(409);
      expect([at.failure, at.success].map(({ path }) => receiver.to(path).length)).toEqual([1, 1]);
    });

    it.each<[string, (taken: ClaimedDelivery) => Promise<unknown>, string]>([
      ['that fails is cancelled', (taken) => recordAttempt(base.db, taken, attempt(false), patience), 'cancelled'],
      ['that succeeds is delivered', (taken) => recordAttempt(base.db, taken, attempt(true), patience), 'delivered'],
      ['whose sender stops is cancelled', (taken) => requeueDeliveries(base.db, [taken]), 'cancelled'],
      ['whose sender is lost is cancelled', ({ id }) => sql`update pdfprompt_delivery set claimed_until = now() - interval '1 second' where id = ${id}`, 'cancelled'], // prettier-ignore
      // Its sender does not see the end of the upload yet, nor that end the row of its sender.
      ['that fails at the same moment is cancelled', ({ id }) => sql`update pdfprompt_delivery set status = 'waiting', due_at = now(), claimed_until = null where id = ${id}`, 'cancelled'], // prettier-ignore
    ])('are not tried again, and one that is being sent and %s', async (_, ends, status) => {
      const { at, id } = await failed();
      const taken = await take(id);
      await delivered({ at, id }, 'pending');
      await ends(taken);
      await settled(id, { [at.file.path]: 'delivered', [at.success.path]: 'delivered', [at.failure.path]: status });
      expect(receiver.to(at.failure.path)).toHaveLength(1);
      expect((await replay(id, at.failure.path)).status).toBe(409);
    });

    it('say the end that they report, whatever the upload does since', async () => {
      const { at, id } = await failed();
      receiver.planned.set(at.file.path, ['later']);
      expect((await replay(id, at.file.path)).status).toBe(202);
      await waits(at.file.path);
      await becomeDue(id);
      await settled(id, { [at.file.path]: 'pending', [at.success.path]: 'cancelled', [at.failure.path]: 'delivered' });
      const [first, second] = receiver.to(at.failure.path).map(({ body }) => JSON.parse(body) as object);
      expect(first).toEqual({ message: 'the file could not be delivered: it answered 410', at: expect.any(String) as string }); // prettier-ignore
      expect(second).toEqual(first);
    });

    it('stay if it was delivered: it is not replayed, and another end changes nothing for them', async () => {
      const at = places();
      receiver.planned.set(at.success.path, ['later', 'ok']);
      const id = await submit({ upload: { url: at.file.url, reports: reports(at).slice(1) } });
      await end(id, pdf('x'));
      await waits(at.success.path);
      expect((await replay(id, at.file.path)).status).toBe(409);
      await sql`update pdfprompt_delivery set status = 'failed' where job_id = ${id} and kind = 'upload'`;
      await becomeDue(id);
      await settled(id, { [at.file.path]: 'failed', [at.success.path]: 'delivered' });
      expect(receiver.to(at.success.path)).toHaveLength(2);
    });
  });

  it('are asked for again by a retry, with all that belongs to them', async () => {
    const at = places();
    const asked = {
      url: at.file.url,
      method: 'POST',
      headers: { 'x-a': 'b' },
      disposition: 'inline',
      reports: reports(at),
    };
    const id = await submit({ upload: asked });
    await end(id, { kind: 'reject', code: 'print_failed', message: 'no' });
    await settled(id, { [at.file.path]: 'cancelled', [at.success.path]: 'cancelled', [at.failure.path]: 'delivered' });
    const again = await ask<{ id: string }>('POST', `/jobs/${id}/retry`);
    const rows = (job: string) => sql`select kind, url, headers, options, report_on, host from pdfprompt_delivery where job_id = ${job} order by url`; // prettier-ignore
    expect([...(await rows(again.id))]).toEqual([...(await rows(id))]);
    await end(again.id, pdf('x'));
    await settled(again.id, { [at.file.path]: 'delivered', [at.success.path]: 'delivered', [at.failure.path]: 'cancelled' }); // prettier-ignore
    expect(receiver.to(at.file.path)[0]).toMatchObject({ method: 'POST', headers: { 'x-a': 'b' } });
  });
});

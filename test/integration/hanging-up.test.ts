import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { db, queue, stores, events } = service.base;
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000c';
await service.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;

async function submitted(): Promise<string> {
  const response = await service.request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' });
  return ((await response.json()) as { id: string }).id;
}

async function completed(bytes: Uint8Array): Promise<string> {
  const id = await submitted();
  const job = (await claimJobs({ db, queue, events }, { workerId, count: 10 })).find((each) => each.id === id);
  await finishJob({ db, queue, stores, retentionMs: 60_000 }, job as ClaimedJob, doneWith(bytes));
  return id;
}
const large = await completed(new Uint8Array(8_000_000).fill(65));
const waiting = await submitted();

/** What there is in the log of a request, once it is answered. */
interface Line {
  requestId?: string;
  level: string;
  msg: string;
  status?: number;
}
const linesOf = (requestId: string) =>
  service.lines.map((line) => JSON.parse(line) as Line).filter((line) => line.requestId === requestId);

const badLinesOf = (requestId: string) =>
  linesOf(requestId).filter(({ level }) => !['trace', 'debug', 'info'].includes(level));

/** The last line of a request: how it was answered. */
async function answered(requestId: string): Promise<Line> {
  const find = () => linesOf(requestId).find(({ status }) => status !== undefined);
  await eventually(() => find() !== undefined, 20_000, `${requestId} is answered`);
  return find() as Line;
}

let count = 0;

/** Sends this much of a request, and waits until the server has it: it says that it may be continued. */
async function send(head: string, body = ''): Promise<{ socket: Socket; requestId: string }> {
  const requestId = `hung-up-${count++}`;
  const socket = connect(Number(new URL(service.address).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const headers = ['Host: x', `Authorization: Bearer ${service.key}`, `X-Request-Id: ${requestId}`];
  socket.write([head, ...headers, 'Expect: 100-continue', '', body].join('\r\n'));
  await once(socket, 'data');
  return { socket, requestId };
}

const JSON_OF = (bytes: number) => `Content-Type: application/json\r\nContent-Length: ${bytes}`;
const CHUNKED = 'Content-Type: application/json\r\nTransfer-Encoding: chunked';
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100';
const WAYS = [
  ['by a reset', (socket: Socket) => socket.resetAndDestroy()],
  ['in order', (socket: Socket) => socket.destroy()],
] as const;

describe.each(WAYS)('a client that hangs up %s', (_, hangUp) => {
  it.each([
    ['a job', `POST /v1/jobs HTTP/1.1\r\n${JSON_OF(1_000)}`, '{'],
    ['a job, nothing of it yet', `POST /v1/jobs HTTP/1.1\r\n${JSON_OF(1_000)}`, ''],
    ['a job in chunks', `POST /v1/jobs HTTP/1.1\r\n${CHUNKED}`, '5\r\n{"htm\r\n'],
    ['a document that it would wait for', `POST /v1/pdf HTTP/1.1\r\n${JSON_OF(5_000_000)}`, '{"html":"'],
    ['a form of the console', `POST /console/sign-in HTTP/1.1\r\nSec-Fetch-Site: same-origin\r\n${FORM}`, 'key=p'],
  ])('while it sends %s is told of as that, and no fault of ours', async (__, head, body) => {
    const { socket, requestId } = await send(head, body);
    hangUp(socket);
    const line = await answered(requestId);
    expect(line).toMatchObject({ msg: 'request answered', status: 499 });
    expect(badLinesOf(requestId)).toEqual([]);
  });

  it.each([
    ['for a job', `GET /v1/jobs/${waiting}?wait=60 HTTP/1.1`, ''],
    ['for a PDF', `POST /v1/pdf HTTP/1.1\r\nPrefer: wait=60\r\n${JSON_OF(12)}`, '{"html":"x"}'],
  ])('while it waits %s is told of as that, and no fault of ours', async (__, head, body) => {
    const { socket, requestId } = await send(head, body);
    hangUp(socket);
    const line = await answered(requestId);
    expect(line).toMatchObject({ msg: 'request answered', status: 499 });
    expect(badLinesOf(requestId)).toEqual([]);
  });

  it('while it receives a PDF is no fault of ours', async () => {
    const { socket, requestId } = await send(`GET /v1/jobs/${large}/pdf HTTP/1.1`);
    await once(socket, 'data');
    hangUp(socket);
    const line = await answered(requestId);
    expect(line).toMatchObject({ msg: 'request answered', status: 200 }); // which had been sent
    expect(badLinesOf(requestId)).toEqual([]);
  });
});

describe('the figures', () => {
  it('have them apart from the faults of the service', async () => {
    const { body } = await service.base.events.metrics.text();
    const requests = body.split('\n').filter((line) => line.startsWith('pdfprompt_api_requests_total'));
    expect(requests.filter((line) => line.includes('status="499"')).length).toBeGreaterThan(3);
    expect(requests.filter((line) => /status="5/.test(line))).toEqual([]);
  });
});

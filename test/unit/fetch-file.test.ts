import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchFile } from '../../src/cli/fetch-file.ts';
import { PatientClient } from '../../src/cli/patient-client.ts';
import { ServiceClient } from '../../src/kernel/service-client.ts';
import { listenOnLoopback } from '../../src/kernel/loopback.ts';
import { undoLater } from '../support/clean-up.ts';

const BYTES = randomBytes(300_000);
const expected = { sha256: createHash('sha256').update(BYTES).digest('hex'), size: BYTES.length };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers the first request with the first answer, and so on; all others with the file. */
async function stage(...answers: Answer[]) {
  const directory = await mkdtemp(join(tmpdir(), 'fetch-file-'));
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    (answers.shift() ?? whole)(request, response);
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(server)}`;
  undoLater(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });
  const end = new AbortController();
  const waits: (string | undefined)[] = [];
  const client = new PatientClient(new ServiceClient(url, 'key'), {
    signal: end.signal,
    onWait: (reason) => waits.push(reason),
    patienceMs: 3_000,
  });
  const target = join(directory, 'out.pdf');
  const fetch = ({ isKnown = true } = {}) =>
    fetchFile(client, { path: '/file', target, expected: isKnown ? expected : undefined });
  return { directory, target, ranges, waits, end, fetch, names: () => readdir(directory) };
}

const whole: Answer = ({ headers }, response) => {
  const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
  const rest = BYTES.subarray(Number(from ?? 0));
  response.writeHead(from === undefined ? 200 : 206, { 'content-length': rest.length }).end(rest);
};

const cutAt =
  (size: number): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-length': BYTES.length });
    response.write(BYTES.subarray(0, size), () => setTimeout(() => response.destroy(), 20));
  };

describe('a file of the service', () => {
  it('is fetched once', async () => {
    const { fetch, names, target, ranges } = await stage();
    expect(await fetch()).toBe(true);
    expect(await readFile(target)).toEqual(BYTES);
    expect(await fetch()).toBe(false);
    expect([await names(), ranges.length]).toEqual([['out.pdf'], 1]);
  });

  it('is fetched from where the connection was lost', async () => {
    const { fetch, names, target, ranges, waits } = await stage(cutAt(100_000));
    await fetch();
    expect(await readFile(target)).toEqual(BYTES);
    expect([await names(), ranges]).toEqual([['out.pdf'], [undefined, 'bytes=100000-']]);
    expect(waits).toEqual([expect.stringContaining('no answer'), undefined]);
  });

  it('is fetched from where the process was lost, and from its start if the server wants that', async () => {
    const ended = await stage(cutAt(70_000));
    const running = ended.fetch();
    await expect.poll(async () => (await ended.names()).length).toBe(1);
    await expect.poll(() => ended.waits.length).toBe(1);
    ended.end.abort(new Error('killed'));
    await expect(running).rejects.toThrow('killed');
    const [part = ''] = await ended.names();
    expect(part).toMatch(/^\.out\.pdf\.[0-9a-f]{12}\.part$/);
    const again = await stage((_, response) => response.writeHead(200).end(BYTES));
    await writeFile(join(again.directory, part), await readFile(join(ended.directory, part)));
    await again.fetch();
    expect(await readFile(again.target)).toEqual(BYTES);
    expect([await again.names(), again.ranges]).toEqual([['out.pdf'], ['bytes=70000-']]);
  });

  it('replaces another one, and a part that is not right is fetched again', async () => {
    const { fetch, directory, names, target } = await stage();
    await writeFile(target, 'another');
    await writeFile(join(directory, `.out.pdf.${expected.sha256.slice(0, 12)}.part`), randomBytes(1_000));
    await fetch();
    expect([await readFile(target), await names()]).toEqual([BYTES, ['out.pdf']]);
  });

  it('is not there if the bytes are others than was promised', async () => {
    const other: Answer = (_, response) => response.end(randomBytes(BYTES.length));
    const { fetch, names } = await stage(other, other);
    await expect(fetch()).rejects.toThrow('out.pdf: the service sent other bytes than it promised');
    expect(await names()).toEqual([]);
  });

  it('without a checksum it is fetched from its start each time', async () => {
    const { fetch, names, target, ranges } = await stage(cutAt(100_000));
    await writeFile(target, 'another');
    await fetch({ isKnown: false });
    expect([await readFile(target), await names(), ranges]).toEqual([BYTES, ['out.pdf'], [undefined, undefined]]);
  });

  it('is one file, although two processes fetch it', async () => {
    const slowly: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': BYTES.length });
      response.write(BYTES.subarray(0, 150_000));
      setTimeout(() => response.end(BYTES.subarray(150_000)), 100);
    };
    const { fetch, names, target } = await stage(slowly, slowly);
    await Promise.all([fetch(), fetch()]);
    expect([await readFile(target), await names()]).toEqual([BYTES, ['out.pdf']]);
  });

  it('is not fetched for ever from a service that does not answer', async () => {
    const busy: Answer = (_, response) =>
      response
        .writeHead(503, { 'content-type': 'application/problem+json' })
        .end('{"detail":"the database is unavailable","code":"unavailable"}');
    const { fetch, waits } = await stage(busy, busy, busy, busy);
    await expect(fetch()).rejects.toThrow(/gave up after .*: the database is unavailable/);
    expect(waits).toContain('the database is unavailable');
  });

  it.each([
    [404, 'there is no such job'],
    [403, 'The API key lacks a scope'],
    [500, 'the service answered 500'],
  ])('is refused at once with %i', async (status, message) => {
    const problem = status === 500 ? 'oops' : JSON.stringify({ detail: message });
    const { fetch, ranges } = await stage((_, response) => response.writeHead(status).end(problem));
    await expect(fetch()).rejects.toThrow(message);
    expect(ranges).toHaveLength(1);
  });

  it('cannot be written where a directory or a file is in the way', async () => {
    const { fetch, target, directory } = await stage();
    await mkdir(target);
    await writeFile(join(target, 'x'), '');
    await expect(fetch()).rejects.toThrow(/out\.pdf could not be written: EISDIR|ENOTEMPTY/);
    const file = join(directory, 'file');
    await writeFile(file, '');
    const client = new PatientClient(new ServiceClient('http://127.0.0.1:9', ''), {
      signal: new AbortController().signal,
      onWait: () => undefined,
    });
    await expect(fetchFile(client, { path: '/', target: join(file, 'out.pdf'), expected })).rejects.toThrow(
      /file could not be written: (EEXIST|ENOTDIR)/,
    );
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { SOCKETS } from '../../src/storage/s3-client.ts';
import { S3Store } from '../../src/storage/s3-store.ts';
import type { WhichFile } from '../../src/storage/store.ts';
import { S3Server, type S3Fault, type S3Request } from '../support/s3-server.ts';
import { fileOf } from '../support/store-subjects.ts';

const server = await S3Server.start();
const { S3_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID: key } = server.env;
const access = { endpoint, region: 'us-east-1', accessKeyId: key, secretAccessKey: key, sessionToken: undefined };
const patience = { idleMs: 8_000, requestMs: 10_000, attemptsMs: 12_000, pauseMs: 10 };
const store = new S3Store(server.bucket, '', access, patience);
/** For what is not answered, or takes too long. */
const hurried = new S3Store(server.bucket, '', access, {
  idleMs: 700,
  requestMs: 2_000,
  attemptsMs: 1_000,
  pauseMs: 10,
});
const storeFor = ({ kind }: S3Fault) => (kind === 'silence' || kind === 'trickle' ? hurried : store);

/** A store outside the database has no use for a transaction. */
const NONE = undefined as never;
const bytesOf = (size: number) => Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 10)) % 251);
const [small, large] = [fileOf([bytesOf(50_000)]), fileOf([bytesOf(5_000_000), bytesOf(4_000_000)])];

let count = 0;
const newId = () => `01a20b1c-7e0d-7435-94b8-${String(count++).padStart(12, '0')}`;
const stored = async (bytes = small, by = store): Promise<WhichFile> => {
  const fileId = newId();
  await by.put(NONE, fileId, bytes);
  return { userId: '', fileId, size: bytes.size };
};
const read = async (which: WhichFile, by = store) => {
  const pieces: Uint8Array[] = [];
  for await (const piece of by.open(NONE, which)) pieces.push(piece);
  return Buffer.concat(pieces);
};
const isKept = async (bytes: typeof small, by = store) =>
  (await read(await stored(bytes, by), by)).equals(Buffer.concat(bytes.chunks));

const ends: (() => void)[] = [];
const fault = (...planned: Parameters<S3Server['fault']>) => ends.push(server.fault(...planned));
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const puts = ({ method }: S3Request) => method === 'PUT';
const gets = ({ method }: S3Request) => method === 'GET';
const error = (status: number, code: string, headers: Record<string, string> = {}): S3Fault => ({
  kind: 'error',
  status,
  code,
  headers,
});

describe('a request to a bucket is tried again', () => {
  const passing: [what: string, of: (request: S3Request) => boolean, fault: S3Fault][] = [
    ['a put for which the service is too busy', puts, error(503, 'SlowDown')],
    ['a put that failed inside', puts, error(500, 'InternalError')],
    ['a put through something that answers for the service', puts, error(502, '')],
    ['a put that is cut in its middle', puts, { kind: 'cut upload', after: 20_000 }],
    ['a put whose answer is lost', puts, { kind: 'cut download', after: 0 }],
    ['a put whose bytes are altered on their way', puts, { kind: 'altered' }],
    ['a put that is not answered', puts, { kind: 'silence' }],
    ['a reading for which the service is too busy', gets, error(503, 'SlowDown')],
    ['a reading that is cut in its middle', gets, { kind: 'cut download', after: 20_000 }],
    ['a reading that is not answered', gets, { kind: 'silence' }],
  ];
  it.each(passing)('%s', async (_, of, once) => {
    fault(once, { of, times: 1 });
    expect(await isKept(small, storeFor(once))).toBe(true);
  });

  it('not before the service asks for it', async () => {
    fault(error(429, 'TooManyRequests', { 'retry-after': '1' }), { times: 1 });
    const startedAt = performance.now();
    await stored();
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000);
  });
});

describe('a request to a bucket that fails for good', () => {
  const lasting: [what: string, fault: S3Fault, reason: string][] = [
    ['too busy', error(503, 'SlowDown'), 'SlowDown'],
    ['without a right', error(403, 'AccessDenied'), 'AccessDenied'],
    ['without a word', error(502, ''), 'http_502'],
    ['cut', { kind: 'cut upload', after: 20_000 }, 'ECONNRESET'],
    ['altered', { kind: 'altered' }, 'altered'],
    ['silent', { kind: 'silence' }, 'slow'],
  ];
  it.each(lasting)('is a failure of the store: %s', async (_, always, reason) => {
    fault(always);
    const by = storeFor(always);
    await expect(stored(small, by)).rejects.toMatchObject({ name: 'StoreFailure', reason });
    await expect(by.probe(NONE, 30_000)).rejects.toMatchObject({ name: 'StoreFailure', reason });
  });

  it.each<[string, S3Fault]>([
    ['too busy', error(503, 'SlowDown')],
    ['cut', { kind: 'cut download', after: 20_000 }],
    ['silent', { kind: 'silence' }],
    ['so slow that it would take hours', { kind: 'trickle' }],
  ])('cannot be read now: %s', async (_, always) => {
    const which = await stored();
    fault(always);
    await expect(read(which, storeFor(always))).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 5 });
  });

  it('is no missing file, if something in front of the service answers that there is none', async () => {
    const which = await stored();
    fault(error(404, ''));
    await expect(read(which)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.remove(NONE, [which.fileId])).rejects.toMatchObject({
      name: 'StoreFailure',
      reason: 'http_404',
    });
  });

  it('is not tried again if that would not help', async () => {
    const before = server.requests.length;
    fault(error(403, 'AccessDenied'));
    await expect(stored()).rejects.toMatchObject({ reason: 'AccessDenied' });
    expect(server.requests.length).toBe(before + 1);
  });
});

describe('an upload in parts', () => {
  const part = (number: number) => (request: S3Request) => request.path.includes(`partNumber=${number}`);
  const completion = ({ method, path }: S3Request) => method === 'POST' && path.includes('uploadId=');

  it.each<[string, (request: S3Request) => boolean, S3Fault]>([
    ['a part is cut', part(2), { kind: 'cut upload', after: 100_000 }],
    ['a part is altered', part(1), { kind: 'altered' }],
    ['the service is too busy for the last request', completion, error(503, 'SlowDown')],
    ['the last request fails after it was answered as a success', completion, error(200, 'InternalError')],
    ['the last answer is lost', completion, { kind: 'cut download', after: 0 }],
  ])('is kept although %s', async (_, of, once) => {
    fault(once, { of, times: 1 });
    expect(await isKept(large)).toBe(true);
    expect(server.uploads).toEqual([]);
  });

  it.each<[string, (request: S3Request) => boolean, S3Fault, reason: string]>([
    ['a part', part(2), error(403, 'AccessDenied'), 'AccessDenied'],
    ['the last request', completion, error(200, 'InternalError'), 'InternalError'],
  ])('is aborted when %s fails', async (_, of, always, reason) => {
    fault(always, { of });
    await expect(stored(large)).rejects.toMatchObject({ name: 'StoreFailure', reason });
    expect(server.uploads).toEqual([]);
  });
});

describe('a bucket', () => {
  it('gets no more connections than are allowed, and keeps them', async () => {
    const before = server.accepted;
    const which = await Promise.all(Array.from({ length: 100 }, () => stored()));
    await Promise.all(which.map((each) => read(each)));
    await store.remove(
      NONE,
      which.map(({ fileId }) => fileId),
    );
    expect(server.accepted - before).toBeLessThanOrEqual(SOCKETS);
  });

  it.each<[string, (request: S3Request, earlier: number) => boolean, S3Fault, named: RegExp]>([
    [
      'who may not list cannot tell what is missing',
      (_, earlier) => earlier === 3,
      error(403, 'AccessDenied'),
      /s3:ListBucket/,
    ],
    ['who may not write', puts, error(403, 'AccessDenied'), /AccessDenied[^]+s3:PutObject/],
    [
      'it is in another region',
      puts,
      error(400, 'AuthorizationHeaderMalformed', { 'x-amz-bucket-region': 'eu-west-3' }),
      /set S3_REGION to eu-west-3/,
    ],
    ['a token is old', puts, error(400, 'ExpiredToken'), /set AWS_SESSION_TOKEN/],
    ['the clock is wrong', puts, error(403, 'RequestTimeTooSkewed'), /set the clock/],
    ['the service does not answer', puts, { kind: 'silence' }, /slow[^]+S3_ENDPOINT/],
  ])('that cannot be used is refused, and what to do is said: %s', async (_, of, always, named) => {
    const before = server.requests.length;
    fault(always, { of: (request) => of(request, server.requests.length - 1 - before) });
    await expect(storeFor(always).check()).rejects.toMatchObject({
      name: 'OperatorError',
      message: expect.stringMatching(named),
    });
  });
});

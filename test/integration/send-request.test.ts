import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { parseEgressRule } from '../../src/config/egress-rule.ts';
import { Dialer } from '../../src/egress/dialer.ts';
import { EgressPolicy } from '../../src/egress/policy.ts';
import { type OutgoingRequest, sendRequest } from '../../src/egress/send-request.ts';
import { createCertificate } from '../support/certificate.ts';
import { freePort } from '../support/free-port.ts';
import { startNameServer } from '../support/name-server.ts';

/** What each name resolves to when it is asked for the first time, the second, … */
const zone = new Map<string, string[][]>();
const nameServer = await startNameServer((name) => {
  const answers = zone.get(name) ?? [];
  return (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
});

const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close()));
const connections = new Set<Socket>();
afterEach(() => connections.forEach((socket) => socket.destroy()));

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => connections.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A server that answers whatever comes with these bytes. */
const raw = (answer: (socket: Socket) => void) =>
  listen(createServer((socket) => socket.once('data', () => answer(socket)).resume()));
const site = (handler: RequestListener) => listen(createHttpServer(handler));

const dialerFor = (...rules: string[]) =>
  new Dialer({
    policy: new EgressPolicy({ policy: 'public', rules: rules.flatMap((rule) => parseEgressRule(rule) ?? []) }),
    nameServers: [nameServer],
  });

function send(url: string, options: Partial<OutgoingRequest> = {}, dialer = dialerFor(new URL(url).host)) {
  const body = options.body ?? Buffer.from('{}');
  const size = Buffer.isBuffer(body) ? body.byteLength : 0;
  return sendRequest(dialer, { method: 'POST', url, headers: {}, size, totalMs: 1_000, ...options, body });
}

describe('an answer', () => {
  it('is its status, and what can be read of its first kilobyte', async () => {
    const port = await site((_, response) => response.writeHead(422, { 'retry-after': '9' }).end(`no\0${'x'.repeat(5_000)}`)); // prettier-ignore
    const sent = await send(`http://127.0.0.1:${port}/`);
    expect(sent).toEqual({ status: 422, retryAfterSeconds: 9, answer: `no${'x'.repeat(1_021)}`, ms: expect.any(Number) }); // prettier-ignore
  });

  it.each<[string, (socket: Socket) => void, object]>([
    ['without a body', (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'), { status: 204, answer: '' }],
    ['that ends with its connection', (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nyes'), { status: 200, answer: 'yes' }],
    ['after interim ones', (socket) => socket.end('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n'), { status: 201 }],
    ['in pieces', (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n'), { status: 200, answer: 'yes' }],
    ['that is packed', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc'), { status: 200, answer: '' }],
    ['of another protocol', (socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'), { error: 'malformed' }],
    ['that is none', (socket) => socket.end('SSH-2.0-OpenSSH\r\n'), { error: 'malformed' }],
    ['with a length that makes no sense', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'), { error: 'malformed' }],
    ['whose headers are cut', (socket) => socket.end('HTTP/1.1 200 OK\r\nx: '), { error: 'cut' }],
    ['whose body is cut', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'), { status: 200, answer: 'abc', error: 'cut' }],
    ['whose pieces are cut', (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc'), { status: 200, error: 'cut' }],
    ['whose pieces make no sense', (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'), { status: 200, error: 'cut' }],
    ['that ends at once', (socket) => socket.destroy(), { error: 'cut' }],
    ['that is reset', (socket) => socket.resetAndDestroy(), { error: 'cut' }],
    ['that never comes', () => undefined, { error: 'timeout' }],
    ['whose body never ends', (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'), { status: 200, error: 'timeout' }],
  ])('%s', async (_, answer, expected) => {
    expect(await send(`http://127.0.0.1:${await raw(answer)}/`)).toMatchObject(expected);
  }); // prettier-ignore

  it.each<[string, string]>([
    ['interim answers', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['headers', `x: ${'y'.repeat(1_000)}\r\n`],
    ['one header', 'y'.repeat(1_000)],
  ])('has no end of %s', async (_, piece) => {
    const port = await raw((socket) => {
      socket.write('HTTP/1.1 102 Processing\r\n');
      const write = () => void (socket.destroyed || socket.write(piece, () => setImmediate(write)));
      write();
    });
    expect(await send(`http://127.0.0.1:${port}/`, { totalMs: 60_000 })).toMatchObject({ error: 'malformed' });
  });
});

describe('a request', () => {
  it('has the headers that were given, but none of the connection', async () => {
    let headers: NodeJS.Dict<string | string[]> = {};
    const port = await site((request, response) => {
      ({ headers } = request);
      response.end();
    });
    const given = { Authorization: 'Bearer x', HOST: 'evil', 'content-length': '9', Connection: 'x-hop', 'X-Hop': '1', 'Transfer-Encoding': 'chunked', Expect: '100-continue', Upgrade: 'h2c' }; // prettier-ignore
    expect(await send(`http://127.0.0.1:${port}/a?b`, { headers: given })).toMatchObject({ status: 200 });
    expect(headers).toEqual({ authorization: 'Bearer x', host: `127.0.0.1:${port}`, 'content-length': '2', connection: 'close' }); // prettier-ignore
  });

  it.each([
    ['an address of another kind', 'ftp://example.com/', {}],
    ['no address', 'https://', {}],
    ['a header with a line break', 'http://127.0.0.1:PORT/', { a: 'b\r\nc: d' }],
    ['a header with no name', 'http://127.0.0.1:PORT/', { '': 'b' }],
    ['a header in other letters', 'http://127.0.0.1:PORT/', { 'x-name': 'Ж' }],
  ])('cannot be sent with %s', async (_, address, headers) => {
    const port = await site((__, response) => response.end());
    const url = address.replace('PORT', String(port));
    expect(await send(url, { headers }, dialerFor(`127.0.0.1:${port}`))).toMatchObject({ error: 'unsendable' });
  });

  it('may be given up', async () => {
    const port = await raw(() => undefined);
    const stop = new AbortController();
    const sent = send(`http://127.0.0.1:${port}/`, { signal: stop.signal, totalMs: 60_000 });
    setTimeout(() => stop.abort(), 20);
    expect(await sent).toMatchObject({ error: 'aborted' });
    expect(await send(`http://127.0.0.1:${port}/`, { signal: stop.signal })).toMatchObject({ error: 'aborted' });
  });
});

describe('a body that is a stream', () => {
  const pieces = (count: number) => Readable.from(Array(count).fill(Buffer.alloc(1_000_000, 'x')));

  it('is sent to its end', async () => {
    let size = 0;
    const port = await site((request, response) => {
      request.on('data', (piece: Buffer) => (size += piece.byteLength));
      request.on('end', () => response.end());
    });
    expect(await send(`http://127.0.0.1:${port}/`, { body: pieces(20), size: 20_000_000, totalMs: 60_000 })).toMatchObject({ status: 200 }); // prettier-ignore
    expect(size).toBe(20_000_000);
  });

  it('is whole although its source ends later than its last byte is answered', async () => {
    const port = await site((request, response) => void request.resume().once('end', () => response.end()));
    const body = Readable.from(
      (async function* () {
        yield Buffer.alloc(10);
        await new Promise((late) => setTimeout(late, 200));
      })(),
    );
    const sent = await send(`http://127.0.0.1:${port}/`, { body, size: 10, totalMs: 60_000 });
    expect(sent).toMatchObject({ status: 200 });
    expect(sent.error).toBeUndefined();
  });

  it('is an error of its own when it breaks', async () => {
    const port = await site((request) => request.resume());
    const broken = new Error('the disk');
    const body = Readable.from(
      (async function* () {
        yield Buffer.alloc(10);
        throw broken;
      })(),
    );
    expect(await send(`http://127.0.0.1:${port}/`, { body, size: 20 })).toMatchObject({ error: 'body', cause: broken });
  });

  it('is no success if the answer comes first', async () => {
    const port = await raw((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    const body = Readable.from(
      (async function* () {
        yield Buffer.alloc(10);
        await new Promise(() => undefined);
      })(),
    );
    expect(await send(`http://127.0.0.1:${port}/`, { body, size: 20 })).toMatchObject({ status: 200, error: 'cut' });
  });

  it('ends when nothing moves', async () => {
    const port = await listen(createServer((socket) => socket.pause()));
    const body = pieces(50);
    const sent = await send(`http://127.0.0.1:${port}/`, { body, size: 50_000_000, totalMs: 60_000, idleMs: 300 });
    expect(sent).toMatchObject({ error: 'timeout' });
    expect(body.destroyed).toBe(true);
  });
});

describe('where it goes', () => {
  it.each([
    ['http://127.0.0.1/', 'address', 'address'],
    ['http://[::1]/', 'address', 'address'],
    ['http://localhost/', 'address', 'address'],
    ['http://0x7f.1/', 'address', 'address'],
    ['http://2130706433/', 'address', 'address'],
    ['http://169.254.169.254/latest/', 'address', 'address'],
    ['https://10.0.0.1/', 'address', 'address'],
    ['http://93.184.216.34:8080/', 'address', 'port'],
    ['http://inside.example/', 'unreachable', 'address'],
    ['http://unknown.example/', 'unreachable', undefined],
  ])('%s: %s, %s', async (url, error, denied) => {
    zone.set('inside.example', [['10.0.0.7']]);
    const sent = await send(url, {}, dialerFor());
    expect({ error: sent.error, denied: sent.denied }).toEqual({ error, denied });
  });

  it('says the same of a port that is closed', async () => {
    expect(await send(`http://127.0.0.1:${await freePort()}/`)).toMatchObject({ error: 'unreachable' });
  });

  it('resolves a name once', async () => {
    zone.set('rebound.example', [['93.184.216.34', '10.0.0.1'], ['127.0.0.1']]);
    expect(await send('http://rebound.example/', {}, dialerFor())).toMatchObject({ error: 'unreachable', denied: 'address' }); // prettier-ignore
  });

  it('does not follow redirects', async () => {
    let asked = 0;
    const port = await site((_, response) => {
      asked++;
      response.writeHead(307, { location: `http://127.0.0.1:${port}/again` }).end();
    });
    expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 307 });
    expect(asked).toBe(1);
  });
});

describe('TLS', () => {
  const trusted = createCertificate({ name: 'localhost' });
  const secure = ({ certificate: cert, key }: { certificate: string; key: string }) =>
    listen(createHttpsServer({ cert, key }, (request, response) => response.end(request.headers.host)));
  const own = getCACertificates('default');
  setDefaultCACertificates([...own, trusted.certificate]);
  afterAll(() => setDefaultCACertificates(own));

  it('is spoken with a server whose certificate is trusted', async () => {
    const port = await secure(trusted);
    const url = `https://localhost:${port}/`;
    expect(await send(url, { totalMs: 10_000 })).toMatchObject({ status: 200, answer: `localhost:${port}` });
  });

  it.each<Record<string, string>>([{ 'x-name': 'Ж' }, { a: 'b\r\nc: d' }, { 'a b': 'c' }, { '': 'b' }])(
    'is no way to send a header that cannot be sent: %j',
    async (headers) => {
      const url = `https://localhost:${await secure(trusted)}/`;
      expect(await send(url, { headers, totalMs: 10_000 })).toMatchObject({ error: 'unsendable' });
    },
  );

  it.each<[string, () => Promise<string>]>([
    ['a certificate that nobody vouches for', async () => `https://localhost:${await secure(createCertificate({ name: 'localhost' }))}/`],
    ['the certificate of another name', async () => `https://127.0.0.1:${await secure(trusted)}/`],
    ['a server that does not speak it', async () => `https://127.0.0.1:${await raw((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))}/`],
    ['a server that hangs up', async () => `https://127.0.0.1:${await raw((socket) => socket.destroy())}/`],
  ])('is refused with %s', async (_, address) => {
    expect(await send(await address(), { totalMs: 10_000 })).toMatchObject({ error: 'tls' });
  }); // prettier-ignore
});

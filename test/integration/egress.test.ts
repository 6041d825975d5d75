import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { parseEgressRule } from '../../src/config/egress-rule.ts';
import { Dialer } from '../../src/egress/dialer.ts';
import { loopbackGateway } from '../../src/egress/gateway.ts';
import { EgressPolicy } from '../../src/egress/policy.ts';
import { EgressProxy } from '../../src/egress/proxy.ts';
import { startNameServer } from '../support/name-server.ts';
import { eventually } from '../support/processes.ts';
import { startSite } from '../support/site.ts';

/** Addresses of names, each time one is asked for. */
const zone = new Map<string, () => string[]>();
const nameServer = await startNameServer((name) => zone.get(name)?.() ?? []);

const asked: { method: string; url: string; headers: Record<string, unknown> }[] = [];
const site = await startSite((request, response) => {
  asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
  switch (request.url) {
    case '/redirect':
      response.writeHead(302, { location: 'http://10.0.0.1/' }).end();
      return;
    case '/drip': {
      const timer = setInterval(() => response.write('drip'), 20);
      response.once('close', () => clearInterval(timer));
      return;
    }
    case '/gigabyte': {
      const piece = Buffer.alloc(1024 * 1024);
      const send = (left: number): void => {
        if (left === 0) response.end();
        else response.write(piece, () => send(left - 1));
      };
      send(1024);
      return;
    }
    case undefined:
    default:
      request.pipe(response.writeHead(200, { 'x-site': 'here', connection: 'x-hop', 'x-hop': 'secret' }));
  }
});
const sitePort = new URL(site.origin).port;

interface Denial {
  reason: string;
  authority: string;
}

function gatewayFor(rules: string[], policy: 'public' | 'none' = 'public') {
  const denials: Denial[] = [];
  const dialer = new Dialer({
    policy: new EgressPolicy({ policy, rules: rules.flatMap((rule) => parseEgressRule(rule) ?? []) }),
    nameServers: [nameServer],
  });
  const events = { egressDenied: ({ reason, authority }: Denial) => void denials.push({ reason, authority }) };
  const gateway = loopbackGateway({ proxy: new EgressProxy(dialer), events });
  afterAll(() => gateway.closeAll());
  return { gateway, denials, dialer };
}

const USE = { userId: 'ann', jobId: 'job', maxConnections: 100, maxBytes: 50 * 1024 * 1024 };

async function openChannel(rules: string[], use: Partial<typeof USE> = {}) {
  const { gateway, denials } = gatewayFor(rules);
  const channel = await gateway.open();
  channel.open({ ...USE, ...use });
  const { hostname: host, port } = new URL(channel.proxyServer);
  /** A request through the proxy. */
  const ask = (url: string, { method = 'GET', body = '' } = {}) =>
    new Promise<{ status: number; body: string; headers: Record<string, unknown> }>((done, failed) => {
      const sent = httpRequest(
        {
          host,
          port,
          method,
          path: url,
          agent: false,
          headers: { host: 'elsewhere.example', 'proxy-authorization': 'x' },
        },
        (response) => {
          let text = '';
          response.on('data', (data: Buffer) => (text += data.toString('latin1')));
          response.once('end', () => done({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
          response.once('error', failed);
          response.once('aborted', () => failed(new Error(`cut off after ${text.length} bytes`)));
        },
      );
      sent.once('error', failed);
      sent.end(body);
    });
  /** A tunnel. @returns the proxy's answer, and the connection */
  const tunnel = (authority: string) =>
    new Promise<{ answer: string; socket: Socket }>((done, failed) => {
      const socket = connect({ host, port: Number(port) });
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
      socket.once('data', (data: Buffer) => done({ answer: data.toString().split('\r\n')[0] ?? '', socket }));
      socket.once('error', failed);
    });
  return { channel, ask, tunnel, denials };
}

describe('a document’s request to the outside', () => {
  it('arrives as it was sent, without what is only for the proxy, and to the host it names', async () => {
    const { ask } = await openChannel([`127.0.0.1:${sitePort}`]);
    asked.length = 0;
    const answer = await ask(`${site.origin}/path?query=1`, { method: 'POST', body: 'hello' });
    expect(answer).toMatchObject({ status: 200, body: 'hello', headers: { 'x-site': 'here' } });
    expect(answer.headers).not.toHaveProperty('x-hop');
    expect(asked).toMatchObject([{ method: 'POST', url: '/path?query=1', headers: { host: `127.0.0.1:${sitePort}` } }]);
    expect(asked[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it('goes through a tunnel', async () => {
    const { tunnel } = await openChannel([`127.0.0.1:${sitePort}`]);
    const { answer, socket } = await tunnel(`127.0.0.1:${sitePort}`);
    expect(answer).toBe('HTTP/1.1 200 Connection Established');
    socket.write('GET /through HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const data of socket) {
      text += String(data);
      if (text.includes('\r\n\r\n')) break; // the site keeps the connection for another request
    }
    expect(text).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it.each([
    ['http://10.0.0.1/', 'address'],
    ['http://127.0.0.1/', 'address'],
    ['http://[::1]/', 'address'],
    ['http://[::ffff:127.0.0.1]/', 'address'],
    ['http://2130706433/', 'address'],
    ['http://169.254.169.254/latest/meta-data/', 'address'],
    ['http://1.1.1.1:22/', 'port'],
    ['HTTP://0x7f.1/', 'address'],
    ['ftp://1.1.1.1/', 'malformed'],
    ['https://1.1.1.1/', 'malformed'],
    ['/relative', 'malformed'],
    ['http://', 'malformed'],
  ])('%s is refused: %s, and the answer does not say so', async (url, reason) => {
    const { ask, denials } = await openChannel([]);
    expect(await ask(url)).toMatchObject({ status: 502, body: '' });
    expect(denials.map((denial) => denial.reason)).toEqual([reason]);
  });

  it.each([
    ['127.0.0.1:443', 'address'],
    ['10.0.0.1:80', 'address'],
    ['[::1]:443', 'address'],
    ['2130706433:443', 'address'],
    ['1.1.1.1:25', 'port'],
    ['user@127.0.0.1:443', 'malformed'],
    ['127.0.0.1:0', 'malformed'],
    ['127.0.0.1:99999', 'malformed'],
    ['127.0.0.1', 'malformed'],
    ['http://127.0.0.1/', 'malformed'],
  ])('a tunnel to %s is refused: %s', async (authority, reason) => {
    const { tunnel, denials } = await openChannel([]);
    expect((await tunnel(authority)).answer).toBe('HTTP/1.1 502 Bad Gateway');
    expect(denials.map((denial) => denial.reason)).toEqual([reason]);
  });

  it('is refused again behind a redirect', async () => {
    const { ask, denials } = await openChannel([`127.0.0.1:${sitePort}`]);
    const answer = await ask(`${site.origin}/redirect`);
    expect(answer).toMatchObject({ status: 302, headers: { location: 'http://10.0.0.1/' } }); // the browser asks again
    expect((await ask('http://10.0.0.1/')).status).toBe(502);
    expect(denials).toEqual([{ reason: 'address', authority: '10.0.0.1:80' }]);
  });
});

describe('a name', () => {
  const dial = async (name: string, rules: string[] = [], port = 80) => {
    const { dialer } = gatewayFor(rules);
    const socket = await dialer.dial(name, port);
    const reached = socket.remoteAddress;
    socket.destroy();
    return reached;
  };

  it('with one private address among public ones is refused', async () => {
    zone.set('mixed.example', () => ['93.184.215.14', '10.0.0.1', '1.1.1.1']);
    zone.set('mixed6.example', () => ['93.184.215.14', 'fd00::1']);
    await expect(dial('mixed.example')).rejects.toMatchObject({ reason: 'address', isEvident: false });
    await expect(dial('mixed6.example')).rejects.toMatchObject({ reason: 'address', isEvident: false });
  });

  it('that is public when asked first and private afterwards never leads inside', async () => {
    let turn = 0;
    zone.set('rebinding.example', () => (turn++ < 2 ? ['192.0.2.1'] : ['127.0.0.1']));
    // Both are refused: the first as documentation, the second as private; nothing is dialled unchecked.
    await expect(dial('rebinding.example')).rejects.toMatchObject({ reason: 'address' });
    await expect(dial('rebinding.example')).rejects.toMatchObject({ reason: 'address' });
  });

  it('is looked up once: the checked address is the one dialled', async () => {
    let lookups = 0;
    // The first answer is one that is allowed here, every later one another.
    zone.set('once.example', () => (lookups++ < 2 ? ['127.0.0.1'] : ['127.0.0.9'])); // A and AAAA
    expect(await dial('once.example', [`127.0.0.1:${sitePort}`], Number(sitePort))).toBe('127.0.0.1');
    expect(lookups).toBe(2);
    await expect(dial('once.example', [`127.0.0.1:${sitePort}`], Number(sitePort))).rejects.toMatchObject({
      reason: 'address',
    });
  });

  it('of an internal host gets the same answer as an unknown one: only the text of an address may show the reason', async () => {
    zone.set('inside.example', () => ['10.0.0.1']);
    const { channel, ask } = await openChannel([]);
    const reasonOf = async (url: string) => {
      await ask(url);
      return channel.unreachable(url);
    };
    expect(await reasonOf('http://inside.example/')).toEqual(await reasonOf('http://nobody.example/'));
    expect(await reasonOf('http://10.0.0.1/')).toEqual({ denied: 'address' });
    expect(await reasonOf('http://inside.example:8080/')).toEqual({ denied: 'port' });
    expect(channel.unreachable('http://never-asked.example/')).toBeUndefined();
  });

  it('that the operator opened may have any address', async () => {
    expect(await dial('localhost', [`localhost:${sitePort}`], Number(sitePort))).toMatch(/^(127\.0\.0\.1|::1)$/);
    await expect(dial('localhost', [], 80)).rejects.toMatchObject({ reason: 'address', isEvident: true });
  });

  it('on a forbidden port is not even looked up', async () => {
    let lookups = 0;
    zone.set('port.example', () => (lookups++, ['93.184.215.14']));
    await expect(dial('port.example', [], 25)).rejects.toMatchObject({ reason: 'port' });
    expect(lookups).toBe(0);
  });
});

describe('the budget of a document', () => {
  it('ends a download of a gigabyte', async () => {
    const { ask, denials } = await openChannel([`127.0.0.1:${sitePort}`], { maxBytes: 5 * 1024 * 1024 });
    await expect(ask(`${site.origin}/gigabyte`)).rejects.toThrow(/cut off after \d{7} bytes|socket hang up|ECONNRESET/);
    expect(denials).toEqual([{ reason: 'budget', authority: '' }]);
    expect((await ask(site.origin)).status).toBe(502);
  });

  it('refuses connections beyond its number', async () => {
    const { ask, denials } = await openChannel([`127.0.0.1:${sitePort}`], { maxConnections: 20 });
    const statuses = await Promise.all(Array.from({ length: 100 }, async () => (await ask(`${site.origin}/`)).status));
    expect(statuses.filter((status) => status === 200).length).toBe(20);
    expect(denials.length).toBe(80);
    expect(new Set(denials.map((denial) => denial.reason))).toEqual(new Set(['budget']));
  });

  it('ends with the document, drip as it may, and the next one has its own', async () => {
    const { channel, ask, tunnel, denials } = await openChannel([`127.0.0.1:${sitePort}`], { maxConnections: 2 });
    const dripping = ask(`${site.origin}/drip`);
    const { socket } = await tunnel(`127.0.0.1:${sitePort}`);
    await eventually(() => asked.some(({ url }) => url === '/drip'), 30_000, 'it drips');
    const closed = new Promise((done) => socket.once('close', done));
    socket.on('error', () => undefined);
    channel.shut();
    await expect(dripping).rejects.toThrow(/cut off after \d+ bytes|socket hang up|ECONNRESET/);
    await closed;
    expect((await ask(site.origin)).status).toBe(502);
    channel.open(USE);
    expect((await ask(site.origin)).status).toBe(200);
    expect(denials).toEqual([]); // what a document leaves behind is no event
  });
});

describe('a port of the gateway', () => {
  it('is closed with its page', async () => {
    const { gateway } = gatewayFor([]);
    const channel = await gateway.open();
    gateway.close(channel);
    const server = createServer();
    const { port } = new URL(channel.proxyServer);
    await new Promise<void>((done, failed) => server.once('error', failed).listen(Number(port), '127.0.0.1', done));
    expect((server.address() as AddressInfo).port).toBe(Number(port));
    server.close();
  });
});

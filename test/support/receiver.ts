import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import { eventually } from './processes.ts';

/** A request that a receiver got. */
export interface Received {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  at: number;
}

type Answer = (response: ServerResponse) => void;

/** What a receiver may do with a request whose body it has read. */
const ANSWERS = {
  ok: (response) => void response.writeHead(200).end('thanks'),
  created: (response) => void response.writeHead(204).end(),
  fails: (response) => void response.writeHead(500, { 'content-type': 'text/plain' }).end('no\0 \x1b[1m way'),
  gone: (response) => void response.writeHead(410).end('gone'),
  later: (response) => void response.writeHead(503, { 'retry-after': '3600' }).end(),
  slow: (response) => void setTimeout(() => response.end(), 500),
  redirects: (response) => void response.writeHead(307, { location: '/ok' }).end(),
  'says nothing': () => undefined,
  'is cut at once': (response) => void response.socket?.destroy(),
  'is cut after 200': (response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half');
    setTimeout(() => response.socket?.destroy(), 50);
  },
  trickles: (response) => {
    const timer = setInterval(() => response.write('x'), 20);
    response.once('close', () => clearInterval(timer));
  },
  'talks without end': (response) => {
    const piece = Buffer.alloc(100_000, 'talk ');
    const talk = () => void (response.destroyed || response.write(piece, talk));
    talk();
  },
  'is not HTTP': (response) => void response.socket?.end('220 smtp.example.com ESMTP\r\n'),
  'interim without end': (response) => {
    const timer = setInterval(() => response.socket?.write('HTTP/1.1 102 Processing\r\n\r\n'), 2);
    response.once('close', () => clearInterval(timer));
  },
  'headers without end': (response) => {
    response.socket?.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => response.socket?.write(`x-${'y'.repeat(2_000)}: z\r\n`), 2);
    response.once('close', () => clearInterval(timer));
  },
} satisfies Record<string, Answer>;

export type AnswerName = keyof typeof ANSWERS;

/** A server of a user's own: what it does is the first part of the path, `/ok/…`, unless it is told otherwise. */
export async function startReceiver() {
  const received: Received[] = [];
  /** by path: one after the other, the last one again and again */
  const planned = new Map<string, AnswerName[]>();
  const server = createServer((request, response) => {
    for (const stream of [request, response]) stream.on('error', () => undefined);
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const path = request.url ?? '';
      received.push({ method: request.method ?? '', path, headers: request.headers as Record<string, string>, body: Buffer.concat(pieces).toString('latin1'), at: performance.now() }); // prettier-ignore
      const plan = planned.get(path);
      const name = plan ? (plan.length > 1 ? plan.shift() : plan[0]) : decodeURIComponent(path.split(/[/?]/)[1] ?? '');
      (ANSWERS[name as AnswerName] ?? ANSWERS.ok)(response);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const to = (path: string) => received.filter((each) => each.path === path);
  return {
    origin: `http://127.0.0.1:${port}`,
    authority: `127.0.0.1:${port}`,
    /** the setting that opens it */
    env: { EGRESS_ALLOW: `127.0.0.1:${port}` },
    received,
    planned,
    to,
    url: (name: string, path = '') => `http://127.0.0.1:${port}/${encodeURIComponent(name)}${path}`,
    /** Waits for so many requests to a path. */
    got: async (path: string, count = 1) => {
      await eventually(() => to(path).length >= count, 30_000, `${count} requests to ${path}`);
      return to(path);
    },
  };
}

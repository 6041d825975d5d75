import { seededRandom } from '../../src/planning/seeded-random.ts';

/** What one end of a connection sends, piece after piece, and how it goes. */
export interface Speech {
  pieces: Buffer[];
  /** `end` says goodbye, `reset` hangs up, `stay` leaves that to the other end */
  ends: 'end' | 'reset' | 'stay';
}

/** One connection through the proxy: what the browser's end sends, and what the server answers. */
export interface Exchange {
  request: Speech;
  answer: Speech;
}

/** Valid and broken in all the ways that there are a few words for; the same one for the same seed and number. */
export function generateExchange(seed: number, number: number, origin: string): Exchange {
  const dice = new Dice(seed, number);
  const isTunnel = dice.chance(0.15);
  const request = isTunnel
    ? tunnelRequest(dice, origin)
    : httpRequest(dice, dice.chance(0.8) ? `${origin}/x` : dice.pick(targets(origin)));
  return {
    // What never reaches the server says nothing of its answer: most requests are proper ones.
    request: speech(dice, dice.chance(0.85) ? request : broken(dice, request), { ends: 0.05, resets: 0.05 }),
    answer: speech(dice, dice.chance(0.7) ? httpAnswer(dice) : broken(dice, httpAnswer(dice)), {
      ends: 0.6,
      resets: 0.2,
    }),
  };
}

/** A request for an HTTP server itself, as broken as those. */
export function generateRequest(seed: number, number: number): Speech {
  const dice = new Dice(seed, number);
  const request = httpRequest(dice, dice.pick(PATHS));
  return speech(dice, dice.chance(0.5) ? request : broken(dice, request), { ends: 0.3, resets: 0.1 });
}

/** A message of a browser's pipe, of those that puppeteer takes in one go. */
export function generateMessage(seed: number, number: number): Buffer {
  const dice = new Dice(seed, number);
  const message = JSON.stringify({
    id: dice.pick([undefined, -1, 0, 1, 1e99, 'x', null]),
    method: dice.pick([undefined, 'Target.detachedFromTarget', 'Inspector.detached', 'x', 7]),
    sessionId: dice.pick([undefined, 'x', 0]),
    params: dice.pick([undefined, null, {}, [], 'x', { sessionId: 'x' }, { targetInfo: {} }, { targetInfo: null, sessionId: {} }]),
    error: dice.pick([undefined, undefined, null, {}, { message: 7 }]),
    result: dice.pick([undefined, null, {}, []]),
  }); // prettier-ignore
  return dice.chance(0.6) ? Buffer.from(message) : broken(dice, message);
}

class Dice {
  readonly #random: () => number;

  constructor(seed: number, number: number) {
    this.#random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  /** Up to `most` of them, mostly few. */
  some<T>(most: number, one: () => T): T[] {
    return Array.from({ length: Math.floor(this.#random() ** 3 * (most + 1)) }, one);
  }
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'QUERY', 'PROPFIND', 'M-SEARCH', 'CONNECT', 'PRI', 'get', '']; // prettier-ignore
const VERSIONS = ['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/9.9', 'HTTP/1', 'http/1.1', 'ICY', '']; // prettier-ignore
const CODES = ['204', '206', '301', '302', '304', '400', '404', '500', '599', '000', '001', '099', '100', '101', '102', '103', '199', '600', '999', '1000', '99999', '-1', '2 00', '0x200', '', 'OK']; // prettier-ignore
const NAMES = ['X', 'Content-Type', 'Date', 'Location', 'Set-Cookie', 'Link', 'Via', 'Server', 'Keep-Alive', 'Proxy-Authenticate', 'Proxy-Connection', 'Expect', 'Host', 'Origin', 'Authorization', 'Prefer', 'Idempotency-Key', 'X-Request-Id', 'Traceparent', '__proto__', 'constructor', '', ' X', 'X ', 'X\0Y', 'X\u007f', '\u00e9']; // prettier-ignore
const VALUES = ['', 'x', ' ', '0', '-1', '\u00ff', 'a\0b', 'a\rb', 'a\nb', '\u007f', '\t', 'a\r\n b', 'close', 'keep-alive', 'text/html', 'timeout=-1, max=x', 'x'.repeat(5_000), ' '.repeat(5_000), ','.repeat(5_000), 'Bearer x', '100-continue', 'wait=1', '__proto__']; // prettier-ignore
const LENGTHS = ['0', '3', '5', '05', '+5', '-5', '5, 5', '5, 6', '0x5', '1e3', ' 5 ', '', '99999999999999999999', '18446744073709551616', '5;x']; // prettier-ignore
const CODINGS = ['Chunked', 'identity', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', '\u000bchunked', '']; // prettier-ignore
const CONNECTIONS = ['close', 'keep-alive', 'upgrade', 'content-length', 'transfer-encoding', 'host', 'x, , ,x', `${' '.repeat(3_000)},`, 'trailer, te']; // prettier-ignore
const HOSTS = ['', 'a', 'a b', '[::1', '[::1]:80', 'a:99999', 'a/b?c#d', 'u@a', '\u00ff', 'xn--', '1.2.3.4.5', '%00', 'x'.repeat(4_000)]; // prettier-ignore
const PATHS = ['/', '//', '/v1/jobs', '/v1/pdf', '/livez', '/metrics', '/docs', '/console', '/console/jobs?status=%zz', '/v1/jobs/%ff%fe', '/v1/jobs?limit=1e99&cursor=%00', '/..;/x', '/\\x', '/%', '/#x', '*', 'x', '', 'http://', 'http://[::1', 'http://b/c', 'ftp://b/c', '/x\u00ff', '/x y', `/${'a'.repeat(9_000)}`, `/?${'&a='.repeat(3_000)}`]; // prettier-ignore

const targets = (origin: string) => [`${origin}/x?a=b#c`, `${origin}/\u00ff`, `${origin.replace('//', '//u:p@')}/`, `${origin.replace('http', 'HTTP')}/\\..`, origin.replace('http', 'https'), `${origin}0/`, 'http://10.0.0.1/', 'http://', '/', '*', `http://${'x.'.repeat(3_000)}/`]; // prettier-ignore

function tunnelRequest(dice: Dice, origin: string): string {
  const host = origin.slice('http://'.length);
  const target = dice.pick([host, host, host, host, host, host, `${host}0`, `u@${host}`, '127.0.0.1', ':', ':80', '[::1', `${'x'.repeat(5_000)}:80`, `http://${host}/`, '10.0.0.1:443']); // prettier-ignore
  return `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n${headers(dice, 3)}\r\n${dice.pick(['', '', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', '\u0016\u0003\u0001'])}`;
}

function httpRequest(dice: Dice, target: string): string {
  const method = dice.chance(0.7) ? 'GET' : dice.pick(METHODS);
  const hasBody = method.startsWith('P') || dice.chance(0.1);
  const one = `${method} ${target} ${version(dice)}\r\n${
    dice.chance(0.95) ? `Host: ${dice.chance(0.9) ? 'x' : dice.pick(HOSTS)}\r\n` : ''
  }${headers(dice, 6)}${hasBody ? framed(dice) : '\r\n'}`;
  return dice.chance(0.1) ? one + one : one;
}

function httpAnswer(dice: Dice): string {
  if (dice.chance(0.05)) return dice.pick(['', '\0', '\r\n\r\n', '<html>hi', '\u0016\u0003\u0001\u0002', 'SSH-2.0-x\r\n']);
  const early = dice.chance(0.2)
    ? dice.some(20, () => `${statusLine(dice, dice.pick(['100', '102', '103', '103', '199']))}${headers(dice, 2)}\r\n`)
    : [];
  const upgrade = dice.chance(0.1) ? 'Connection: upgrade\r\nUpgrade: websocket\r\n' : '';
  const one = `${statusLine(dice, dice.chance(0.5) ? '200' : dice.pick(CODES))}${upgrade}${headers(dice, 8)}${framed(dice)}`;
  return early.join('') + one + (dice.chance(0.1) ? one : '');
} // prettier-ignore

function statusLine(dice: Dice, code: string): string {
  return `${version(dice)} ${code} ${dice.chance(0.9) ? 'OK' : dice.pick(VALUES)}\r\n`;
}

const version = (dice: Dice) => (dice.chance(0.9) ? 'HTTP/1.1' : dice.pick(VERSIONS));
const coding = (dice: Dice) => (dice.chance(0.8) ? 'chunked' : dice.pick(CODINGS));

function headers(dice: Dice, most: number): string {
  const many = dice.chance(0.01) ? 3_000 : most;
  return dice
    .some(many, () => {
      if (dice.chance(0.1)) return `Connection: ${dice.pick(CONNECTIONS)}\r\n`;
      const name = dice.chance(0.8) ? dice.pick(NAMES.slice(0, 8)) : dice.pick(NAMES);
      const value = dice.chance(0.7) ? 'x' : dice.pick(VALUES);
      return `${name}${dice.chance(0.98) ? ': ' : ''}${value}${dice.chance(0.98) ? '\r\n' : '\n'}`;
    })
    .join('');
}

/** The end of the headers, and a body that may or may not be as they say. */
function framed(dice: Dice): string {
  const body = 'x'.repeat(dice.pick([0, 3, 5, 5, 5, 5, 100, 70_000]));
  const length = dice.chance(0.7) ? String(body.length) : dice.pick(LENGTHS);
  switch (dice.below(5)) {
    case 0:
      return `\r\n${body}`;
    case 1:
      return `Content-Length: ${length}\r\nTransfer-Encoding: ${coding(dice)}\r\n\r\n${chunks(dice, body)}`;
    case 2:
      return `Content-Length: ${length}\r\n${dice.chance(0.2) ? `Content-Length: ${dice.pick(LENGTHS)}\r\n` : ''}\r\n${body}`;
    default:
      return `Transfer-Encoding: ${coding(dice)}\r\n${dice.chance(0.3) ? 'Trailer: X\r\n' : ''}\r\n${chunks(dice, body)}`;
  }
}

function chunks(dice: Dice, body: string): string {
  const size = dice.chance(0.8) ? body.length.toString(16) : dice.pick(['zz', '-1', 'ffffffffffffffffff', '0x3', '', '3 ']);
  const extension = dice.chance(0.2) ? `;${dice.pick(VALUES)}` : '';
  return `${size}${extension}\r\n${body}\r\n0\r\n${dice.chance(0.3) ? headers(dice, 4) : ''}\r\n`;
} // prettier-ignore

/** With some bytes of it changed, put in, left out, repeated, or cut off. */
function broken(dice: Dice, text: string): Buffer {
  let bytes = Buffer.from(text, 'latin1');
  for (let times = 1 + dice.below(3); times > 0; times--) {
    const at = dice.below(bytes.length + 1);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const noise = Buffer.from(Array.from({ length: 1 + dice.below(8) }, () => dice.below(256)));
    switch (dice.below(5)) {
      case 0:
        bytes = Buffer.concat([before, noise, after]);
        break;
      case 1:
        bytes = Buffer.concat([before, noise.subarray(0, 1), after.subarray(1)]);
        break;
      case 2:
        bytes = Buffer.concat([before, after.subarray(noise.length)]);
        break;
      case 3:
        bytes = Buffer.concat([before, before.subarray(-200), after]);
        break;
      default:
        bytes = before;
    }
  }
  return bytes;
}

/** Cut at random points. @param often shares that say goodbye, and that hang up in the middle */
function speech(dice: Dice, said: Buffer | string, often: { ends: number; resets: number }): Speech {
  const bytes = typeof said === 'string' ? Buffer.from(said, 'latin1') : said;
  const cuts = [0, ...dice.some(6, () => dice.below(bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  const pieces = cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index], cut));
  if (dice.chance(often.resets)) return { pieces: pieces.slice(0, 1 + dice.below(pieces.length)), ends: 'reset' };
  return { pieces, ends: dice.chance(often.ends) ? 'end' : 'stay' };
}

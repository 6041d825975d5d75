import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { PrintSettings } from '../../src/domain/pdf-request.ts';
import { Draft } from '../../src/finishing/draft.ts';
import type { FinishingStep, StepList } from '../../src/finishing/step.ts';
import { CodedError, messageOf, systemCodeOf } from '../../src/kernel/errors.ts';

/** Node has it, its types have it not. */
declare const WebAssembly: {
  Memory: new (pages: Record<'initial' | 'maximum', number>) => { buffer: ArrayBuffer; grow(pages: number): number };
};

/** What a test step does, by step. */
export type Doings = Record<string, Doing | undefined>;
interface Doing {
  /** one of {@link DEEDS} */
  does: string;
  /** appended to the PDFs that it has done it to */
  mark?: string;
  ms?: number;
  /** of a server on this machine */
  port?: number;
}

/** Settings with which test steps do this; they are where any request can have them. */
export function settingsWith(settings: PrintSettings, doings: Doings): PrintSettings {
  return { ...settings, userAgent: JSON.stringify(doings) };
}

/** The `userAgent` of a request whose steps do this. */
export const userAgentOf = (doings: Doings) => JSON.stringify(doings);

/** What a deed works on. */
interface Pdf {
  bytes: Uint8Array;
  pages: number;
}

const text = (line: unknown): Pdf => ({ bytes: new TextEncoder().encode(String(line)), pages: 1 });
const joined = (pdfs: Pdf[]): Pdf => ({
  bytes: Buffer.concat(pdfs.map(({ bytes }) => bytes)),
  pages: pdfs.reduce((sum, { pages }) => sum + pages, 0),
});
const kept: unknown[] = [];

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
    return 'done';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'none';
  }
}

/** What comes of each: an error's code, or its text, or `done`. */
async function codeOfEach(attempts: (() => Promise<unknown>)[]): Promise<string[]> {
  const ends = attempts.map(async (attempt) => {
    try {
      await attempt();
      return 'done';
    } catch (error) {
      return systemCodeOf(error) ?? messageOf(error);
    }
  });
  return Promise.all(ends);
}

const CONNECTING_THREAD = `
  const { parentPort, workerData: port } = require('node:worker_threads');
  const socket = require('node:net').connect({ port, host: '127.0.0.1' });
  const tcp = new Promise((done) => socket.on('connect', () => done('done')).on('error', ({ code }) => done(code)));
  const udp = new Promise((done) => require('node:dgram').createSocket('udp4').send('x', port, '127.0.0.1', (error) => done(error?.code ?? 'done')));
  const out = new Promise((done) => require('node:net').connect({ port: 53, host: '192.0.2.1' }).on('connect', () => done('done')).on('error', ({ code }) => done(code)));
  Promise.all([tcp, udp, out]).then((ends) => parentPort.postMessage(ends));
`;

/** What test steps can do. */
const DEEDS: Record<string, (pdfs: Pdf[], doing: Doing) => Pdf[] | Promise<Pdf[]>> = {
  mark: (pdfs, { mark = '' }) =>
    pdfs.map(({ bytes, pages }) => ({ bytes: Buffer.concat([bytes, Buffer.from(mark)]), pages })),
  merge: (pdfs) => [joined(pdfs)],
  split: (pdfs) =>
    pdfs.flatMap(({ bytes }) => [
      { bytes: bytes.subarray(0, bytes.length / 2), pages: 1 },
      { bytes: bytes.subarray(bytes.length / 2), pages: 1 },
    ]),
  many: () => Array.from({ length: 1_001 }, () => text('x')),
  large: () => [{ bytes: new Uint8Array(2_000_000), pages: 1 }],
  pages: () => [{ bytes: new Uint8Array(1), pages: 5_001 }],
  largeTogether: () => Array.from({ length: 2 }, () => ({ bytes: new Uint8Array(600_000), pages: 1 })),
  pid: () => [text(process.pid)],
  look: async () => {
    const tried = [
      () => readFileSync('/etc/hostname'),
      () => readFileSync(new URL('../../.env.example', import.meta.url)), // beside the program
      () => writeFileSync(join(tmpdir(), 'step'), ''),
      () => execFileSync('true'),
    ].map((attempt) => codeOf(attempt));
    return [JSON.stringify(process.env), JSON.stringify(process.cwd()), process.getuid?.(), ...tried].map(text);
  },

  connect: async (_, { port = 0 }) => {
    const here = await codeOfEach([
      () => new Promise((done, failed) => void connect({ port, host: '127.0.0.1' }, () => done(0)).on('error', failed)),
      () => fetch(`http://127.0.0.1:${port}/`),
    ]);
    // A thread has modules of its own.
    const thread = new Worker(CONNECTING_THREAD, { eval: true, workerData: port });
    const [there] = (await once(thread, 'message')) as [string[]];
    return [...here, ...there].map(text);
  },

  wait: async (pdfs, { ms = 0 }) => {
    await sleep(ms);
    return pdfs;
  },
  burn: (pdfs, { ms = 0 }) => {
    for (const until = performance.now() + ms; performance.now() < until;);
    return pdfs;
  },
  hang: () => new Promise(() => undefined),
  loop: () => {
    for (;;);
  },

  refuse: () => {
    throw new CodedError('page_ranges_invalid', 'the document has no page 7');
  },
  throw: () => {
    throw new TypeError('not what I expected');
  },
  throwText: () => {
    throw 'a text'; // oxlint-disable-line only-throw-error -- what a library may do
  },
  returnNothing: () => [],
  returnEmpty: () => [{ bytes: new Uint8Array(), pages: 1 }],
  throwLater: () => {
    setTimeout(() => {
      throw new Error('later');
    });
    return new Promise(() => undefined);
  },
  exit: () => process.exit(0),
  abort: () => process.abort(),
  segfault: () => {
    process.kill(process.pid, 'SIGSEGV');
    return new Promise(() => undefined);
  },
  kill: () => {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  },
  lie: () => {
    writeSync(3, Buffer.from([255, 255, 255, 255, 0]));
    return new Promise(() => undefined);
  },

  heap: () => {
    for (;;) kept.push(Array.from({ length: 100_000 }, (_, index) => ({ index })));
  },
  buffers: () => {
    for (;;) kept.push(Buffer.alloc(5_000_000, 1));
  },
  wasm: () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
    for (;;) {
      const from = memory.grow(64) * 65_536;
      new Uint8Array(memory.buffer, from).fill(1);
    }
  },
};

async function run(drafts: Draft[], doing: Doing): Promise<Draft[]> {
  const pdfs: Pdf[] = [];
  for (const draft of drafts) pdfs.push({ bytes: await draft.bytes(), pages: draft.pages });
  const done = (await (DEEDS[doing.does] ?? DEEDS['throw'])?.(pdfs, doing)) ?? [];
  return done.map((pdf) => new Draft(pdf));
}

function step(name: string): FinishingStep<Doing> {
  return {
    name,
    settingsOf: ({ settings: { userAgent } }) =>
      userAgent?.startsWith('{') ? (JSON.parse(userAgent) as Doings)[name] : undefined,
    load: async () => ({ run }),
  };
}

/** Steps that do what a test asks for. */
export const STEPS: StepList = { module: import.meta.url, steps: ['first', 'second', 'third'].map(step) };

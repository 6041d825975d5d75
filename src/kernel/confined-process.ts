import { execFile } from 'node:child_process';
import { Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { Server, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { messageOf } from './errors.ts';
import { lazily } from './lazily.ts';
import { type Identity, isRoot } from './privileges.ts';
import { MEGABYTE } from './units.ts';

// For processes that work on what anyone may have sent: they can hang, need too much memory or be taken over.

const run = promisify(execFile);

const ROOT = new URL('../../', import.meta.url);
/** The directory that this program is in: `src` or `dist`. */
const CODE = new URL('../', import.meta.url);

/** What such a process may read: the program and its dependencies, but nothing that is beside them, such as `.env`. */
function program(): string[] {
  const path = (url: URL) => fileURLToPath(url);
  // Dependencies are beside it if it is one itself.
  const around = /^.*\/node_modules\//.exec(path(ROOT))?.[0];
  return [`${path(CODE)}*`, path(new URL('package.json', ROOT)), `${path(new URL('node_modules/', ROOT))}*`, ...(around ? [`${around}*`] : [])]; // prettier-ignore
}

interface ConfinedOptions {
  memoryBytes: number;
  /** further directories with its code */
  code?: readonly string[];
}

/** Node's flags for it: it can start no program, load no native code, read nothing but the program and write nothing, whatever its user may. */
export function confined({ memoryBytes, code = [] }: ConfinedOptions): string[] {
  return [
    `--max-old-space-size=${Math.ceil(memoryBytes / MEGABYTE)}`,
    '--permission',
    ...[...program(), ...code.map((directory) => `${directory}*`)].map((path) => `--allow-fs-read=${path}`),
    '--allow-worker',
    '--no-warnings',
  ];
}

/** A command that starts one without a network. */
interface Networkless {
  /** to be put before the command; empty if that is impossible here */
  command: readonly string[];
  /** why it is impossible */
  reason?: string;
}

/** How to start a program in a network of its own that has nothing in it. Is tried out at the first call. Never rejects. */
export const withoutNetwork: () => Promise<Networkless> = lazily(findNetworkless);

async function findNetworkless(): Promise<Networkless> {
  if (process.platform !== 'linux') return { command: [], reason: 'there are network namespaces only on Linux' };
  // Root needs no user namespace, in which it could not become somebody else.
  const user = isRoot() ? [] : ['--user', '--map-current-user'];
  const command = ['unshare', ...user, '--net', '--'];
  try {
    await run('unshare', [...command.slice(1), 'true'], { timeout: TRY_MS });
    return { command };
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    return { command: [], reason: stderr.trim() || messageOf(error) };
  }
}

/** For the process itself: JavaScript opens no connection any more, also where there is a network. */
export function giveUpNetwork(): void {
  const refuse = () => {
    throw new Error('this process has no network');
  };
  for (const [prototype, names] of [
    [Socket.prototype, ['connect']],
    [Server.prototype, ['listen']],
    [DatagramSocket.prototype, ['bind', 'connect', 'send']],
  ] as const)
    for (const name of names) Object.defineProperty(prototype, name, { value: refuse });
}

/** Milliseconds. */
const TRY_MS = 5_000;

/** How V8 ends a process whose heap is full, depending on the machine. */
export const V8_SIGNALS: ReadonlySet<NodeJS.Signals | null> = new Set<NodeJS.Signals>(['SIGABRT', 'SIGTRAP', 'SIGILL']);

/** For its main thread: kills it by SIGKILL when the parent, which holds the other end of this pipe, ends. Resolves when that is so. */
export async function endWithParent(fd: number): Promise<void> {
  // In a thread of its own: what the process works on may block the main thread for ever.
  const watch = `new (require('node:net').Socket)({ fd: ${fd} })
    .on('error', () => undefined).on('close', () => process.kill(process.pid, 'SIGKILL')).resume();`;
  const thread = new Worker(watch, { eval: true });
  thread.unref();
  await once(thread, 'online');
}

/** For a process that is root: it becomes `identity` for good. */
export function giveUpRoot(identity: Identity | undefined): void {
  if (!identity) return;
  process.setgroups?.([]);
  process.setgid?.(identity.gid);
  process.setuid?.(identity.uid);
}

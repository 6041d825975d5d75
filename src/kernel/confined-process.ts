import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Identity } from './privileges.ts';
import { MEGABYTE } from './units.ts';

// For processes that work on what anyone may have sent: they can hang, need too much memory or be taken over.

/** What such a process may read: the program with its dependencies, which are beside it if it is one itself. */
const PROGRAM = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/node_modules\/.*$/, '/node_modules/');

/** Node's flags for it: it can start no program, load no native code, read nothing but the program and write nothing, whatever its user may. */
export function confined({ memoryBytes }: { memoryBytes: number }): string[] {
  return [
    `--max-old-space-size=${Math.ceil(memoryBytes / MEGABYTE)}`,
    '--permission',
    `--allow-fs-read=${PROGRAM}*`,
    '--allow-worker',
    '--no-warnings',
  ];
}

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

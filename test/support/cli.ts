import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { undoLater } from './clean-up.ts';
import { keepLog } from './logs.ts';

const BIN = fileURLToPath(new URL('../../bin/pdfprompt.js', import.meta.url));
/** What Node has compiled, also for the next run: a process that is killed keeps nothing of it. */
export const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));

interface StartOptions {
  env?: Record<string, string>;
  cwd?: string;
  input?: string;
  /** another pdfprompt than the checkout's */
  bin?: string;
}

export interface Cli {
  child: ChildProcess;
  pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves with the first match on stdout or stderr; rejects if the process ends before. */
  until(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  exited: Promise<{
    code: number | null;
    signal: NodeJS.Signals | null;
    stdout: string;
    bytes: Buffer;
    stderr: string;
  }>;
}

/** Without the greeting of `up`, which has the key that it is for. */
const logLines = (stderr: string) =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .join('\n');

/** A real `pdfprompt` process. It is killed at the end of the test file if it is still there. */
export function pdfprompt(arguments_: string[], { env = {}, cwd, input, bin = BIN }: StartOptions = {}): Cli {
  const dataDir = inject('dataDir');
  const child = spawn(process.execPath, [bin, ...arguments_], {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PDFPROMPT_DATA_DIR: dataDir,
      ...(bin === BIN && { NODE_COMPILE_CACHE: COMPILED }),
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const chunks: { out: Buffer[]; err: Buffer[] } = { out: [], err: [] };
  child.stdout.on('data', (data: Buffer) => chunks.out.push(data));
  child.stderr.on('data', (data: Buffer) => chunks.err.push(data));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const stdout = () => Buffer.concat(chunks.out).toString('utf8');
  const stderr = () => Buffer.concat(chunks.err).toString('utf8');
  const exited: Cli['exited'] = new Promise((done) => {
    child.once('close', (code, signal) => {
      keepLog(dataDir, arguments_[0] === 'up' ? logLines(stderr()) : stderr());
      done({ code, signal, stdout: stdout(), bytes: Buffer.concat(chunks.out), stderr: stderr() });
    });
  });
  undoLater(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  });
  return {
    child,
    pid: child.pid ?? 0,
    stdout,
    stderr,
    exited,
    until: async (pattern, timeoutMs = 60_000) => {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const match = pattern.exec(stdout()) ?? pattern.exec(stderr());
        if (match) return match;
        const ended = child.exitCode !== null || child.signalCode !== null;
        if (ended || performance.now() > deadline) {
          throw new Error(
            `${ended ? 'it ended' : 'time is up'} before ${pattern} was printed:\n${stdout()}\n${stderr()}`,
          );
        }
        await sleep(20);
      }
    },
  };
}

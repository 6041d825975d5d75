import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CrashPoint } from '../../src/kernel/crash-point.ts';

const BIN = fileURLToPath(new URL('../../bin/pdfprompt.js', import.meta.url));
const RESTART_MS = 300;
/** Milliseconds that a process takes to end in order, at most. */
const ENDING_MS = 14_000;
/** The exit codes after an error, and for settings and flags that are not allowed. */
const ERROR = 1;
const USAGE = 2;

/** From when to when, in milliseconds of this process's clock. */
export interface Span {
  from: number;
  until: number;
}

/** A process that is started again whenever it ends, as a service manager does. */
export class Member {
  readonly name: string;
  readonly #arguments: string[];
  readonly #env: Record<string, string>;
  readonly #log: number;
  #child: ChildProcess | undefined;
  #crashAt: `${CrashPoint}:${number}` | undefined;
  #isEnding = false;
  #wasSignalled: () => void = () => undefined;
  /** every process it ever was */
  readonly pids: number[] = [];
  /** processes that were killed, stopped or crashed by us: only these may lose a job */
  readonly faulted = new Set<number>();
  /** how often it died at the point it was told to */
  crashes = 0;
  /** what it was started with was not allowed: then nothing of it was tried */
  refusals = 0;
  /** processes that had to end, and how long that took: they were asked to, or nothing caught an error */
  readonly ended: ({ pid: number } & Span)[] = [];

  constructor(name: string, arguments_: string[], env: Record<string, string>, directory: string) {
    this.name = name;
    this.#arguments = arguments_;
    this.#env = env;
    this.#log = openSync(join(directory, `${name}.log`), 'a');
    this.#start();
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Its next process dies by itself at this point. */
  async crashAt(point: `${CrashPoint}:${number}`): Promise<void> {
    this.#crashAt = point;
    await this.signal('SIGTERM');
  }

  async signal(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || !this.isAlive) return;
    const { pid } = this;
    if (signal === 'SIGKILL') this.faulted.add(pid);
    const from = performance.now();
    this.#wasSignalled();
    child.kill(signal);
    await once(child, 'exit');
    if (signal === 'SIGTERM') this.ended.push({ pid, from, until: performance.now() });
  }

  /** Stops it in the middle of whatever it does, and lets it go on after that. */
  async freeze(ms: number): Promise<void> {
    const { pid } = this;
    if (!this.isAlive) return;
    this.faulted.add(pid);
    process.kill(pid, 'SIGSTOP');
    await sleep(ms);
    if (this.pid === pid && this.isAlive) process.kill(pid, 'SIGCONT');
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.signal('SIGTERM');
  }

  #start(): void {
    const crashAt = this.#crashAt;
    this.#crashAt = undefined;
    const child = spawn(process.execPath, [BIN, ...this.#arguments], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        ...this.#env,
        ...(crashAt && { CHAOS_CRASH_AT: crashAt }),
      },
      stdio: ['ignore', this.#log, this.#log],
    });
    this.#child = child;
    this.pids.push(child.pid ?? 0);
    if (crashAt) this.faulted.add(child.pid ?? 0);
    let isSignalled = false;
    this.#wasSignalled = () => (isSignalled = true);
    child.once('exit', (code, signal) => {
      if (code === USAGE) this.refusals++;
      if (crashAt && signal === 'SIGKILL' && !isSignalled) this.crashes++;
      const until = performance.now();
      if (code === ERROR) this.ended.push({ pid: child.pid ?? 0, from: until - ENDING_MS, until });
      if (!this.#isEnding) setTimeout(() => this.#isEnding || this.#start(), RESTART_MS);
    });
  }
}

import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { collectTail } from '../kernel/collect-tail.ts';
import { confined, V8_SIGNALS } from '../kernel/confined-process.ts';
import { unprivilegedIdentity } from '../kernel/privileges.ts';
import { preferToKill } from '../kernel/processes.ts';
import { privateBytes } from '../memory/processes.ts';
import type { Answer, Order } from './child.ts';

/** The process ended before it answered: too large, or killed by another process, or by itself. */
export class ComposerEnded extends Error {
  override name = 'ComposerEnded';
  readonly how: 'too large' | 'killed' | 'crashed';

  constructor(how: ComposerEnded['how'], message: string) {
    super(message);
    this.how = how;
  }
}

const SAMPLE_MS = 25;
const CHILD = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));

/** A process that composes one document at a time, seen from outside. */
export class ComposerProcess {
  readonly #child: ChildProcess;
  readonly #memoryBytes: number;
  readonly #output: () => string;
  readonly #exited = Promise.withResolvers<void>();
  readonly #isStarted: Promise<unknown>;
  #end: ComposerEnded | undefined;
  #isKilled = false;
  #onAnswer: (answer: Answer) => void = () => undefined;
  #isTooLarge = false;
  /** the keys whose texts it was sent; it may have forgotten some */
  readonly keys = new Set<string>();

  /** @param memoryBytes that it may use at most */
  constructor(memoryBytes: number) {
    this.#memoryBytes = memoryBytes;
    this.#child = fork(CHILD, {
      execArgv: confined({ memoryBytes }),
      serialization: 'advanced',
      cwd: '/',
      env: { TZ: 'UTC' },
      detached: true, // its own process group, so that Ctrl-C reaches only this process
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
    });
    this.#child.on('error', ({ message }) => this.#unreached(message));
    this.#child.on('message', (answer: Answer) => this.#onAnswer(answer));
    this.#output = collectTail(this.#child.stderr as Readable);
    for (const stream of this.#child.stdio) stream?.on('error', () => undefined); // it has ended; 'exit' reports it
    this.#child.once('exit', (code, signal) => this.#ended(signal, signal ?? `exit code ${code}`));
    if (this.#child.pid !== undefined) preferToKill(this.#child.pid);
    this.#isStarted = this.#ask({ do: 'start', identity: unprivilegedIdentity(['nobody']) });
    this.#isStarted.catch(() => undefined); // started() reports it
  }

  /** Settles when the process has ended. */
  get exited(): Promise<void> {
    return this.#exited.promise;
  }

  /** Bytes of memory that only this process uses. */
  get bytes(): number {
    return this.#child.pid === undefined || this.#end ? 0 : privateBytes(this.#child.pid);
  }

  /** Whether it has ended, or is about to. */
  get isEnding(): boolean {
    return this.#isKilled || this.#isTooLarge || this.#end !== undefined;
  }

  /** Resolves when it is ready. @throws ComposerEnded */
  async started(): Promise<void> {
    await this.#isStarted;
  }

  /** @throws ComposerEnded */
  carryOut(order: Exclude<Order, { do: 'start' }>): Promise<Answer> {
    return this.#ask(order);
  }

  /** Ends it at once: it has nothing to save. Resolves when it has ended. */
  async end(): Promise<void> {
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  async #ask(order: Order): Promise<Answer> {
    const sampler = setInterval(() => this.#sample(), SAMPLE_MS);
    const answered = Promise.withResolvers<Answer>();
    this.#onAnswer = answered.resolve;
    try {
      if (!this.#end) this.#child.send(order);
      return await Promise.race([answered.promise, this.exited.then(() => Promise.reject(this.#end))]);
    } finally {
      clearInterval(sampler);
    }
  }

  #sample(): void {
    if (this.bytes <= this.#memoryBytes) return;
    this.#isTooLarge = true;
    this.#child.kill('SIGKILL');
  }

  /** It could not be started, or had ended before it was sent an order: the document is not to blame. */
  #unreached(message: string): void {
    this.#end ??= new ComposerEnded('killed', `the process of templates was not reached: ${message}`);
    this.#child.kill('SIGKILL');
    this.#exited.resolve();
  }

  #ended(signal: NodeJS.Signals | null, how: string): void {
    const isFromOutside = signal === 'SIGKILL' && !this.#isKilled;
    const end = this.#isTooLarge || V8_SIGNALS.has(signal) ? 'too large' : isFromOutside ? 'killed' : 'crashed';
    this.#end ??= new ComposerEnded(end, `the process of templates ended: ${how}. ${this.#output()}`.trim());
    for (const stream of this.#child.stdio) stream?.destroy();
    this.#exited.resolve();
  }
}

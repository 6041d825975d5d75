import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, extname } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { collectTail } from '../kernel/collect-tail.ts';
import { confined, V8_SIGNALS } from '../kernel/confined-process.ts';
import { FILE_TYPES, type FileType, PDF_TYPE } from '../domain/media-type.ts';
import { CodedError, ERROR_CODES, type ErrorCode } from '../kernel/errors.ts';
import { unprivilegedIdentity } from '../kernel/privileges.ts';
import { preferToKill } from '../kernel/processes.ts';
import { MEGABYTE } from '../kernel/units.ts';
import { cpuMs, privateBytes } from '../memory/processes.ts';
import type { Answer, Order } from './child.ts';
import type { Sheet } from './step.ts';
import type { Signer } from './write/signer.ts';
import { type Frame, type PdfHead, readFrames, type SentPdf, sendFrame } from './frames.ts';

/** How a process ended: it needed too much memory or CPU, another process killed it, or it did so itself. */
export type ProcessEnd = 'too large' | 'too slow' | 'killed' | 'crashed';

/** The process ended before it answered. */
export class ProcessEnded extends Error {
  override name = 'ProcessEnded';
  readonly how: ProcessEnd;
  /** of memory that it had when it was last measured */
  readonly bytes: number;

  constructor(how: ProcessEnd, bytes: number, message: string) {
    super(message);
    this.how = how;
    this.bytes = bytes;
  }
}

/** A step refused the job, and says why. The process can take another one. */
export class StepRefused extends CodedError {}

/** A step, or the start of the process, failed with anything but a CodedError. */
class StepFailed extends Error {
  override name = 'StepFailed';
}

/** What the first step of a job gets. */
interface StepInput {
  pdfs: readonly SentPdf[];
  /** of each PDF */
  areUploaded: readonly boolean[];
  files: readonly { name: string; chunks: Uint8Array[] }[];
}

/** What a step returns: the last one the PDFs, with their media types. */
export interface StepResult {
  pdfs: SentPdf[];
  types: FileType[];
  /** which part of the job each is of, from 0; null: of several */
  parts: (number | null)[];
  sheets?: Sheet[][];
}

export interface StepsProcessOptions {
  /** URL of the module with the steps */
  module: string;
  /** most memory that it may use */
  memoryBytes: number;
  /** the command that starts it without a network: see `withoutNetwork` */
  networkless: readonly string[];
}

/** Points of a page's side, at most: what the steps may report. */
const MAX_SIDE = 100_000;

/** Of one step: a signature and a time stamp of each of the most files that a job may have. */
const MAX_QUESTIONS = 2_000;

const SAMPLE_MS = 50;
/** V8 ends a process whose heap is full. It was too large if it had so much of what it may use. */
const ALMOST_FULL = 0.8;
const PIECE_BYTES = MEGABYTE;
const MAX_MESSAGE_BYTES = MEGABYTE;
const MAX_FAILURE_TEXT = 2_000;

const CHILD = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));

/** A process that runs steps, one job at a time, seen from the worker. */
export class StepsProcess {
  readonly #child: ChildProcess;
  readonly #options: StepsProcessOptions;
  readonly #output: () => string;
  readonly #answers: AsyncGenerator<Frame>;
  readonly #exited = Promise.withResolvers<void>();
  #end: ProcessEnded | undefined;
  #isKilled = false;
  #isTooLarge = false;
  #isTooSlow = false;
  #largestBytes = 0;
  #check: (heads: PdfHead[]) => void = () => undefined;
  #signer: Pick<Signer, 'answer'> | undefined;

  constructor(options: StepsProcessOptions) {
    this.#options = options;
    const code = [`${dirname(fileURLToPath(options.module))}/`];
    const command = [...options.networkless, process.execPath, ...confined({ ...options, code }), CHILD];
    this.#child = spawn(
      command[0] as string,
      command.slice(1),
      // Its own process group, so that Ctrl-C reaches only this process.
      { cwd: '/', env: {}, detached: true, stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] },
    );
    // First of all: without file descriptors there are no streams, and this is thrown out of.
    this.#child.on('error', (error) => this.#ended(null, error.message));
    this.#output = collectTail(this.#child.stderr as Readable);
    for (const stream of this.#child.stdio) stream?.on('error', () => undefined); // it has ended; 'exit' reports it
    this.#answers = readFrames(this.#link, {
      maxMessageBytes: MAX_MESSAGE_BYTES,
      pieceBytes: PIECE_BYTES,
      check: (heads) => this.#check(heads),
    });
    this.#child.once('exit', (code, signal) => this.#ended(signal, signal ?? `exit code ${code}`));
    if (this.#child.pid !== undefined) preferToKill(this.#child.pid);
  }

  get #link(): Duplex {
    return this.#child.stdio[3] as Duplex;
  }

  /** Settles when the process has ended. */
  get exited(): Promise<void> {
    return this.#exited.promise;
  }

  /** Bytes of memory that only this process uses. */
  get bytes(): number {
    return this.#child.pid === undefined || this.#end ? 0 : privateBytes(this.#child.pid);
  }

  /** To be called first. @throws ProcessEnded, StepFailed */
  async start(): Promise<void> {
    const identity = unprivilegedIdentity(['nobody']);
    await this.#ask({ do: 'start', module: this.#options.module, identity }, []);
  }

  /**
   * Runs a step on the PDFs of the step before it; the first one of a job gets them, and the job's files.
   * @param maxCpuMs that it may take; then the process is killed
   * @param signer what the step may ask for
   * @param check whether the PDFs that the last step returns are accepted. @throws if not
   * @returns the PDFs of the last step; of others none
   * @throws StepRefused, StepFailed, ProcessEnded, what `check` or `signer` throws
   */
  async run(
    step: { name: string; settings: unknown; isLast: boolean },
    job: StepInput | undefined,
    check: (heads: PdfHead[]) => void,
    { maxCpuMs = Infinity, signer }: { maxCpuMs?: number; signer?: Pick<Signer, 'answer'> | undefined } = {},
  ): Promise<StepResult> {
    this.#check = check;
    this.#signer = signer;
    const { pdfs = [], files = [], areUploaded = [] } = job ?? {};
    const brings = job && { areUploaded, files: files.map(({ name }) => name) };
    const sent = [...pdfs, ...files.map(({ chunks }) => ({ chunks, pages: 1 }))];
    return this.#ask({ do: 'step', ...step, ...(brings && { brings }) }, sent, maxCpuMs);
  }

  /** Ends it at once: it has nothing to save. Resolves when it has ended. */
  async end(): Promise<void> {
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  async #ask(order: Order, pdfs: readonly SentPdf[], maxCpuMs = Infinity): Promise<StepResult> {
    const spentMs = this.#watch();
    const sampler = setInterval(() => this.#sample(spentMs() > maxCpuMs), SAMPLE_MS);
    try {
      const sent = sendFrame(this.#link, order, pdfs);
      sent.catch(() => undefined);
      const ended = this.exited.then(() => Promise.reject(this.#end as ProcessEnded));
      let answer: Frame | undefined;
      for (let questions = 0; ; questions++) {
        ({ value: answer } = await Promise.race([this.#answers.next(), ended]));
        const { asks } = (answer?.message ?? {}) as { asks?: Record<'asked' | 'base64', unknown> };
        if (!asks) break;
        if (questions >= MAX_QUESTIONS) throw new StepFailed('it asks for too much');
        await sendFrame(this.#link, await this.#answerTo(asks), []);
      }
      if (!answer) throw new Error('the link is closed');
      const { failed, types, parts, sheets } = answer.message as { [Key in keyof Answer]?: unknown };
      if (failed) throw toError(failed as Record<'code' | 'message', unknown>);
      return {
        pdfs: answer.pdfs,
        types: toTypes(types),
        parts: toParts(parts),
        ...(sheets !== undefined && { sheets: toSheets(sheets) }),
      };
    } catch (error) {
      if (this.#link.destroyed) await this.#isGone();
      throw this.#end ?? error;
    } finally {
      clearInterval(sampler);
    }
  }

  async #answerTo({ asked, base64 }: Record<'asked' | 'base64', unknown>): Promise<Order> {
    if (!this.#signer) throw new StepFailed('it asks for a signature that its job does not want');
    const data = Buffer.from(String(base64), 'base64');
    const answer = await this.#signer.answer(asked === 'timestamp' ? asked : 'signature', data);
    return { do: 'take', base64: Buffer.from(answer).toString('base64') };
  }

  /** The link breaks before it is known how the process ended. */
  async #isGone(): Promise<void> {
    this.#child.kill('SIGKILL'); // if it has only closed the link
    await this.exited;
  }

  #sample(isTooSlow: boolean): void {
    const { bytes } = this;
    this.#largestBytes = Math.max(this.#largestBytes, bytes);
    this.#isTooLarge ||= bytes > this.#options.memoryBytes;
    this.#isTooSlow ||= isTooSlow;
    if (this.#isTooLarge || this.#isTooSlow) this.#child.kill('SIGKILL');
  }

  /** Milliseconds of CPU since now; of time, where CPU is not known. */
  #watch(): () => number {
    const pid = this.#child.pid ?? 0;
    const [cpu, time] = [cpuMs(pid), performance.now()];
    return cpu === undefined ? () => performance.now() - time : () => (cpuMs(pid) ?? cpu) - cpu;
  }

  #ended(signal: NodeJS.Signals | null, how: string): void {
    const isFull = this.#largestBytes >= ALMOST_FULL * this.#options.memoryBytes && V8_SIGNALS.has(signal);
    const isFromOutside = signal === 'SIGKILL' && !this.#isKilled;
    const byUs = this.#isTooLarge || isFull ? 'too large' : this.#isTooSlow ? 'too slow' : undefined;
    const end = byUs ?? (isFromOutside ? 'killed' : 'crashed');
    this.#end ??= new ProcessEnded(
      end,
      this.#largestBytes,
      `the process of the steps ended: ${how}. ${this.#output()}`.trim(),
    );
    for (const stream of this.#child.stdio) stream?.destroy();
    this.#exited.resolve();
  }
}

// The process may have been taken over by a PDF: whatever it says is checked.

function toTypes(types: unknown): FileType[] {
  return Array.isArray(types) ? types.map((type) => FILE_TYPES.find((each) => each === type) ?? PDF_TYPE) : [];
}

/** @returns of what is no number null */
function toParts(parts: unknown): (number | null)[] {
  const isPart = (part: unknown): part is number => Number.isInteger(part) && (part as number) >= 0;
  return Array.isArray(parts) ? parts.map((part) => (isPart(part) ? part : null)) : [];
}

function toSheets(sheets: unknown): Sheet[][] {
  const isSide = (side: unknown) => typeof side === 'number' && side > 0 && side <= MAX_SIDE;
  const isSheet = (sheet: Partial<Sheet> | null) => isSide(sheet?.width) && isSide(sheet?.height);
  const areSheets = Array.isArray(sheets) && sheets.every((list) => Array.isArray(list) && list.every(isSheet));
  if (!areSheets) throw new StepFailed('the sizes of the pages are damaged');
  return sheets as Sheet[][];
}

function toError({ code, message }: Record<'code' | 'message', unknown>): Error {
  const text = String(message).slice(0, MAX_FAILURE_TEXT);
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
    ? new StepRefused(code as ErrorCode, text)
    : new StepFailed(text);
}

import { availableParallelism } from 'node:os';
import { unlessAborted } from '../kernel/abort.ts';
import { forNoJob } from '../kernel/current-job.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError, messageOf } from '../kernel/errors.ts';
import { FairShares } from '../kernel/fair-shares.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { Semaphore } from '../kernel/semaphore.ts';
import type { ComposeInput, RowProblems, RowsInput } from './compose-input.ts';
import { ComposerEnded, ComposerProcess } from './composer-process.ts';
import type { Answer, Order } from './child.ts';

export interface ComposerOptions {
  /** milliseconds that one document may take, apart from waiting for its turn */
  timeoutMs: number;
  /** that one document may use */
  memoryBytes: number;
  /** processes at a time, at most; as many as cores up to two by default */
  size?: number;
  /** whether a process is started at once, not for the first document */
  isWarm?: boolean;
  /** milliseconds that a document waits for its turn, at most */
  waitMs?: number;
  /** of each document: how long it took, in milliseconds, waiting included */
  onComposed?: (about: { kind: ComposeInput['kind']; ms: number }) => void;
}

export interface ComposerLimits {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** whose document it is */
  tenant?: string;
}

/** Milliseconds until a process is ready. */
const START_MS = 30_000;
/** Milliseconds beyond the time limit, so that the process can say itself at which line it was. */
const GRACE_MS = 500;
/** Milliseconds after which a process is ended that nobody needs, unless it is the last. */
const IDLE_MS = 60_000;
/** Milliseconds that a document waits for its turn, at most. */
const WAIT_MS = 30_000;
/** Documents that may wait for their turn. */
const MAX_WAITING = 1_000;
const MAX_OUTPUT_LENGTH = 50_000_000;
/** Bytes of one unit of memory, see ComposeLimits. */
const UNIT_BYTES = 8;
/** Of a timer; who waits has a deadline of its own. */
const LONGEST_MS = 2 ** 31 - 1;
/** A process keeps memory that it has once used; with more than this part of what it may use it is replaced. */
const LARGE = 0.6;

/**
 * Makes HTML of templates and markdown. Both are written by anyone, so it is done in processes of their own: what takes
 * too long or too much memory ends its process, and nothing else. The processes are started when they are needed, the
 * first with `isWarm` at once; one is kept from then on.
 */
export class Composer extends Lifecycle<ComposerOptions> {
  readonly #turns: Semaphore;
  /** one turn at a time for each tenant, so that slow templates of one leave a process to the others */
  readonly #tenants = new FairShares(1, LONGEST_MS);
  readonly #processes = new Set<ComposerProcess>();
  #idle: { process: ComposerProcess; timer: NodeJS.Timeout }[] = [];
  #waiting = 0;

  constructor(options: ComposerOptions) {
    super(options);
    this.#turns = new Semaphore(options.size ?? Math.min(2, availableParallelism()), LONGEST_MS);
  }

  /** Does not wait for the process. If it does not start, the first document starts another, and reports what is wrong. */
  protected async onStart(): Promise<void> {
    if (!this.options.isWarm) return;
    try {
      this.#putIdle(this.#spawn());
    } catch {
      // no memory for a process at the moment, which is no reason not to start
    }
  }

  protected override async onStop(): Promise<void> {
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    await Promise.all([...this.#processes].map((process) => process.end()));
  }

  /**
   * @param limits.timeoutMs that it may take from its turn on
   * @returns the HTML
   * @throws CodedError `template_failed` (a mistake in the template, or it needs more than it may), `data_invalid` (the
   *   schema), `unavailable` (no turn came in time, or no process can be had); the reason of `signal`, or of a stop
   */
  async compose(input: ComposeInput, limits: ComposerLimits): Promise<string> {
    const startedAt = performance.now();
    try {
      return toHtml(await this.#inTurn(toOrder(input), nameOf(input), limits));
    } finally {
      this.options.onComposed?.({ kind: input.kind, ms: performance.now() - startedAt });
    }
  }

  /**
   * Checks rows of data by the schema of a template.
   * @throws CodedError `template_failed` (the schema is none, or needs more time or memory than it may), and as
   *   {@link compose}
   */
  async check(input: RowsInput, limits: ComposerLimits): Promise<RowProblems> {
    const answer = await this.#inTurn({ do: 'check', input }, input.name, limits);
    return 'problems' in answer ? answer.problems : wrongAnswer(answer);
  }

  async #inTurn(order: Work, name: string, limits: ComposerLimits): Promise<Answer> {
    if (this.#waiting >= MAX_WAITING)
      throw new CodedError('unavailable', 'too many templates wait for their turn', { retryAfterSeconds: 1 });
    const givenUp = new AbortController();
    const begun = Promise.withResolvers<void>();
    this.#waiting++;
    void begun.promise.finally(() => this.#waiting--);
    const inTurn = () =>
      this.#turns.run(async () => {
        givenUp.signal.throwIfAborted();
        begun.resolve();
        return this.#run(order, name, limits.timeoutMs, givenUp.signal);
      });
    const turn = limits.tenant === undefined ? inTurn() : this.#tenants.run(limits.tenant, inTurn);
    const either = Promise.race([begun.promise, turn]);
    const { waitMs = WAIT_MS } = this.options;
    try {
      await new Deadline(waitMs).race('a turn', unlessAborted([limits.signal, this.ending], either));
      return await unlessAborted([limits.signal, this.ending], turn);
    } catch (error) {
      givenUp.abort();
      if (!(error instanceof DeadlineExceeded)) throw error;
      throw new CodedError('unavailable', `no turn for its template came within ${waitMs} ms`);
    } finally {
      begun.resolve();
    }
  }

  /** In a process of its own for the time being; once more if another process killed that, or it was not reached. */
  async #run(order: Work, name: string, timeoutMs: number, givenUp: AbortSignal): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#runOnce(order, name, timeoutMs, givenUp);
      } catch (error) {
        // Of one that did not start, it is the cause.
        const ended = error instanceof CodedError ? error.cause : error;
        if (!(ended instanceof ComposerEnded)) throw error;
        if (ended.how === 'killed' && tries === 1 && !givenUp.aborted) continue;
        throw ended === error ? endedBy(name, ended, this.options.memoryBytes) : error;
      }
    }
  }

  async #runOnce(order: Work, name: string, mostMs: number, givenUp: AbortSignal): Promise<Answer> {
    const process = this.#takeIdle() ?? this.#spawn();
    const end = () => void process.end();
    givenUp.addEventListener('abort', end);
    try {
      await started(process);
      const timeoutMs = Math.min(this.options.timeoutMs, mostMs);
      const memoryUnits = this.options.memoryBytes / UNIT_BYTES;
      const limits = { timeoutMs, memoryUnits, outputLength: MAX_OUTPUT_LENGTH };
      const asked = order.do === 'check' ? process.carryOut(order) : ask(process, { ...order, limits });
      const answer = await new Deadline(timeoutMs + GRACE_MS).race('composing', asked);
      if (process.bytes > LARGE * this.options.memoryBytes) end();
      return answer;
    } catch (error) {
      if (error instanceof CodedError) throw error;
      await process.end(); // nobody knows what state it is in
      throw error instanceof DeadlineExceeded ? tookTooLong(name, error.limitMs - GRACE_MS) : error;
    } finally {
      givenUp.removeEventListener('abort', end);
      this.#keep(process);
    }
  }

  #takeIdle(): ComposerProcess | undefined {
    const taken = this.#idle.pop();
    clearTimeout(taken?.timer);
    return taken?.process;
  }

  #spawn(): ComposerProcess {
    const process = forNoJob(() => new ComposerProcess(this.options.memoryBytes));
    this.#processes.add(process);
    void process.exited.then(() => {
      this.#processes.delete(process);
      const idle = this.#idle.find((each) => each.process === process);
      clearTimeout(idle?.timer);
      this.#idle = this.#idle.filter((each) => each !== idle);
    });
    return process;
  }

  /** For the next document. */
  #keep(process: ComposerProcess): void {
    if (this.ending.aborted) return void process.end();
    if (process.isEnding && this.#idle.length > 0) return;
    this.#putIdle(process.isEnding ? this.#spawn() : process);
  }

  #putIdle(process: ComposerProcess): void {
    const timer = setTimeout(() => {
      if (this.#idle.length > 1) void process.end();
    }, IDLE_MS);
    timer.unref();
    this.#idle.push({ process, timer });
  }
}

type ComposeOrder = Omit<Extract<Order, { do: 'compose' }>, 'limits'>;
type Work = ComposeOrder | Extract<Order, { do: 'check' }>;

function toOrder(input: ComposeInput): ComposeOrder {
  if (input.kind === 'markdown') return { do: 'compose', input };
  const { data, ...rest } = input;
  return { do: 'compose', input: { ...rest, json: toJson(data) } };
}

function toJson(data: unknown): string {
  if (data === undefined) return '{}';
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new CodedError('data_invalid', 'data: must be an object');
  try {
    return JSON.stringify(data);
  } catch (error) {
    const problem = error instanceof RangeError ? 'is nested too deeply, or too large' : 'is not JSON';
    throw new CodedError('data_invalid', `data: ${problem}`, { cause: error });
  }
}

/** Texts are sent once: a process remembers those it was sent last. */
async function ask(process: ComposerProcess, order: Extract<Order, { do: 'compose' }>): Promise<Answer> {
  const { input } = order;
  if (input.kind !== 'template' || input.key === undefined) return process.carryOut(order);
  const { key } = input;
  if (process.keys.has(key)) {
    const answer = await process.carryOut({ ...order, input: { ...input, texts: undefined } });
    if (!('needs' in answer)) return answer;
  }
  process.keys.add(key);
  return process.carryOut(order);
}

async function started(process: ComposerProcess): Promise<void> {
  try {
    await new Deadline(START_MS).race('starting', process.started());
  } catch (error) {
    await process.end();
    throw new CodedError('unavailable', `the process of templates did not start: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** @throws CodedError */
function toHtml(answer: Answer): string {
  return 'html' in answer ? answer.html : wrongAnswer(answer);
}

function wrongAnswer(answer: Answer): never {
  const { code, message, fields } = 'failed' in answer ? answer.failed : { message: 'a wrong answer' };
  throw new CodedError(code ?? 'internal', message, { ...(fields && { fields }) });
}

const nameOf = (input: ComposeInput) => (input.kind === 'template' ? input.name : 'markdown');

const tookTooLong = (name: string, ms: number) =>
  new CodedError('template_failed', `${name}: took longer than ${ms / 1_000} seconds`);

function endedBy(name: string, error: ComposerEnded, memoryBytes: number): CodedError {
  if (error.how === 'killed') return new CodedError('unavailable', 'the process of its template was killed', { cause: error }); // prettier-ignore
  const problem =
    error.how === 'too large' ? `needs more memory than ${Math.round(memoryBytes / 2 ** 20)} MB` : 'ended its process';
  return new CodedError('template_failed', `${name}: ${problem}`, { cause: error });
}

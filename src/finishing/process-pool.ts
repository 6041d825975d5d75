import { unlessAborted } from '../kernel/abort.ts';
import { withoutNetwork } from '../kernel/confined-process.ts';
import { forNoJob } from '../kernel/current-job.ts';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf, systemCodeOf } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { Semaphore } from '../kernel/semaphore.ts';
import { StepRefused, StepsProcess, type StepsProcessOptions } from './steps-process.ts';

export interface ProcessPoolOptions extends Omit<StepsProcessOptions, 'networkless'> {
  /** `job`: no process is used for another job. Otherwise one is, of any tenant, if both jobs have only PDFs of our own browser */
  isolation: 'tenant' | 'static' | 'job' | 'shared';
  /** processes at a time, at most */
  size: number;
  /** milliseconds after which a process that nobody needs is ended */
  idleMs: number;
  /** milliseconds that a job waits for its turn; then it is better done by another worker */
  waitMs: number;
}

/** Milliseconds until a process has loaded every step. */
const START_MS = 10_000;
/** Jobs after which a process is replaced. */
const MAX_JOBS = 200;
/** A process keeps the memory that it has once used; if that is more than this part of what it may use it is replaced. */
const LARGE = 0.25;

/** A process did not start, or could not load its steps; `cause` says why. */
export class NotStarted extends Error {
  override name = 'NotStarted';
}

/** Whether all processes were busy for too long. */
export const isOutOfTurns = (error: unknown) => systemCodeOf(error) === 'ACQUIRE_TIMEOUT';

/** A process, and how many jobs it has had. */
interface Member {
  process: StepsProcess;
  jobs: number;
  /** resolves with the bytes of memory that it had then; rejects with NotStarted */
  started: Promise<number>;
}

interface Idle extends Member {
  timer: NodeJS.Timeout;
}

/** What is known of a job that needs a process. */
interface Use {
  /** whether it has anything that was not written by our own browser */
  isUploaded: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Processes for steps: started when they are needed, each for one job at a time, and kept for the next job unless it had
 * uploads. After such a job another process is started that waits for the next one.
 */
export class ProcessPool extends Lifecycle<ProcessPoolOptions> {
  readonly #turns: Semaphore;
  readonly #processes = new Set<StepsProcess>();
  /** the one that was used last comes last */
  #idle: Idle[] = [];
  #networkless: readonly string[] | undefined;

  constructor(options: ProcessPoolOptions) {
    super(options);
    this.#turns = new Semaphore(options.size, options.waitMs);
  }

  /** Whether more jobs wait for a process than there are processes. */
  get isBehind(): boolean {
    return this.#turns.waiting > this.options.size;
  }

  protected async onStart(): Promise<void> {
    this.#networkless = (await withoutNetwork()).command;
  }

  protected override async onStop(): Promise<void> {
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    await Promise.all([...this.#processes].map((process) => process.end()));
  }

  /**
   * Does `work` with a process. If that fails the process is ended, because nobody knows what state it is in, unless a
   * step has only refused the job.
   * @throws what `work` throws; NotStarted; what {@link isOutOfTurns} if no turn came in time; and at once the reason of
   *   `signal`, or of a stop
   */
  async use<T>(use: Use, work: (process: StepsProcess) => Promise<T>): Promise<T> {
    const { signal } = use;
    const givenUp = new AbortController();
    const turn = this.#turns.run(async () => {
      givenUp.signal.throwIfAborted();
      const member = this.#takeIdle(use) ?? this.#spawn();
      const { process } = member;
      const end = () => void process.end();
      givenUp.signal.addEventListener('abort', end);
      try {
        await member.started;
        const result = await work(process);
        await this.#release(member, use);
        return result;
      } catch (error) {
        await (error instanceof StepRefused ? this.#release(member, use) : process.end());
        throw error;
      } finally {
        givenUp.signal.removeEventListener('abort', end);
        if (!this.#mayBeKept(use)) this.#prepare();
      }
    });
    try {
      return await unlessAborted([signal, this.ending], turn);
    } catch (error) {
      givenUp.abort();
      throw error;
    }
  }

  /** Ends those that no job has. */
  endIdle(): void {
    for (const idle of this.#idle) this.#endIdle(idle);
  }

  /** Jobs that have a process, or wait for one. */
  get jobs(): number {
    return this.#turns.taken + this.#turns.waiting;
  }

  #mayBeKept({ isUploaded }: Use): boolean {
    return !isUploaded && this.options.isolation !== 'job';
  }

  /** A job with uploads gets one that no other job has had, so that it finds nothing of anybody's. */
  #takeIdle(use: Use): Idle | undefined {
    const mayBeUsed = this.#mayBeKept(use);
    const used = mayBeUsed ? this.#idle.findLastIndex(({ jobs }) => jobs > 0) : -1;
    const at = used === -1 ? this.#idle.findLastIndex(({ jobs }) => jobs === 0) : used;
    const [taken] = at === -1 ? [] : this.#idle.splice(at, 1);
    clearTimeout(taken?.timer);
    return taken;
  }

  #spawn(): Member {
    if (this.#processes.size >= this.options.size) this.#endIdle(this.#idle[0]);
    const { module, memoryBytes } = this.options;
    const networkless = this.#networkless;
    if (!networkless) throw new Error('the pool has not been started');
    const process = forNoJob(() => new StepsProcess({ module, memoryBytes, networkless }));
    this.#processes.add(process);
    void process.exited.then(() => {
      this.#processes.delete(process);
      this.#endIdle(this.#idle.find((idle) => idle.process === process));
    });
    const started = start(process);
    started.catch(() => undefined); // the job that gets it fails with it
    return { process, jobs: 0, started };
  }

  /** Starts a process for the next job that needs a new one, if there is room for it. */
  #prepare(): void {
    const isThere = this.#idle.some(({ jobs }) => jobs === 0);
    if (!isThere && !this.ending.aborted && this.#processes.size < this.options.size) this.#wait(this.#spawn());
  }

  async #release({ process, jobs, started }: Member, use: Use): Promise<void> {
    const isLarge = process.bytes - (await started) > LARGE * this.options.memoryBytes;
    const isLast = jobs + 1 >= MAX_JOBS || this.ending.aborted;
    if (isLarge || isLast || !this.#mayBeKept(use)) await process.end();
    else this.#wait({ process, jobs: jobs + 1, started });
  }

  #wait(member: Member): void {
    const idle: Idle = { ...member, timer: setTimeout(() => this.#endIdle(idle), this.options.idleMs) };
    idle.timer.unref();
    this.#idle.push(idle);
  }

  #endIdle(idle: Idle | undefined): void {
    if (!idle) return;
    this.#idle = this.#idle.filter((each) => each !== idle);
    clearTimeout(idle.timer);
    void idle.process.end();
  }
}

async function start(process: StepsProcess): Promise<number> {
  try {
    await new Deadline(START_MS).race('starting a process', process.start());
    return process.bytes;
  } catch (error) {
    throw new NotStarted(messageOf(error), { cause: error });
  }
}

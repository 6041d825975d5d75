import { unlessAborted } from '../kernel/abort.ts';
import { forNoJob } from '../kernel/current-job.ts';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf, systemCodeOf } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { Semaphore } from '../kernel/semaphore.ts';
import { StepsProcess, type StepsProcessOptions } from './steps-process.ts';

export interface ProcessPoolOptions extends StepsProcessOptions {
  /** who may use a process that another job has used: the same tenant, nobody, or everyone */
  isolation: 'tenant' | 'job' | 'shared';
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
/** A process keeps the memory that it has once used; with more than this part of what it may use it is replaced. */
const LARGE = 0.25;

/** A process did not start, or could not load its steps; `cause` says why. */
export class NotStarted extends Error {
  override name = 'NotStarted';
}

/** Whether all processes were busy for too long. */
export const isOutOfTurns = (error: unknown) => systemCodeOf(error) === 'ACQUIRE_TIMEOUT';

interface Idle {
  process: StepsProcess;
  tenant: string;
  jobs: number;
  timer: NodeJS.Timeout;
}

/** Processes for steps: started when they are needed, each for one job at a time, and kept for the next job. */
export class ProcessPool extends Lifecycle<ProcessPoolOptions> {
  readonly #turns: Semaphore;
  readonly #processes = new Set<StepsProcess>();
  /** the one that was used last comes last */
  #idle: Idle[] = [];

  constructor(options: ProcessPoolOptions) {
    super(options);
    this.#turns = new Semaphore(options.size, options.waitMs);
  }

  /** Whether more jobs wait for a process than there are processes. */
  get isBehind(): boolean {
    return this.#turns.waiting > this.options.size;
  }

  protected async onStart(): Promise<void> {}

  protected override async onStop(): Promise<void> {
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    await Promise.all([...this.#processes].map((process) => process.end()));
  }

  /**
   * Does `work` with a process. If it fails the process is ended, because nobody knows what state it is in.
   * @throws what `work` throws; NotStarted; what {@link isOutOfTurns} if no turn came in time; and at once the reason of
   *   `signal`, or of a stop
   */
  async use<T>(
    { tenant, signal }: { tenant: string; signal?: AbortSignal | undefined },
    work: (process: StepsProcess) => Promise<T>,
  ): Promise<T> {
    const givenUp = new AbortController();
    const turn = this.#turns.run(async () => {
      givenUp.signal.throwIfAborted();
      const { process, jobs } = this.#takeIdle(tenant) ?? { process: this.#spawn(), jobs: 0 };
      const end = () => void process.end();
      givenUp.signal.addEventListener('abort', end);
      try {
        if (jobs === 0) await start(process);
        const result = await work(process);
        this.#keep({ process, tenant, jobs: jobs + 1 });
        return result;
      } catch (error) {
        await process.end();
        throw error;
      } finally {
        givenUp.signal.removeEventListener('abort', end);
      }
    });
    try {
      return await unlessAborted([signal, this.ending], turn);
    } catch (error) {
      givenUp.abort();
      throw error;
    }
  }

  #takeIdle(tenant: string): Idle | undefined {
    const { isolation } = this.options;
    const at = this.#idle.findLastIndex((idle) => isolation === 'shared' || idle.tenant === tenant);
    const [taken] = at === -1 ? [] : this.#idle.splice(at, 1);
    clearTimeout(taken?.timer);
    return taken;
  }

  #spawn(): StepsProcess {
    if (this.#processes.size >= this.options.size) this.#endIdle(this.#idle[0]);
    const { module, memoryBytes } = this.options;
    const process = forNoJob(() => new StepsProcess({ module, memoryBytes }));
    this.#processes.add(process);
    void process.exited.then(() => {
      this.#processes.delete(process);
      this.#endIdle(this.#idle.find((idle) => idle.process === process));
    });
    return process;
  }

  #keep(used: Omit<Idle, 'timer'>): void {
    const { isolation, memoryBytes, idleMs } = this.options;
    const isUsedUp = used.jobs >= MAX_JOBS || used.process.bytes > LARGE * memoryBytes;
    if (isUsedUp || isolation === 'job' || this.ending.aborted) return void used.process.end();
    const idle: Idle = { ...used, timer: setTimeout(() => this.#endIdle(idle), idleMs) };
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

async function start(process: StepsProcess): Promise<void> {
  try {
    await new Deadline(START_MS).race('starting a process', process.start());
  } catch (error) {
    throw new NotStarted(messageOf(error), { cause: error });
  }
}

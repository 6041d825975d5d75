import { Lifecycle } from '../kernel/lifecycle.ts';
import { privateBytes, processTree, processType } from '../memory/processes.ts';
import type { MemoryReading } from '../memory/reading.ts';
import type { Events } from '../telemetry/events.ts';
import type { RendererEnd } from './browser-watch.ts';

/** `high`: give memory back, one document at a time; `critical`: take on none, and give one up before the kernel ends us all. */
export type Pressure = 'normal' | 'high' | 'critical';

interface GovernorOptions {
  read: () => MemoryReading | undefined;
  /** documents under way */
  running: () => number;
  pool: {
    pids: number[];
    shrink(): void;
    grow(): void;
    pageOf(pid: number): { end(how: RendererEnd): void } | undefined;
  };
  /** bytes that one document's renderer may take */
  documentLimitBytes: number;
  events: Pick<Events, 'memoryPressure' | 'documentEvicted'>;
}

/** Why a renderer process is ended by us. */
type EvictionReason = Exclude<RendererEnd, 'crashed' | 'closed' | 'killed'>;

interface Process {
  pid: number;
  bytes: number;
}

const INTERVAL_MS = 500;
const HIGH = 0.8;
const NORMAL_BELOW = 0.7;
const CRITICAL = 0.9;
/** Milliseconds for the memory of what was ended to come back, before the next one is. */
const EVICTION_PAUSE_MS = 1_000;
/** Milliseconds after a sacrifice for which documents run one at a time, so that the one given up has room when it is back. */
const CAREFUL_MS = 30_000;
/** A renderer that holds less (a plain document's holds some 30 MB) is not what fills the memory: to end it helps nobody. */
const WORTHWHILE_BYTES = 100 * 1024 * 1024;

/** Watches what limits this process's memory, and gives way before the kernel takes. */
export class MemoryGovernor extends Lifecycle {
  readonly #options: GovernorOptions;
  #pressure: Pressure = 'normal';
  #reading: MemoryReading | undefined;
  #timer: NodeJS.Timeout | undefined;
  #evictedAt = -Infinity;

  constructor(options: GovernorOptions) {
    super();
    this.#options = options;
  }

  get pressure(): Pressure {
    return this.#pressure;
  }

  /** Memory used, of what there is: 0 to 1. */
  get ratio(): number {
    return this.#reading ? this.#reading.used / this.#reading.limit : 0;
  }

  /** How many more documents may be taken on beside those running. */
  room(running: number): number {
    if (this.#pressure === 'critical') return 0;
    const isCareful = this.#pressure === 'high' || performance.now() - this.#evictedAt < CAREFUL_MS;
    return isCareful ? Math.max(0, 1 - running) : Infinity;
  }

  protected async onStart(): Promise<void> {
    this.#check();
    this.#timer = setInterval(() => this.#check(), INTERVAL_MS);
  }

  protected async onStop(): Promise<void> {
    clearInterval(this.#timer);
  }

  #check(): void {
    this.#reading = this.#options.read();
    if (this.#reading) this.#judge(this.#reading);
    if (this.#options.running() > 0) this.#watchDocuments();
  }

  #judge(reading: MemoryReading): void {
    const before = this.#pressure;
    if (this.ratio >= CRITICAL) this.#pressure = 'critical';
    else if (this.ratio >= HIGH) this.#pressure = 'high';
    else if (this.ratio < NORMAL_BELOW) this.#pressure = 'normal';
    else if (before === 'critical') this.#pressure = 'high';
    if (this.#pressure !== before) this.#options.events.memoryPressure({ pressure: this.#pressure, ...reading });
    if (this.#pressure !== 'normal') this.#options.pool.shrink();
    else if (before !== 'normal') this.#options.pool.grow();
  }

  #watchDocuments(): void {
    const { pool, documentLimitBytes } = this.#options;
    const largestFirst = pool.pids
      .flatMap(processTree)
      .map((pid): Process => ({ pid, bytes: privateBytes(pid) }))
      .toSorted((a, b) => b.bytes - a.bytes);
    const isRenderer = ({ pid }: Process) => processType(pid) === 'renderer';
    const tooLarge = largestFirst.filter(({ bytes }) => bytes > documentLimitBytes).filter(isRenderer);
    for (const process of tooLarge) this.#evict(process, 'too large');
    if (this.#pressure !== 'critical' || performance.now() - this.#evictedAt < EVICTION_PAUSE_MS) return;
    const largest = largestFirst.find(isRenderer);
    if (largest && largest.bytes >= WORTHWHILE_BYTES)
      this.#evict(largest, this.#isAllThereIs(largest) ? 'fills the memory' : 'largest');
  }

  /** Nothing is rendered beside it, and without it there would be no pressure: it would come to the same again. */
  #isAllThereIs({ bytes }: Process): boolean {
    if (this.#options.running() > 1 || !this.#reading) return false;
    const { used, limit } = this.#reading;
    return bytes > used - HIGH * limit;
  }

  /** The page is told before its process ends, so that no other crash of this moment is taken for this one. */
  #evict({ pid, bytes }: Process, why: EvictionReason): void {
    this.#options.pool.pageOf(pid)?.end(why);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      return; // it has ended meanwhile, by itself
    }
    if (why !== 'too large') this.#evictedAt = performance.now();
    this.#options.events.documentEvicted({ why, bytes });
  }
}

import { Lifecycle } from '../kernel/lifecycle.ts';
import { privateBytes, processTree, processType } from '../memory/processes.ts';
import type { MemoryReading } from '../memory/reading.ts';
import type { Events } from '../telemetry/events.ts';
import type { RendererEnd } from './browser-watch.ts';

/** `high`: free memory, one document at a time; `critical`: no new documents, and evict one before the kernel kills us. */
export type Pressure = 'normal' | 'high' | 'critical';

interface GovernorOptions {
  read: () => MemoryReading | undefined;
  /** documents in progress */
  running: () => number;
  pool: {
    browsers: { pids: number[] };
    shrink(): void;
    grow(): void;
    pageOf(pid: number): { end(how: RendererEnd): void } | undefined;
  };
  /** most bytes of one document's renderer */
  documentLimitBytes: number;
  events: Pick<Events, 'memoryPressure' | 'documentEvicted'>;
}

/** Other work that uses the same memory. */
export interface OtherWork {
  /** how much is under way, counted like documents */
  jobs: number;
  /** Gives up what is only kept for later. */
  freeMemory(): void;
}

type Process = Record<'pid' | 'bytes', number>;

const INTERVAL_MS = 500;
/** Shares of the memory limit. */
const NORMAL_BELOW = 0.7;
const HIGH = 0.8;
const CRITICAL = 0.9;
/** Between two evictions, so that the memory of the first becomes free. */
const EVICTION_PAUSE_MS = 1_000;
/** After an eviction documents run one at a time for so long, so that the evicted one has enough memory when it returns. */
const RECOVERY_MS = 30_000;
/** To evict a smaller renderer would not help. That of a simple document has some 30 MB. */
const MIN_EVICTED_BYTES = 100 * 1024 * 1024;

/** Monitors the memory limits of this process, and frees memory before the kernel kills processes. */
export class MemoryGovernor extends Lifecycle<GovernorOptions> {
  #pressure: Pressure = 'normal';
  #reading: MemoryReading | undefined;
  #evictedAt = -Infinity;
  /** counts under pressure, and is what is freed first */
  otherWork: OtherWork | undefined;

  get pressure(): Pressure {
    return this.#pressure;
  }

  /** Used share of the memory limit, 0 to 1. */
  get ratio(): number {
    return this.#reading ? this.#reading.used / this.#reading.limit : 0;
  }

  /** How many more documents may start, in addition to those running. */
  room(running: number): number {
    if (this.#pressure === 'critical') return 0;
    const isRecovering = performance.now() - this.#evictedAt < RECOVERY_MS;
    const others = this.otherWork?.jobs ?? 0;
    return this.#pressure === 'high' || isRecovering ? Math.max(0, 1 - running - others) : Infinity;
  }

  protected async onStart(): Promise<void> {
    await this.repeat(INTERVAL_MS, () => this.#check());
  }

  #check(): void {
    this.#reading = this.options.read();
    if (this.#reading) this.#updatePressure(this.#reading);
    if (this.options.running() > 0) this.#evictDocuments();
  }

  #updatePressure(reading: MemoryReading): void {
    const before = this.#pressure;
    if (this.ratio >= CRITICAL) this.#pressure = 'critical';
    else if (this.ratio >= HIGH) this.#pressure = 'high';
    else if (this.ratio < NORMAL_BELOW) this.#pressure = 'normal';
    else if (before === 'critical') this.#pressure = 'high';
    if (this.#pressure !== before) this.options.events.memoryPressure({ pressure: this.#pressure, ...reading });
    if (this.#pressure !== 'normal') this.otherWork?.freeMemory();
    if (this.#pressure !== 'normal') this.options.pool.shrink();
    else if (before !== 'normal') this.options.pool.grow();
  }

  #evictDocuments(): void {
    const { pool, documentLimitBytes } = this.options;
    const largestFirst = pool.browsers.pids
      .flatMap(processTree)
      .map((pid): Process => ({ pid, bytes: privateBytes(pid) }))
      .toSorted((a, b) => b.bytes - a.bytes);
    const isRenderer = ({ pid }: Process) => processType(pid) === 'renderer';
    const tooLarge = largestFirst.filter(({ bytes }) => bytes > documentLimitBytes).filter(isRenderer);
    for (const process of tooLarge) this.#evict(process, 'too large');
    if (this.#pressure !== 'critical' || performance.now() - this.#evictedAt < EVICTION_PAUSE_MS) return;
    const largest = largestFirst.find(isRenderer);
    if (largest && largest.bytes >= MIN_EVICTED_BYTES)
      this.#evict(largest, this.#isSoleCause(largest) ? 'fills the memory' : 'largest');
  }

  /** Whether it is the only document and there would be no pressure without it: another attempt would fail again. */
  #isSoleCause({ bytes }: Process): boolean {
    if (this.options.running() > 1 || !this.#reading) return false;
    const { used, limit } = this.#reading;
    return bytes > used - HIGH * limit;
  }

  /** Informs the page before its process ends, so that it does not attribute the end to a crash. */
  #evict({ pid, bytes }: Process, why: 'too large' | 'fills the memory' | 'largest'): void {
    this.options.pool.pageOf(pid)?.end(why);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      return; // it has ended meanwhile
    }
    if (why !== 'too large') this.#evictedAt = performance.now();
    this.options.events.documentEvicted({ why, bytes });
  }
}

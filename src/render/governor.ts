import { Lifecycle } from '../kernel/lifecycle.ts';
import { privateBytes, processTree, processType } from '../memory/processes.ts';
import type { MemoryReading } from '../memory/reading.ts';
import type { Events } from '../telemetry/events.ts';

/** `high`: give memory back and take on no more; `critical`: give up a document before the kernel ends us all. */
export type Pressure = 'normal' | 'high' | 'critical';

interface GovernorOptions {
  read: () => MemoryReading | undefined;
  pool: { pids: number[]; isBusy: boolean; shrink(): void; grow(): void };
  /** bytes that one document's renderer may take */
  documentLimitBytes: number;
  events: Pick<Events, 'memoryPressure' | 'documentSacrificed'>;
}

/** Why a renderer process was ended: the document took more than one may, or was the largest when memory ran out. */
export type Sacrifice = 'too large' | 'largest';

const INTERVAL_MS = 500;
const HIGH = 0.8;
const CALM = 0.7;
const CRITICAL = 0.9;
/** Milliseconds for the memory of what was ended to come back, before the next one is. */
const SACRIFICE_PAUSE_MS = 1_000;
/** Milliseconds within which the page of a process that was ended says so. */
const CRASH_NOTICE_MS = 2_000;

/** Watches what limits this process's memory, and gives way before the kernel takes. */
export class MemoryGovernor extends Lifecycle {
  readonly #options: GovernorOptions;
  #pressure: Pressure = 'normal';
  #ratio = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastAt = -Infinity;
  /** whose crashes nobody has asked about yet */
  #sacrifices: { why: Sacrifice; at: number }[] = [];

  constructor(options: GovernorOptions) {
    super();
    this.#options = options;
  }

  get pressure(): Pressure {
    return this.#pressure;
  }

  /** Memory used, of what there is: 0 to 1. */
  get ratio(): number {
    return this.#ratio;
  }

  /** How many more documents may be taken on beside those running: under pressure none, but one at a time goes on. */
  room(running: number): number {
    if (this.#pressure === 'normal') return Infinity;
    return running === 0 ? 1 : 0;
  }

  /** Why a renderer that crashed just now was ended by us, if it was; told once for each that we ended. */
  takeSacrifice(): Sacrifice | undefined {
    const recent = this.#sacrifices.filter(({ at }) => performance.now() - at < CRASH_NOTICE_MS);
    const taken = recent.shift();
    this.#sacrifices = recent;
    return taken?.why;
  }

  protected async onStart(): Promise<void> {
    this.#look();
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
  }

  protected async onStop(): Promise<void> {
    clearInterval(this.#timer);
  }

  #look(): void {
    const reading = this.#options.read();
    if (reading) this.#judge(reading);
    if (this.#options.pool.isBusy) this.#watchDocuments();
  }

  #judge(reading: MemoryReading): void {
    this.#ratio = reading.used / reading.limit;
    const before = this.#pressure;
    if (this.#ratio >= CRITICAL) this.#pressure = 'critical';
    else if (this.#ratio >= HIGH) this.#pressure = 'high';
    else if (this.#ratio < CALM) this.#pressure = 'normal';
    else if (before === 'critical') this.#pressure = 'high';
    if (this.#pressure !== before) this.#options.events.memoryPressure({ pressure: this.#pressure, ...reading });
    if (this.#pressure !== 'normal') this.#options.pool.shrink();
    else if (before !== 'normal') this.#options.pool.grow();
  }

  #watchDocuments(): void {
    const largestFirst = this.#options.pool.pids
      .flatMap(processTree)
      .map((pid) => ({ pid, bytes: privateBytes(pid) }))
      .toSorted((a, b) => b.bytes - a.bytes);
    const isRenderer = ({ pid }: { pid: number }) => processType(pid) === 'renderer';
    const tooLarge = largestFirst.filter(({ bytes }) => bytes > this.#options.documentLimitBytes).filter(isRenderer);
    for (const { pid, bytes } of tooLarge) this.#sacrifice(pid, 'too large', bytes);
    if (this.#pressure !== 'critical') return;
    if (performance.now() - this.#lastAt < SACRIFICE_PAUSE_MS) return;
    const largest = largestFirst.find(isRenderer);
    if (largest) this.#sacrifice(largest.pid, 'largest', largest.bytes);
  }

  #sacrifice(pid: number, why: Sacrifice, bytes: number): void {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      return; // it has ended meanwhile, by itself
    }
    this.#lastAt = performance.now();
    this.#sacrifices.push({ why, at: this.#lastAt });
    this.#options.events.documentSacrificed({ why, bytes });
  }
}

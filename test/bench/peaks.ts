import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, processTree, proportionalBytes } from '../../src/memory/processes.ts';
import { commandOf } from '../support/processes.ts';

const EVERY_MS = 500;
/** The kernel takes milliseconds to add up the memory of a process: that is to be seldom noticed. */
const MAX_SHARE = 1 / 50;

interface Seen {
  kind: string;
  /** CPU so far, and when it was first seen */
  ms: number;
  firstMs: number;
}

interface Used {
  kind: string;
  /** of the largest process (PSS) */
  megabytes: number;
  /** of all of them */
  cpuMs: number;
}

/** What some processes and all below them use, until it is stopped: the most memory of any, and CPU. */
export class Peaks {
  readonly #roots: number[];
  readonly #bytes = new Map<string, number>();
  readonly #seen = new Map<number, Seen>();
  readonly #over = new AbortController();
  readonly #watching: Promise<void>;

  constructor(roots: number[]) {
    this.#roots = roots;
    this.#look({ isFirst: true });
    this.#watching = this.#watch();
  }

  /** @returns each kind of process, that with the largest first */
  async stop(): Promise<Used[]> {
    this.#over.abort();
    await this.#watching;
    this.#look();
    const used = [...this.#bytes].map(([kind, bytes]): Used => {
      const own = [...this.#seen.values()].filter((each) => each.kind === kind);
      const ms = own.reduce((sum, each) => sum + each.ms - each.firstMs, 0);
      return { kind, megabytes: Math.round(bytes / 1e6), cpuMs: ms };
    });
    return used.toSorted((a, b) => b.megabytes - a.megabytes);
  }

  async #watch(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      const startedAt = performance.now();
      this.#look();
      const tookMs = performance.now() - startedAt;
      await sleep(Math.max(EVERY_MS, tookMs / MAX_SHARE), undefined, { signal }).catch(() => undefined);
    }
  }

  #look({ isFirst = false } = {}): void {
    for (const pid of new Set(this.#roots.flatMap(processTree))) {
      const kind = kindOf(commandOf(pid));
      this.#bytes.set(kind, Math.max(this.#bytes.get(kind) ?? 0, proportionalBytes(pid)));
      const ms = cpuMs(pid) ?? 0;
      this.#seen.set(pid, { kind, ms, firstMs: this.#seen.get(pid)?.firstMs ?? (isFirst ? ms : 0) });
    }
  }
}

/** `API`, `worker`, `Chromium renderer`, `Postgres`, or the program's name: a step of ours is `node`. */
export function kindOf(command: string): string {
  const verb = /pdfprompt\.js (\w+)/.exec(command)?.[1];
  if (verb !== undefined) return verb === 'serve' ? 'API' : verb === 'work' ? 'worker' : verb;
  const type = /--type=([\w-]+)/.exec(command)?.[1];
  if (type !== undefined) return `Chromium ${type}`;
  if (/^postgres|\/postgres\b/.test(command)) return 'Postgres';
  const program = command.split(' ')[0]?.split('/').at(-1);
  return program === undefined || program === '' ? 'ended' : program;
}

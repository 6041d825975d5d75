import { readFileSync } from 'node:fs';
import { proportionalBytes } from '../../src/memory/processes.ts';
import { commandOf, descendants } from '../support/processes.ts';
import { kindOf } from './peaks.ts';

/** Ticks of the kernel's clock in a second, on every Linux there is. */
const TICKS = 100;

/** What some processes and all below them take, from now on. */
export class Usage {
  readonly #roots: number[];
  readonly #before: Map<string, number>;

  constructor(roots: number[]) {
    this.#roots = roots;
    this.#before = this.#ticks();
  }

  cpuSeconds(): number {
    return [...this.cpuSecondsByKind().values()].reduce((sum, seconds) => sum + seconds, 0);
  }

  /** By kind of process: `API`, `worker`, `Chromium`, `Postgres`, or the program's name. */
  cpuSecondsByKind(): Map<string, number> {
    const now = [...this.#ticks()];
    return new Map(now.map(([kind, ticks]) => [kind, (ticks - (this.#before.get(kind) ?? 0)) / TICKS]));
  }

  pssBytes(): number {
    return this.#tree().reduce((sum, pid) => sum + proportionalBytes(pid), 0);
  }

  #tree(): number[] {
    return this.#roots.flatMap((pid) => [pid, ...descendants(pid)]);
  }

  /** Their own and their ended children's, user and system: a child that has ended counts as its parent's kind. */
  #ticks(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const pid of this.#tree()) {
      const kind = kindOf(commandOf(pid)).replace(/^Chromium .*/, 'Chromium');
      sums.set(kind, (sums.get(kind) ?? 0) + ticksOf(pid));
    }
    return sums;
  }
}

function ticksOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  } catch {
    return 0; // it has ended meanwhile
  }
}

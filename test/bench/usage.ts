import { readFileSync } from 'node:fs';
import { proportionalBytes } from '../../src/memory/processes.ts';
import { descendants } from '../support/processes.ts';

/** Ticks of the kernel's clock in a second, on every Linux there is. */
const TICKS = 100;

/** What some processes and all below them take, from now on. */
export class Usage {
  readonly #roots: number[];
  readonly #before: number;

  constructor(roots: number[]) {
    this.#roots = roots;
    this.#before = this.#ticks();
  }

  cpuSeconds(): number {
    return (this.#ticks() - this.#before) / TICKS;
  }

  pssBytes(): number {
    return this.#tree().reduce((sum, pid) => sum + proportionalBytes(pid), 0);
  }

  #tree(): number[] {
    return this.#roots.flatMap((pid) => [pid, ...descendants(pid)]);
  }

  /** Their own and their ended children's, user and system. */
  #ticks(): number {
    return this.#tree()
      .map((pid) => {
        try {
          const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
            .replace(/^.*\) /, '')
            .split(' ');
          return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
        } catch {
          return 0; // it has ended meanwhile
        }
      })
      .reduce((sum, ticks) => sum + ticks, 0);
  }
}

import type { Batch } from '../domain/batch.ts';

/** Milliseconds that the rate is of. */
const WINDOW_MS = 20_000;
/** Milliseconds before there is one. */
const LEAST_MS = 1_000;
/** Characters of the bar. */
const BAR = { least: 8, most: 40 } as const;

interface Sample {
  at: number;
  ended: number;
}

/** What a batch is doing, as one line. */
export class BatchProgress {
  readonly #samples: Sample[] = [];
  readonly #counts = { total: 0, ended: 0, failed: 0, open: 0 };
  #isClosing = false;
  /** files that are fetched; undefined: none are */
  fetched: number | undefined;
  /** what is waited for, instead of the items */
  waiting: string | undefined;

  /** @param at milliseconds by any clock */
  update({ items, status }: Pick<Batch, 'items' | 'status'>, at: number): void {
    const { total, open, failed } = items;
    const ended = total - open;
    if (ended < this.#counts.ended) this.#samples.length = 0; // failed items are made again
    Object.assign(this.#counts, { total, open, failed, ended });
    this.#isClosing = status === 'closing';
    this.#samples.push({ at, ended });
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > WINDOW_MS) this.#samples.shift();
  }

  /** Items a second, lately; 0 if that is not known. */
  get rate(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < LEAST_MS) return 0;
    return ((last.ended - first.ended) * 1_000) / (last.at - first.at);
  }

  /** @param width characters of the terminal; undefined: no terminal, and no bar */
  text(width?: number): string {
    const parts = this.#parts();
    const words = parts.join(' · ');
    if (width === undefined || words === '') return words;
    const room = width - 1 - words.length - 2;
    if (room < BAR.least || this.#counts.total === 0)
      return words.length < width ? words : `${words.slice(0, Math.max(width - 2, 0))}…`;
    return `${this.#bar(Math.min(room, BAR.most))}  ${words}`;
  }

  #bar(size: number): string {
    const { total, ended } = this.#counts;
    const full = total === 0 ? 0 : Math.floor((ended / total) * size);
    return `${'█'.repeat(full)}${'░'.repeat(size - full)}`;
  }

  #parts(): string[] {
    const { total, ended, failed, open } = this.#counts;
    const { rate } = this;
    const parts = total > 0 ? [`${count(ended)}/${count(total)}`] : []; // otherwise it is not accepted yet
    if (failed > 0) parts.push(`${count(failed)} failed`);
    if (this.waiting !== undefined) parts.push(`waiting: ${this.waiting}`);
    else if (this.#isClosing) parts.push('merging');
    else if (open > 0 && rate > 0)
      parts.push(`${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))}/s`, `${time(open / rate)} left`);
    if (this.fetched !== undefined) parts.push(`${count(this.fetched)} fetched`);
    return parts;
  }
}

export const count = (number: number): string => number.toLocaleString('en');

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function time(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
}

import { UsageError } from '../kernel/errors.ts';
import { parseShares, type Share } from './shares.ts';

const UNITS: Record<string, number> = { ms: 1, s: 1_000, '': 1_000, m: 60_000, min: 60_000, h: 3_600_000 };

type Range = readonly [min: number, max: number];

/** Reads the values of flags and collects what is wrong with them, so that all of it is reported at once. */
export class FlagValues {
  readonly #options: Record<string, unknown>;
  readonly #problems: string[] = [];

  /** @param options strings by name, as commander has them: `targetP95` for `--target-p95` */
  constructor(options: Record<string, unknown>) {
    this.#options = options;
  }

  /** The text of a flag; empty if it was not given. */
  text(name: string): string {
    const value = this.#options[name];
    return typeof value === 'string' ? value : '';
  }

  has(name: string): boolean {
    return this.#options[name] !== undefined;
  }

  number(name: string, [min, max]: Range, kind: 'whole' | 'any' = 'whole'): number {
    const isNumber = (kind === 'whole' ? /^\d{1,15}$/ : /^\d{1,15}(\.\d{1,9})?$/).test(this.text(name));
    const value = isNumber ? Number(this.text(name)) : Number.NaN;
    this.expect(
      value >= min && value <= max,
      name,
      `a ${kind === 'whole' ? 'whole ' : ''}number from ${min} to ${max}`,
    );
    return value;
  }

  /** @returns milliseconds */
  time(name: string, [min, max]: Range): number {
    const [, digits, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|min|h|)$/.exec(this.text(name)) ?? [];
    const value = Number(digits) * (UNITS[unit] ?? Number.NaN);
    const allowed = `a time such as 500ms, 30s, 2m, 1h; ${min / 1000} to ${max / 1000} s`;
    this.expect(value >= min && value <= max, name, allowed);
    return value;
  }

  /** @param names those allowed; any if left out */
  shares(name: string, example: string, names?: readonly string[]): Share[] {
    const shares = parseShares(this.text(name));
    const isKnown = shares?.every((share) => names === undefined || names.includes(share.name)) ?? false;
    this.expect(isKnown, name, `names with their shares, such as ${example}${names ? `, of ${names.join(', ')}` : ''}`);
    return shares ?? [];
  }

  expect(isAllowed: boolean, name: string, allowed: string): void {
    if (isAllowed) return;
    const value = name === 'key' ? 'its value' : JSON.stringify(this.text(name));
    this.refuse(
      `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: ${value} is not allowed; allowed: ${allowed}`,
    );
  }

  refuse(problem: string): void {
    this.#problems.push(problem);
  }

  /** @throws UsageError that names every problem */
  end(): void {
    if (this.#problems.length > 0) throw new UsageError(this.#problems.join('\n'));
  }
}

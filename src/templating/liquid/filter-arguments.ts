import { toValue } from 'liquidjs';
import { Mistake, suggestion } from './template-failure.ts';

/** What stands behind the colon of a filter: `money: "EUR", digits: 0`. */
export class FilterArguments {
  readonly #filter: string;
  readonly #positional: unknown[];
  readonly #named: Map<string, unknown>;

  /**
   * @param known names that the filter knows; any, if it is left out
   * @param most arguments without a name
   * @throws Mistake for another one
   */
  constructor(
    filter: string,
    given: readonly unknown[],
    { known, most = 0 }: { known?: readonly string[]; most?: number },
  ) {
    this.#filter = filter;
    this.#positional = given.filter((argument) => !isNamed(argument)).map((argument) => toValue(argument) as unknown);
    this.#named = new Map(given.filter(isNamed).map(([name, value]) => [name, toValue(value) as unknown]));
    if (this.#positional.length > most)
      throw new Mistake(`${filter}: takes ${most === 0 ? 'no value' : `at most ${most}`} without a name`);
    for (const name of this.#named.keys()) {
      if (known && !known.includes(name))
        throw new Mistake(
          `${filter}: has no ${name}${suggestion(name, known) || `; it has ${known.join(', ') || 'none'}`}`,
        );
    }
  }

  get named(): ReadonlyMap<string, unknown> {
    return this.#named;
  }

  /** The first without a name, or the one with this name. */
  get(name: string): unknown {
    return this.#named.get(name) ?? (this.#named.has(name) ? null : undefined);
  }

  first(): unknown {
    return this.#positional[0];
  }

  text(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === 'string') return value;
    throw new Mistake(`${this.#filter}: ${name} must be text`);
  }

  choice<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    return oneOf(`${this.#filter}: ${name}`, this.get(name), allowed);
  }

  integer(name: string, [least, most]: [number, number]): number | undefined {
    return integerWithin(`${this.#filter}: ${name}`, this.get(name), [least, most]);
  }
}

/** @throws Mistake */
export function oneOf<T extends string>(what: string, value: unknown, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new Mistake(`${what} must be one of ${allowed.join(', ')}`);
  return found;
}

/** @throws Mistake */
export function integerWithin(what: string, value: unknown, [least, most]: [number, number]): number | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > most)
    throw new Mistake(`${what} must be a whole number from ${least} to ${most}`);
  return number;
}

const isNamed = (argument: unknown): argument is [string, unknown] =>
  Array.isArray(argument) && argument.length === 2 && typeof argument[0] === 'string';

import { toValue } from 'liquidjs';
import type { ComposeContext, Surroundings } from './compose-context.ts';
import { FilterArguments } from './filter-arguments.ts';

/** A filter of ours, without LiquidJS's ways. */
export interface OwnFilter {
  /** arguments that need no name, at most; none by default */
  most?: number;
  /** the names of the others; any, if it is left out */
  known?: readonly string[];
  /** whether the result is HTML */
  raw?: boolean;
  /** @throws Mistake */
  apply: (value: unknown, given: FilterArguments, surroundings: Surroundings, context: ComposeContext) => unknown;
}

/** As LiquidJS registers it. */
export function toLiquidFilter(name: string, { most = 0, known, raw = false, apply }: OwnFilter) {
  return {
    raw,
    handler(this: { context: unknown }, value: unknown, ...given: unknown[]): unknown {
      const context = this.context as ComposeContext;
      const options = known === undefined ? { most } : { most, known };
      return apply(toValue(value), new FilterArguments(name, given, options), context.surroundings, context);
    },
  };
}

import type { FilterImplOptions, Liquid } from 'liquidjs';
import { codeFilters } from './code-filters.ts';
import { dateFilters } from './date-filters.ts';
import { toLiquidFilter } from './filter.ts';
import { numberFilters } from './number-filters.ts';
import { textFilters } from './text-filters.ts';

/** Of LiquidJS: what says the same in another way, is different each time, or shows what is not there. */
const LEFT_OUT = ['inspect', 'jsonify', 'sample', 'date_to_xmlschema', 'date_to_rfc822', 'date_to_string', 'date_to_long_string', 'xml_escape', 'array_to_sentence_string']; // prettier-ignore

export function registerFilters(liquid: Liquid): void {
  for (const name of LEFT_OUT) liquid.unregisterFilter(name);
  for (const [name, filter] of Object.entries({ ...numberFilters, ...dateFilters, ...textFilters, ...codeFilters }))
    liquid.registerFilter(name, toLiquidFilter(name, filter) as FilterImplOptions);
}

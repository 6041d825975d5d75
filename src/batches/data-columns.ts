import { pathText } from '../domain/field-path.ts';
import { invalidFields } from '../kernel/errors.ts';
import type { SentRow } from './sent-row.ts';

/** Columns that are named. */
const NAMED = 10;
/** Characters of a name. */
const LONGEST = 60;

/**
 * For rows of a request without a template: columns of data are nobody's, in every row.
 * @throws CodedError that names them
 */
export function refuseDataColumns(rows: readonly SentRow[]): void {
  const columns = new Set<string>();
  for (const { item, isText } of rows) {
    const { data } = (item ?? {}) as { data?: unknown };
    if (isText && data !== undefined) addNames(columns, data, []);
  }
  if (columns.size === 0) return;
  const named = [...columns].slice(0, NAMED).map((name) => name.slice(0, LONGEST));
  const more = columns.size > NAMED ? ` and ${columns.size - NAMED} more` : '';
  throw invalidFields([
    {
      field: 'request.template',
      message: `required, as the CSV has columns of data: ${named.join(', ')}${more}; those of an item itself begin with $: $html, $filename`,
    },
  ]);
}

function addNames(names: Set<string>, value: unknown, path: readonly string[]): void {
  if (typeof value !== 'object' || value === null) return void names.add(pathText(path));
  for (const [name, inner] of Object.entries(value)) addNames(names, inner, [...path, name]);
}

import type { FieldProblem } from '../kernel/errors.ts';

/** Characters of a file name, at most, as `domain/pdf-request.ts` allows them. */
const MAX_LENGTH = 200;
const PLACEHOLDERS = /\{(row|data(?:\.[^{}.]{1,100}){1,32})\}/g;

/** What is in braces in a pattern and would stay as it is, in the name of every item; undefined: nothing. */
export function patternProblem(pattern: string): string | undefined {
  const [unknown] = /\{[^{}]*\}/.exec(pattern.replaceAll(PLACEHOLDERS, '')) ?? [];
  if (unknown === undefined) return undefined;
  const isField = /^\{[^{}.]/.test(unknown) && !/^\{data\b/.test(unknown);
  const meant = isField ? `; did you mean {data.${unknown.slice(1)}?` : '';
  return `${unknown} stands for nothing; allowed: {row}, {data.NAME}${meant}`;
}

/**
 * The file name of an item.
 * @param pattern `{row}` and `{data.customer.name}` are replaced; what a file name may not have becomes `_`
 * @returns what is wrong if the data have no such value
 */
export function itemFilename(pattern: string, { row, data }: { row: number; data: unknown }): string | FieldProblem {
  let missing: string | undefined;
  const name = pattern.replaceAll(PLACEHOLDERS, (_, path: string) => {
    if (path === 'row') return String(row);
    const [, ...names] = path.split('.');
    let at = data;
    for (const each of names)
      at = typeof at === 'object' && at !== null && Object.hasOwn(at, each) ? (at as Record<string, unknown>)[each] : undefined; // prettier-ignore
    if (typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean') return String(at);
    missing ??= path;
    return '';
  });
  if (missing !== undefined)
    return { field: missing, message: 'required: text or a number, for the file name that request.filename asks for' };
  const made = cut(name.replaceAll(/[/\\\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '_'));
  if (made.trim() === '')
    return { field: 'filename', message: 'it would be empty; request.filename asks for what is empty here' };
  return made;
}

/** With what comes after the last dot, if that is short. */
function cut(name: string): string {
  if (name.length <= MAX_LENGTH) return name;
  const [ending = ''] = /\.[A-Za-z0-9]{1,8}$/.exec(name) ?? [];
  return name.slice(0, MAX_LENGTH - ending.length).replace(/[\uD800-\uDBFF]$/, '') + ending;
}

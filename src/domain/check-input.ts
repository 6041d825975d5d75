import type { z } from 'zod';
import { type FieldProblem, invalidFields } from '../kernel/errors.ts';

/** How deep JSON may be nested. */
const MAX_DEPTH = 32;
/** Values in a body, at every level together. */
const MAX_VALUES = 20_000;

/** What came from outside, checked. @throws CodedError `invalid_request` that names every wrong field */
export function checkInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const text = textProblem(input);
  if (text) throw invalidFields([text]);
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw invalidFields(fieldProblems(parsed.error));
  return parsed.data;
}

/** The problems zod found, one line per field. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ field: pathText([...issue.path, key]), message: 'unknown field' }));
    }
    return [{ field: pathText(issue.path), message: issue.message }];
  });
}

/**
 * The first string that Postgres cannot store or UTF-8 cannot carry, or the first place nested too
 * deep. A loop, not a recursion: the input is hostile.
 */
export function textProblem(json: unknown): FieldProblem | undefined {
  const open: { value: unknown; path: PropertyKey[] }[] = [{ value: json, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    const problem =
      path.length > MAX_DEPTH
        ? `allowed: at most ${MAX_DEPTH} levels of nesting`
        : (badText(value) ?? badText(path.at(-1)));
    if (problem) return { field: pathText(path.slice(0, MAX_DEPTH)), message: problem };
    if (typeof value === 'object' && value !== null) {
      if (open.length + Object.keys(value).length > MAX_VALUES)
        return { field: pathText(path), message: `allowed: at most ${MAX_VALUES} values` };
      for (const [key, child] of Object.entries(value))
        open.push({ value: child, path: [...path, Array.isArray(value) ? Number(key) : key] });
    }
  }
  return undefined;
}

function badText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (value === '__proto__') return 'allowed: any other name';
  if (value.includes('\0')) return 'allowed: text without NUL characters';
  if (!value.isWellFormed()) return 'allowed: well-formed Unicode, without lone surrogates';
  return undefined;
}

function pathText(path: PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else
      text +=
        (text === '' ? '' : '.') +
        String(part)
          .replaceAll(/[^\p{L}\p{N}_-]/gu, '?')
          .slice(0, 100);
  }
  return text === '' ? '(body)' : text;
}

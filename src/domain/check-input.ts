import type { z } from 'zod';
import { type FieldProblem, invalidFields } from '../kernel/errors.ts';

/** How deep JSON may be nested. */
export const MAX_DEPTH = 32;
/** Values in a body, at every level together. */
export const MAX_VALUES = 20_000;

/** What came from outside, checked. @throws CodedError `invalid_request` that names every wrong field */
export function checkInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const text = textProblem(input);
  if (text) throw invalidFields([text]);
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw invalidFields(fieldProblems(parsed.error));
  return parsed.data;
}

/** Problems that a caller is told of: a body may have thousands. */
const MAX_PROBLEMS = 50;

/** The problems zod found, one line per field; the first of them, if there are many. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys.slice(0, MAX_PROBLEMS))
        problems.push({ field: pathText([...issue.path, key]), message: 'unknown field' });
    else problems.push({ field: pathText(issue.path), message: issue.message });
    if (problems.length >= MAX_PROBLEMS) break;
  }
  return problems.slice(0, MAX_PROBLEMS);
}

export const TOO_DEEP = `allowed: at most ${MAX_DEPTH} levels of nesting`;
export const TOO_MANY = `allowed: at most ${MAX_VALUES} values`;

/**
 * The first string that Postgres cannot store or UTF-8 cannot carry, or the first place nested too deep or
 * with too many values. The input is hostile: what is counted is counted before it is walked.
 */
export function textProblem(json: unknown): FieldProblem | undefined {
  const path: PropertyKey[] = [];
  let values = 1;
  /** Leaves `path` at the place of the problem. */
  const problemOf = (value: unknown): string | undefined => {
    if (path.length > MAX_DEPTH) return TOO_DEEP;
    const problem = badText(path.at(-1)) ?? badText(value);
    if (problem !== undefined || typeof value !== 'object' || value === null) return problem;
    const keys = Array.isArray(value) ? undefined : Object.keys(value);
    values += keys?.length ?? (value as unknown[]).length;
    if (values > MAX_VALUES) return TOO_MANY;
    for (const key of keys ?? (value as unknown[]).keys()) {
      path.push(key);
      const within = problemOf((value as Record<PropertyKey, unknown>)[key]);
      if (within !== undefined) return within;
      path.pop();
    }
    return undefined;
  };
  const message = problemOf(json);
  return message === undefined ? undefined : { field: pathText(path.slice(0, MAX_DEPTH)), message };
}

function badText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (value === '__proto__') return 'allowed: any other name';
  if (value.includes('\0')) return 'allowed: text without NUL characters';
  if (!value.isWellFormed()) return 'allowed: well-formed Unicode, without lone surrogates';
  return undefined;
}

/** `cookies[2].name` */
export function pathText(path: PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else
      text +=
        (text === '' ? '' : '.') +
        String(part)
          .slice(0, 100)
          .replaceAll(/[^\p{L}\p{N}_-]/gu, '?');
  }
  return text === '' ? '(body)' : text;
}

import type { z } from 'zod';
import { type FieldProblem, invalidFields } from '../kernel/errors.ts';
import { namesAt, namesWithin, stepInto } from './schema-names.ts';
import { nearest } from '../kernel/nearest.ts';

/** How deep JSON may be nested. */
export const MAX_DEPTH = 32;
/** Values in a body, at every level together. */
export const MAX_VALUES = 20_000;

/** What came from outside, checked. @throws CodedError `invalid_request` that names every wrong field */
export function checkInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const text = textProblem(input);
  if (text) throw invalidFields([text]);
  const parsed = schema.safeParse(withoutNulls(schema, input));
  if (!parsed.success) throw invalidFields(fieldProblems(parsed.error, schema));
  return parsed.data;
}

/**
 * The same without the members that are null, but for those that may be: in typed clients null says "not set".
 * @param input of bounded depth
 */
export function withoutNulls(schema: z.ZodType | undefined, input: unknown): unknown {
  if (typeof input !== 'object' || input === null) return input;
  const isArray = Array.isArray(input);
  const members: [string, unknown][] = [];
  let isAsItWas = true;
  for (const [name, value] of Object.entries(input)) {
    const within = stepInto(schema, name);
    if (value === null && !isArray && !within?.safeParse(null).success) isAsItWas = false;
    else {
      const kept = withoutNulls(within, value);
      members.push([name, kept]);
      isAsItWas &&= kept === value;
    }
  }
  if (isAsItWas) return input; // it may be large
  return isArray ? members.map(([, value]) => value) : Object.fromEntries(members);
}

/** Problems that a caller is told of: a body may have thousands. */
const MAX_PROBLEMS = 50;
/** Characters of a name that may be meant as a part of another. */
const MIN_PART = 5;

/** The problems zod found with what was checked against `schema`, one line per field; the first of them, if there are many. */
export function fieldProblems(error: z.ZodError, schema: z.ZodType): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys')
      for (const [index, key] of issue.keys.slice(0, MAX_PROBLEMS).entries()) {
        const meant = meantName(schema, issue.path, key);
        const allowed = () => (index === 0 ? `; allowed: ${namesAt(schema, issue.path).join(', ')}` : ''); // said once
        const hint = meant === undefined ? allowed() : `; did you mean ${meant}?`;
        problems.push({ field: pathText([...issue.path, key]), message: `unknown field${hint}` });
      }
    else {
      // Of a name that is wrong zod says no more than that; what is wrong with it lies beneath.
      const { message } = (issue.code === 'invalid_key' && issue.issues[0]) || issue;
      problems.push({ field: pathText(issue.path), message });
    }
    if (problems.length >= MAX_PROBLEMS) break;
  }
  return problems.slice(0, MAX_PROBLEMS);
}

/** What was probably meant: a name like it at the same place or anywhere else, or a longer one with it inside. */
function meantName(schema: z.ZodType, at: PropertyKey[], key: string): string | undefined {
  const here = namesAt(schema, at);
  const paths = namesWithin(schema);
  const last = (name: string) => name.slice(name.lastIndexOf('.') + 1);
  const elsewhere = nearest(key, paths.map(last));
  const contains = (path: string) => {
    const name = last(path);
    if (key.length < MIN_PART || key.length > name.length) return false; // it may be of megabytes
    return name.toLowerCase().includes(key.toLowerCase());
  };
  return (
    nearest(key, here) ??
    (elsewhere === undefined ? undefined : paths.find((name) => last(name) === elsewhere)) ??
    here.find(contains) ??
    paths.find(contains)
  );
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

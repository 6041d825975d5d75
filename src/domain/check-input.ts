import { z } from 'zod';
import { type FieldProblem, invalidFields } from '../kernel/errors.ts';
import { pathText } from './field-path.ts';
import { foreignName, MOVING_PAGE } from './foreign-names.ts';
import { problemWords } from './problem-words.ts';
import { allowsAnything, namesAt, namesWithin, stepInto } from './schema-names.ts';
import { nearest } from '../kernel/nearest.ts';

/** How deep JSON may be nested. */
export const MAX_DEPTH = 32;
/** Values in a body, at every level together. */
export const MAX_VALUES = 20_000;
/** The same in what a template prints. */
export const MAX_DATA_VALUES = 250_000;

/**
 * A string for which `problemOf` returns undefined; it is not called for a longer one.
 * @param noText said of what is no string, or too long a one
 */
export function checkedText(problemOf: (text: string) => string | undefined, maxLength?: number, noText?: string) {
  const string = z.string(noText);
  const text = maxLength === undefined ? string : string.max(maxLength, { abort: true });
  return text.superRefine((value, context) => {
    const message = problemOf(value);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

// oxlint-disable-next-line no-control-regex -- it excludes control characters
export const PRINTABLE = /^[^\u0000-\u001f\u007f]*$/;
export const NOT_PRINTABLE = 'allowed: no control characters';

/** A string without control characters. */
export const printable = (maxLength: number) =>
  checkedText((text) => (PRINTABLE.test(text) ? undefined : NOT_PRINTABLE), maxLength);

/** Validates input from outside. @throws CodedError `invalid_request` that names every wrong field */
export function checkInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const text = bodyProblem(input);
  if (text) throw invalidFields([text]);
  const parsed = parseFields(schema, withoutNulls(schema, input));
  if (!parsed.ok) throw invalidFields(parsed.fields);
  return parsed.data;
}

/** What a schema makes of a value, or what is wrong with its fields. */
export function parseFields<T extends z.ZodType>(
  schema: T,
  input: unknown,
): { ok: true; data: z.output<T> } | { ok: false; fields: FieldProblem[] } {
  const parsed = schema.safeParse(input, { error: problemWords });
  return parsed.success ? { ok: true, data: parsed.data } : { ok: false, fields: fieldProblems(parsed.error, schema) };
}

/**
 * Removes members that are null where the schema does not allow null: typed clients send null for "not set".
 * @param input of bounded depth
 * @returns the input itself, which may be large, if there is nothing to remove
 */
export function withoutNulls(schema: z.ZodType | undefined, input: unknown): unknown {
  if (typeof input !== 'object' || input === null || allowsAnything(schema)) return input;
  if (Array.isArray(input)) {
    const items = input.map((item, index) => withoutNulls(stepInto(schema, index), item));
    return items.some((item, index) => item !== input[index]) ? items : input;
  }
  let isChanged = false;
  const members = Object.entries(input).flatMap(([name, value]) => {
    const member = stepInto(schema, name);
    const isKept = value !== null || (!allowsAnything(member) && member?.safeParse(null).success);
    const kept = withoutNulls(member, value);
    isChanged ||= !isKept || kept !== value;
    return isKept ? [[name, kept]] : [];
  });
  return isChanged ? Object.fromEntries(members) : input;
}

/** Problems that are reported at most: a body may have thousands. */
const MAX_PROBLEMS = 50;
/** Characters that an unknown name must have to be matched with a part of a known one. */
const MIN_PART = 5;

/** The problems that zod found, one per field, at most {@link MAX_PROBLEMS}. @param schema the one that was used */
function fieldProblems(error: z.ZodError, schema: z.ZodType): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const issue of error.issues.flatMap(ofTheMeant)) {
    if (issue.code === 'unrecognized_keys')
      for (const [index, key] of issue.keys.slice(0, MAX_PROBLEMS).entries()) {
        const allowed = () => (index === 0 ? `; allowed: ${namesAt(schema, issue.path).join(', ')}` : ''); // in the first message only
        const hint = meantHint(schema, issue.path, key) ?? allowed();
        problems.push({ field: pathText([...issue.path, key]), message: `unknown field${hint}` });
      }
    else {
      // For an invalid name the outer message says only that; the inner one says why.
      const { message } = (issue.code === 'invalid_key' && issue.issues[0]) || issue;
      const field = pathText(issue.path);
      // A whole number that is too large for every one is too large for its field as well.
      if (!problems.some((each) => each.field === field && each.message === message)) problems.push({ field, message });
    }
    if (problems.length >= MAX_PROBLEMS) break;
  }
  return problems.slice(0, MAX_PROBLEMS);
}

type Issue = z.core.$ZodIssue;

/** Of a value that fits none of several schemas: what is wrong for the one that was meant, if it is clear which. */
function ofTheMeant(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const possible = issue.errors.filter((issues) => !issues.some(isOfAnotherType));
  const unknown = possible.map((issues) => issues.flatMap(unknownKeys));
  const keys = (unknown[0] ?? []).filter((key) => unknown.every((each) => each.includes(key)));
  const known = possible.filter((_, index) => unknown[index]?.length === 0);
  const [meant] = possible.length === 1 ? possible : known.length === 1 ? known : [];
  const unknownToAll: Issue = { code: 'unrecognized_keys', keys, path: [], message: 'unknown' };
  const found = meant ?? (keys.length > 0 ? [unknownToAll] : undefined);
  if (!found) return [issue];
  return found.flatMap(ofTheMeant).map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
}

const isOfAnotherType = ({ code, path }: Issue) =>
  path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
const unknownKeys = (issue: Issue) => (issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : []);

/** Characters of a name that other services may have. */
const MAX_FOREIGN = 60;

/** What an unknown field was probably meant to be. */
function meantHint(schema: z.ZodType, at: PropertyKey[], key: string): string | undefined {
  const path = [...at, key].filter((step) => typeof step === 'string');
  const isOurs = nearest(key, namesAt(schema, at), 0) !== undefined; // in other letters
  const foreign = isOurs || key.length > MAX_FOREIGN ? undefined : foreignName(path, namesWithin(schema));
  if (foreign !== undefined) return `; did you mean ${foreign}? ${MOVING_PAGE} has the names of other services`;
  const meant = meantName(schema, at, key);
  if (meant === undefined) return undefined;
  return meant === key && at.length > 0 ? '; it is one of the whole request' : `; did you mean ${meant}?`;
}

/** The name that was probably meant: a similar one or a longer one that contains it, at the same place before any other. */
function meantName(schema: z.ZodType, at: PropertyKey[], key: string): string | undefined {
  const here = namesAt(schema, at);
  const paths = namesWithin(schema);
  const last = (name: string) => name.slice(name.lastIndexOf('.') + 1);
  const elsewhere = nearest(key, paths.map(last));
  const contains = (path: string) => {
    const name = last(path);
    if (key.length < MIN_PART || key.length > name.length) return false; // the key may have megabytes
    return name.toLowerCase().includes(key.toLowerCase());
  };
  const longer = here.filter(contains).toSorted((a, b) => a.length - b.length);
  const beginsOrEnds = (name: string) => [name.slice(0, key.length), name.slice(-key.length)].some((end) => end.toLowerCase() === key.toLowerCase()); // prettier-ignore
  return (
    nearest(key, here) ??
    longer.find(beginsOrEnds) ??
    longer[0] ??
    (elsewhere === undefined ? undefined : paths.find((name) => last(name) === elsewhere)) ??
    paths.find(contains)
  );
}

export const TOO_DEEP = `allowed: at most ${MAX_DEPTH} levels of nesting`;
export const tooMany = (most: number) => `allowed: at most ${most} values`;

/**
 * Finds the first string that Postgres or UTF-8 cannot represent, the first place that is nested too deep, or the
 * place where there are too many values. Values are counted before they are visited, because input may be hostile.
 */
export function textProblem(json: unknown, maxValues = MAX_VALUES): FieldProblem | undefined {
  const path: PropertyKey[] = [];
  let values = 1;
  /** If there is a problem, `path` stays at its place. */
  const problemOf = (value: unknown): string | undefined => {
    if (path.length > MAX_DEPTH) return TOO_DEEP;
    const problem = badText(path.at(-1)) ?? badText(value);
    if (problem !== undefined || typeof value !== 'object' || value === null) return problem;
    const keys = Array.isArray(value) ? undefined : Object.keys(value);
    values += keys?.length ?? (value as unknown[]).length;
    if (values > maxValues) return tooMany(maxValues);
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

/** The same for a whole body, in which `data` may have more values than the rest. */
export function bodyProblem(json: unknown): FieldProblem | undefined {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  if (!isObject || !('data' in json)) return textProblem(json);
  const { data, ...rest } = json;
  return textProblem(rest) ?? textProblem({ data }, MAX_DATA_VALUES);
}

function badText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (value === '__proto__') return 'allowed: any other name';
  if (value.includes('\0')) return 'allowed: text without NUL characters';
  if (!value.isWellFormed()) return 'allowed: well-formed Unicode, without lone surrogates';
  return undefined;
}

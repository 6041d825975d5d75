import type { OutputUnit, Schema } from '@cfworker/json-schema';
import type { FieldProblem } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';

/** Problems that are named. */
const MAX_PROBLEMS = 5;
/** Characters of each. */
const MAX_FIELD = 300;
const MAX_MESSAGE = 300;
/** Names that are compared, and that are listed as allowed. */
const MAX_COMPARED = 200;
const MAX_LISTED = 10;
/** Keywords whose error only says that there is one further inside. */
const OUTER = new Set('properties patternProperties additionalProperties unevaluatedProperties items prefixItems additionalItems allOf $ref $recursiveRef if dependentSchemas'.split(' ')); // prettier-ignore
/** Those that refuse what no other keyword names. */
const REST = new Set(['additionalProperties', 'unevaluatedProperties']);
/** Those whose error is that a field is not there: it names that last, in quotes, after this. */
const MISSING: Record<string, string> = {
  required: 'required property "',
  dependentRequired: '" but does not have "',
  dependencies: '" but does not have "',
};

/** Limits whose errors would quote the data. */
const LIMITS: Record<string, string> = {
  minimum: 'at least',
  maximum: 'at most',
  exclusiveMinimum: 'more than',
  exclusiveMaximum: 'less than',
  multipleOf: 'a multiple of',
};

type Path = readonly string[];

/** What the validator looked at. */
interface Checked {
  schema: Schema | boolean;
  data: unknown;
}

/**
 * What is wrong with data, field by field: `data.items[3].price`, `must be number`. Names of the data are quoted, but
 * no values.
 * @param errors of the validator, at least one
 */
export function dataProblems(errors: readonly OutputUnit[], checked: Checked): FieldProblem[] {
  const problems = new Map<string, FieldProblem>();
  const hasInner = errors.some(({ keyword }) => !OUTER.has(keyword));
  let rest: OutputUnit | undefined; // what refused the fields of an object that have no schema
  for (const error of errors) {
    if (REST.has(error.keyword)) rest = error;
    if (hasInner && OUTER.has(error.keyword)) continue;
    const problem = problemOf(error, rest, checked);
    problems.set(`${problem.field}: ${problem.message}`, problem);
    if (problems.size === MAX_PROBLEMS) break;
  }
  return [...problems.values()];
}

function problemOf(error: OutputUnit, rest: OutputUnit | undefined, checked: Checked): FieldProblem {
  const { schema, data } = checked;
  const path = segments(error.instanceLocation);
  const { keyword, keywordLocation } = error;
  const missing = missingIn(error);
  if (missing !== undefined) return toProblem(data, [...path, missing], missingMessage(missing, path, keywordLocation, checked)); // prettier-ignore
  if (keyword === 'false') return toProblem(data, path, refusedMessage(path, rest, checked));
  const expected = schemaAt(schema, segments(keywordLocation));
  const limit = Object.hasOwn(LIMITS, keyword) ? LIMITS[keyword] : undefined;
  if (limit !== undefined) return toProblem(data, path, `must be ${limit} ${typeof expected === 'number' ? expected : 'its limit'}`); // prettier-ignore
  if (keyword === 'type' && expected !== undefined) return toProblem(data, path, `must be ${[expected].flat().map(String).join(' or ')}`); // prettier-ignore
  return toProblem(data, path, error.error.replace(/^Instance /, '').replace(/\.$/, ''));
}

const toProblem = (data: unknown, path: Path, message: string): FieldProblem => ({
  field: fieldOf(data, path),
  message: message.slice(0, MAX_MESSAGE),
});

/** The name of the field that is not there, if that is what is wrong. */
function missingIn({ keyword, error }: OutputUnit): string | undefined {
  const before = Object.hasOwn(MISSING, keyword) ? (MISSING[keyword] ?? '') : undefined;
  const at = before === undefined ? -1 : error.lastIndexOf(before);
  return before === undefined || at === -1 ? undefined : error.slice(at + before.length, -2);
}

/** Of a field that is not there: it may be there by another name. */
function missingMessage(name: string, path: Path, keywordLocation: string, { schema, data }: Checked): string {
  const named = namesOf(schema, keywordLocation);
  const others = named ? keysOf(valueAt(data, path)).filter((key) => !named.has(key)) : [];
  const near = nearest(name, others.slice(0, MAX_COMPARED));
  return near === undefined ? 'is required' : `is required; there is "${near}"`;
}

/** Of a field that may not be there. */
function refusedMessage(path: Path, rest: OutputUnit | undefined, { schema, data }: Checked): string {
  const name = path.at(-1);
  const above = path.slice(0, -1);
  const isOfRest = rest && JSON.stringify(segments(rest.instanceLocation)) === JSON.stringify(above);
  const named = isOfRest ? namesOf(schema, rest.keywordLocation) : undefined;
  if (name === undefined || !named || named.size === 0) return 'is not allowed';
  const there = new Set(keysOf(valueAt(data, above)));
  const near = nearest(name, [...named].filter((each) => !there.has(each)).slice(0, MAX_COMPARED)); // prettier-ignore
  if (near !== undefined) return `is not allowed; did you mean "${near}"?`;
  const listed = [...named].slice(0, MAX_LISTED).join(', ');
  return `is not allowed; allowed: ${listed}${named.size > MAX_LISTED ? ', …' : ''}`;
}

/** The fields that a schema names, of which a keyword is known; undefined if it is not known. */
function namesOf(schema: unknown, keywordLocation: string): Set<string> | undefined {
  const found = schemaAt(schema, segments(keywordLocation).slice(0, -1));
  if (!isObject(found)) return undefined;
  return new Set([...keysOf(found['properties']), ...(Array.isArray(found['required']) ? found['required'].map(String) : [])]); // prettier-ignore
}

/** What a path names in the schema, through references within it; undefined if it is not known. */
function schemaAt(schema: unknown, path: Path): unknown {
  let found = schema;
  for (const name of path) {
    const value = valueAt(found, [name]);
    if (name !== '$ref') found = value;
    else if (typeof value === 'string' && value.startsWith('#')) found = valueAt(schema, segments(value));
    else return undefined;
  }
  return found;
}

function valueAt(json: unknown, path: Path): unknown {
  let found = json;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** `data.items[3]["unit price"]` */
function fieldOf(data: unknown, path: Path): string {
  let at = data;
  let field = 'data';
  for (const name of path) {
    if (Array.isArray(at)) field += `[${name}]`;
    else field += /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name.slice(0, 100))}]`;
    at = valueAt(at, [name]);
  }
  return field.slice(0, MAX_FIELD);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const keysOf = (value: unknown) => (isObject(value) ? Object.keys(value) : []);

/** Of a JSON pointer as the validator writes it. */
const segments = (pointer: string) =>
  pointer
    .split('/')
    .slice(1)
    .map((name) => decode(name).replaceAll('~1', '/').replaceAll('~0', '~'));

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

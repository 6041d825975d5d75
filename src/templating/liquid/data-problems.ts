import type { OutputUnit, Schema } from '@cfworker/json-schema';
import { pathText } from '../../domain/field-path.ts';
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

const COUNTS: Record<string, [limit: string, of: string]> = {
  minLength: ['at least', 'character'],
  maxLength: ['at most', 'character'],
  minItems: ['at least', 'item'],
  maxItems: ['at most', 'item'],
  minProperties: ['at least', 'field'],
  maxProperties: ['at most', 'field'],
};

/** What the validator knows. */
const FORMATS: Record<string, string> = {
  date: 'a date such as 2026-11-27',
  time: 'a time with Z or an offset, such as 08:00:00Z',
  'date-time': 'a date and time with Z or an offset, such as 2026-11-27T08:00:00Z',
  duration: 'a duration such as P1DT12H',
  uri: 'a URI such as https://example.com/a',
  'uri-reference': 'a URI or a part of one, such as /a?b=c',
  'uri-template': 'a URI template such as https://example.com/{id}',
  url: 'a URL such as https://example.com/a',
  email: 'an email address such as ann@example.com',
  hostname: 'a host name such as www.example.com',
  ipv4: 'an IPv4 address such as 192.0.2.1',
  ipv6: 'an IPv6 address such as 2001:db8::1',
  regex: 'a regular expression such as ^[a-z]+$',
  uuid: 'a UUID such as 0197b1c2-7a1e-7c3d-9d55-3f0e8a6b4c21',
  'json-pointer': 'a JSON pointer such as /items/0',
  'json-pointer-uri-fragment': 'a JSON pointer such as #/items/0',
  'relative-json-pointer': 'a relative JSON pointer such as 1/total',
};

type Path = readonly string[];

/** What the validator looked at. */
interface Checked {
  schema: Schema | boolean;
  data: unknown;
}

interface DataProblem extends FieldProblem {
  /** the field that is there instead of one that is not */
  instead?: string | undefined;
}

/**
 * What is wrong with data, field by field: `data.items[3].price`, `must be number`. Names of the data are quoted, but
 * no values.
 * @param errors of the validator, at least one
 */
export function dataProblems(errors: readonly OutputUnit[], checked: Checked): FieldProblem[] {
  const problems = new Map<string, FieldProblem>();
  const misnamed = new Set<string>();
  const hasInner = errors.some(({ keyword }) => !OUTER.has(keyword));
  let rest: OutputUnit | undefined; // what refused the fields of an object that have no schema
  for (const error of errors) {
    if (REST.has(error.keyword)) rest = error;
    if (hasInner && OUTER.has(error.keyword)) continue;
    const { instead, ...problem } = problemOf(error, rest, checked);
    const { field, message } = problem;
    if (instead !== undefined) {
      // That a field has a wrong name is said once.
      misnamed.add(instead);
      problems.delete(instead);
    }
    const isRefused = error.keyword === 'false';
    if (isRefused && misnamed.has(field)) continue;
    problems.set(isRefused ? field : `${field}: ${message}`, problem);
    if (problems.size === MAX_PROBLEMS) break;
  }
  return [...problems.values()];
}

function problemOf(error: OutputUnit, rest: OutputUnit | undefined, checked: Checked): DataProblem {
  const { schema, data } = checked;
  const path = segments(error.instanceLocation);
  const { keyword, keywordLocation } = error;
  const missing = missingIn(error);
  if (missing !== undefined) {
    const near = missingAs(missing, path, keywordLocation, checked);
    if (near === undefined) return toProblem(data, [...path, missing], 'is required');
    const problem = toProblem(data, [...path, missing], `is required; there is "${near}"`);
    return { ...problem, instead: fieldOf(data, [...path, near]) };
  }
  if (keyword === 'false') return toProblem(data, path, refusedMessage(path, rest, checked));
  const expected = schemaAt(schema, segments(keywordLocation));
  const limit = Object.hasOwn(LIMITS, keyword) ? LIMITS[keyword] : undefined;
  if (limit !== undefined) return toProblem(data, path, `must be ${limit} ${typeof expected === 'number' ? expected : 'its limit'}`); // prettier-ignore
  const [most, of] = (Object.hasOwn(COUNTS, keyword) && COUNTS[keyword]) || [];
  if (most !== undefined && typeof expected === 'number') return toProblem(data, path, `must have ${most} ${expected} ${of}${expected === 1 ? '' : 's'}`); // prettier-ignore
  const format =
    keyword === 'format' && Object.hasOwn(FORMATS, String(expected)) ? FORMATS[String(expected)] : undefined;
  if (format !== undefined) return toProblem(data, path, `must be ${format}`);
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

/** The other name by which a field that is not there may be there. */
function missingAs(name: string, path: Path, keywordLocation: string, { schema, data }: Checked): string | undefined {
  const named = namesOf(schema, keywordLocation);
  const others = named ? keysOf(valueAt(data, path)).filter((key) => !named.has(key)) : [];
  return nearest(name, others.slice(0, MAX_COMPARED));
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
  const steps = path.map((name, at) => (Array.isArray(valueAt(data, path.slice(0, at))) ? Number(name) : name));
  return pathText(['data', ...steps]).slice(0, MAX_FIELD);
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

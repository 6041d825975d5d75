import { z } from 'zod';
import { nearest } from '../kernel/nearest.ts';

type Raw = z.core.$ZodRawIssue;

/**
 * What is said of a value that does not fit its schema, unless the schema has words of its own: what is allowed there.
 * It is given to the parser as its error map.
 */
export function problemWords(issue: Raw): string {
  const start = issue.input === undefined ? 'required' : 'allowed';
  return `${start}: ${allowed(issue)}`;
}

function allowed(issue: Raw): string {
  if (issue.code === 'invalid_type') return typeWords(issue.expected, issue.schema);
  if (issue.code === 'invalid_value') return choiceWords(issue.values.map(String), issue.input);
  if (issue.code === 'too_small' || issue.code === 'too_big') return rangeWords(issue);
  if (issue.code === 'invalid_format') return FORMATS[issue.format] ?? 'text of another form';
  if (issue.code !== 'invalid_union') return 'another value';
  const ofEach = issue.errors.flatMap(([first]) => (first ? first.message.replace(START, '') : []));
  return [...new Set(ofEach)].join('; or ');
}

const START = /^(?:allowed|required): /;

const TYPES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const FORMATS: Record<string, string> = {
  uuid: 'a UUID such as 0197b1c2-7a1e-7c3d-9d55-3f0e8a6b4c21',
  date: 'a date such as 2026-11-27',
  datetime: 'a time such as 2026-11-27T12:00:00Z',
};

function typeWords(expected: string, schema: z.core.$ZodType | undefined): string {
  const type = TYPES[expected] ?? 'another value';
  if (expected !== 'number' && expected !== 'int') return type;
  const range = between(boundsOf(schema));
  return range === undefined ? type : `${type}, ${range}`;
}

function choiceWords(values: string[], input: unknown): string {
  const near = typeof input === 'string' ? nearest(input, values) : undefined;
  return `${values.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`;
}

interface Bounds {
  min?: number | undefined;
  max?: number | undefined;
}

const UNITS: Record<string, string> = { string: ' characters', array: ' items' };

function rangeWords({ origin, schema, code, ...issue }: Raw & { code: 'too_small' | 'too_big' }): string {
  const { min, max } = boundsOf(schema);
  const bounds = code === 'too_small' ? { min: min ?? Number(issue.minimum), max } : { min, max: max ?? Number(issue.maximum) }; // prettier-ignore
  const unit = UNITS[origin] ?? '';
  return `${between(bounds) ?? 'another value'}${unit}`;
}

/** Undefined without bounds; `0 to 1`, `1 or more`, `at most 5`. */
function between({ min, max }: Bounds): string | undefined {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `${min} or more`;
  return max === undefined ? undefined : `at most ${max}`;
}

/** Those of a number or of the length of a text. What every whole number has, is none. */
function boundsOf(schema: z.core.$ZodType | undefined): Bounds {
  const isBound = (value: number | null) => value !== null && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  const bound = (value: number | null) => (isBound(value) ? (value ?? undefined) : undefined);
  if (schema instanceof z.ZodNumber) return { min: bound(schema.minValue), max: bound(schema.maxValue) };
  if (schema instanceof z.ZodString) return { min: bound(schema.minLength), max: bound(schema.maxLength) };
  return {};
}

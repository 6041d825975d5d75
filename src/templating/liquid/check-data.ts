import { type OutputUnit, type Schema, type SchemaDraft, Validator } from '@cfworker/json-schema';
import { Mistake, TemplateFailure } from './template-failure.ts';

/** Errors that are named. */
const MAX_ERRORS = 5;
/** Characters of data in which every error is looked for; in more only the first one is. */
const MAX_WHOLE = 200_000;
/** Keywords whose error only says that there is one further inside. */
const OUTER = new Set('properties patternProperties additionalProperties items prefixItems additionalItems allOf $ref $recursiveRef if dependentSchemas'.split(' ')); // prettier-ignore

export type Check = (data: unknown, json: string) => void;

/**
 * A check of data by a JSON Schema (draft 2020-12, or what `$schema` says). It is interpreted: no code is made of it.
 * @returns throws TemplateFailure for data that does not fit
 * @throws Mistake if the schema is none
 */
export function dataCheck(text: string): Check {
  const schema = parse(text);
  return (data, json) => {
    const { valid, errors } = within(() => validatorOf(schema, json.length > MAX_WHOLE).validate(data));
    if (!valid) throw new TemplateFailure('data_invalid', shownErrors(errors, schema));
  };
}

/**
 * The same check for many rows of data.
 * @param rows JSON of each
 * @returns what is wrong with the rows that do not fit, by their index
 * @throws Mistake if the schema is none
 */
export function checkRows(text: string, rows: readonly string[]): [index: number, message: string][] {
  const schema = parse(text);
  const [first, every] = within(() => [validatorOf(schema, true), validatorOf(schema, false)]);
  return rows.flatMap((json, index): [number, string][] => {
    const data: unknown = JSON.parse(json);
    if (within(() => first.validate(data).valid)) return [];
    const { errors } = within(() => (json.length > MAX_WHOLE ? first : every).validate(data));
    return [[index, shownErrors(errors, schema)]];
  });
}

function shownErrors(errors: OutputUnit[], schema: Schema | boolean): string {
  const inner = errors.filter(({ keyword }) => !OUTER.has(keyword));
  const shown = (inner.length > 0 ? inner : errors).slice(0, MAX_ERRORS).map((error) => describe(error, schema));
  return [...new Set(shown)].join('; ').slice(0, 1_000);
}

function parse(text: string): Schema | boolean {
  try {
    const schema: unknown = JSON.parse(text);
    if (typeof schema === 'boolean' || (typeof schema === 'object' && schema !== null && !Array.isArray(schema)))
      return schema;
  } catch {
    throw new Mistake('schema.json is not JSON');
  }
  throw new Mistake('schema.json must be an object');
}

const validatorOf = (schema: Schema | boolean, isFirstOnly: boolean) =>
  new Validator(schema, draftOf(schema), isFirstOnly);

function within<T>(validate: () => T): T {
  try {
    return validate();
  } catch (error) {
    // It takes a schema for a good one, and stumbles over what is not.
    const problem =
      error instanceof RangeError ? 'is nested too deeply, or refers to itself without end' : 'is not a valid schema';
    throw new Mistake(
      `schema.json ${problem}${error instanceof Error && !(error instanceof RangeError) ? `: ${error.message.slice(0, 200)}` : ''}`,
    );
  }
}

/** The draft that a schema says it is of. */
function draftOf(schema: Schema | boolean): SchemaDraft {
  const name = typeof schema === 'object' ? String(schema.$schema) : '';
  if (/draft-0[67]/.test(name)) return '7';
  if (/draft-04/.test(name)) return '4';
  return name.includes('2019-09') ? '2019-09' : '2020-12';
}

/** `data.items[3].price: must be number, is string`. */
function describe({ instanceLocation, keyword, keywordLocation, error }: OutputUnit, schema: Schema | boolean): string {
  return `${pathOf(instanceLocation)}: ${problemOf(keyword, error, at(schema, keywordLocation))}`;
}

/** Limits whose errors would quote the data. */
const LIMITS: Record<string, string> = {
  minimum: 'at least',
  maximum: 'at most',
  exclusiveMinimum: 'more than',
  exclusiveMaximum: 'less than',
  multipleOf: 'a multiple of',
};

function problemOf(keyword: string, error: string, expected: unknown): string {
  const limit = Object.hasOwn(LIMITS, keyword) ? LIMITS[keyword] : undefined;
  if (limit !== undefined) return `must be ${limit} ${typeof expected === 'number' ? expected : 'its limit'}`;
  if (keyword === 'false') return 'is not allowed';
  if (keyword === 'type' && expected !== undefined) return `must be ${[expected].flat().map(String).join(' or ')}`;
  return error.replace(/^Instance /, '').replace(/\.$/, '');
}

/** What a JSON pointer names in the schema; undefined behind a reference. */
function at(schema: unknown, pointer: string): unknown {
  let found = schema;
  for (const name of segments(pointer)) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

function pathOf(pointer: string): string {
  const names = segments(pointer).map((name) => {
    if (/^\d+$/.test(name)) return `[${name}]`;
    return /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name.slice(0, 100))}]`;
  });
  return `data${names.join('')}`.slice(0, 300);
}

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

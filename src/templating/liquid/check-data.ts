import { type Schema, type SchemaDraft, Validator } from '@cfworker/json-schema';
import type { RowProblems } from '../compose-input.ts';
import { dataProblems } from './data-problems.ts';
import { Mistake, TemplateFailure } from './template-failure.ts';

/** Characters of data in which every error is looked for; in more only the first one is. */
const MAX_WHOLE = 200_000;

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
    if (!valid) throw TemplateFailure.ofData(dataProblems(errors, { schema, data }));
  };
}

/**
 * The same check for many rows of data.
 * @param rows JSON of each
 * @throws Mistake if the schema is none
 */
export function checkRows(text: string, rows: readonly string[]): RowProblems {
  const schema = parse(text);
  const [first, every] = within(() => [validatorOf(schema, true), validatorOf(schema, false)]);
  return rows.flatMap((json, index): RowProblems => {
    const data: unknown = JSON.parse(json);
    if (within(() => first.validate(data).valid)) return [];
    const { errors } = within(() => (json.length > MAX_WHOLE ? first : every).validate(data));
    return [[index, dataProblems(errors, { schema, data })]];
  });
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

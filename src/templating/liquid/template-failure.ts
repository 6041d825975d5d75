import { LiquidError } from 'liquidjs';
import type { FieldProblem } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';

/** What is reported to the caller: the template's mistake, or the data's. */
export class TemplateFailure extends Error {
  override name = 'TemplateFailure';
  readonly code: 'template_failed' | 'data_invalid';
  /** of the data */
  readonly fields: FieldProblem[] | undefined;

  constructor(code: TemplateFailure['code'], message: string, fields?: FieldProblem[]) {
    super(message);
    this.code = code;
    this.fields = fields;
  }

  static ofData(fields: FieldProblem[]): TemplateFailure {
    const text = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
    return new TemplateFailure('data_invalid', text.slice(0, 1_000), fields);
  }
}

/** A mistake in a template; its text says what is wrong, not where. Never quotes data. */
export class Mistake extends Error {
  override name = 'Mistake';
}

/** A name that is not in the data. LiquidJS knows it by its `name`: in a condition it is no mistake. */
export class UnknownName extends Mistake {
  override name = 'InternalUndefinedVariableError';
}

const MAX_TEXT = 300;

/** `; did you mean "total"?` if one of the names that there are is near. */
export function suggestion(name: string, known: Iterable<string>): string {
  const near = nearest(name, [...known].slice(0, 1_000));
  return near === undefined || near === name ? '' : `; did you mean "${near}"?`;
}

/** @param name of the template, `invoice@7` */
export function toFailure(
  error: unknown,
  name: string,
  code: TemplateFailure['code'] = 'template_failed',
): TemplateFailure {
  if (error instanceof TemplateFailure) return error;
  const text = textOf(error).replaceAll(/\s+/g, ' ').slice(0, MAX_TEXT);
  return new TemplateFailure(code, `${name}${placeOf(error)}: ${text}`);
}

/** LiquidJS does not know the file of some errors. */
const files = new WeakMap<LiquidError, string>();

/** Says in which file an error is, if it does not know that itself. The first one to say so is right. */
export function noteFile(error: unknown, file: string | undefined): void {
  if (LiquidError.is(error) && file !== undefined && !files.has(error)) files.set(error, file);
}

function placeOf(error: unknown): string {
  if (!LiquidError.is(error)) return '';
  const [line, column] = error.token.getPosition();
  return `, ${error.token.file ?? files.get(error) ?? 'the template'}, line ${line}, column ${column}`;
}

function textOf(error: unknown): string {
  let at = error;
  while (LiquidError.is(at) && at.originalError) at = at.originalError;
  if (at instanceof RangeError) return 'is nested too deeply, or makes something too large';
  if (!LiquidError.is(at)) return at instanceof Error ? at.message : 'failed';
  const [line, column] = at.token.getPosition();
  const place = `${at.token.file ? `, file:${at.token.file}` : ''}, line:${line}, col:${column}`; // as LiquidJS adds it
  return at.message.slice(0, -place.length);
}

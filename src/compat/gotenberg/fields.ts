import { CodedError } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';
import type { Refusal, SentForm } from '../conversion.ts';
import { parseBoolean, parseDuration, parseFloat64, parseInches, parseWhole } from './form-values.ts';

interface Bounds {
  min?: number;
  max?: number;
}

/** Problems of one form, at most: an answer lists them all. */
const MAX_REFUSALS = 50;

/**
 * Reads the fields of a form as Gotenberg does. An empty value is an absent one, and of a repeated field the first value
 * counts. What is wrong is collected, in the order in which the fields are read; {@link Fields.check} throws it.
 */
export class Fields {
  readonly #form: SentForm;
  readonly #refusals: Refusal[] = [];

  constructor(form: SentForm) {
    this.#form = form;
  }

  /** The field as it was sent; undefined: absent or empty. */
  text(name: string): string | undefined {
    return this.#form.fields.get(name)?.[0] || undefined;
  }

  /** All values of a repeated field, empty ones too. */
  list(name: string): readonly string[] {
    return this.#form.fields.get(name) ?? [];
  }

  boolean(name: string): boolean | undefined {
    return this.#read(name, parseBoolean, 'true or false');
  }

  whole(name: string, bounds: Bounds = {}): number | undefined {
    return this.#read(name, within(parseWhole, bounds), `a whole number${boundsText(bounds)}`);
  }

  number(name: string, bounds: Bounds = {}): number | undefined {
    return this.#read(name, within(parseFloat64, bounds), `a number${boundsText(bounds)}`);
  }

  /** Inches of a length. */
  inches(name: string, bounds: Bounds = {}): number | undefined {
    const allowed = `inches as a number, or a number with pt, px, in, mm, cm or pc${boundsText(bounds, ' inches')}`;
    return this.#read(name, within(parseInches, bounds), allowed);
  }

  /** Milliseconds of a duration. */
  milliseconds(name: string): number | undefined {
    return this.#read(name, within(parseDuration, { min: 0 }), 'a duration with a unit, such as 2.5s or 500ms');
  }

  choice<const T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = values.find((value) => value === text);
    const near = found === undefined ? nearest(text, values) : undefined;
    if (found === undefined)
      this.refuse(name, `allowed: ${values.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`);
    return found;
  }

  /** @param allowed what it may be; `read` gives undefined for anything else */
  json<T>(name: string, read: (json: unknown) => T | undefined, allowed: string): T | undefined {
    return this.#read(name, (text) => readJson(text, read), allowed);
  }

  /** Refuses a field that has no value. @returns whether it has one */
  require(name: string, what = 'a value'): boolean {
    if (this.text(name) !== undefined) return true;
    this.refuse(name, `required: ${what}`);
    return false;
  }

  /** @param message what is required or allowed, in plain words */
  refuse(field: string, message: string): void {
    this.#refusals.push({ field, message });
  }

  /** @throws CodedError `invalid_request` with everything that was refused */
  check(): void {
    if (this.#refusals.length > 0) throw refused(this.#refusals);
  }

  #read<T>(name: string, parse: (text: string) => T | undefined, allowed: string): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) this.refuse(name, `allowed: ${allowed}`);
    return value;
  }
}

/** The error for fields that were refused, each on a line of its own. */
export function refused(refusals: readonly Refusal[]): CodedError {
  const shown = refusals.slice(0, MAX_REFUSALS);
  const message = shown.map(({ field, message: text }) => `${field}: ${text}`).join('\n');
  return new CodedError('invalid_request', message, { fields: [...shown] });
}

function within(parse: (text: string) => number | undefined, { min = -Infinity, max = Infinity }: Bounds) {
  return (text: string) => {
    const number = parse(text);
    return number !== undefined && number >= min && number <= max ? number : undefined;
  };
}

function boundsText({ min, max }: Bounds, unit = ''): string {
  if (min !== undefined && max !== undefined) return `, ${min} to ${max}${unit}`;
  if (min !== undefined) return `, ${min}${unit} or more`;
  return max === undefined ? '' : `, at most ${max}${unit}`;
}

function readJson<T>(text: string, read: (json: unknown) => T | undefined): T | undefined {
  try {
    return read(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

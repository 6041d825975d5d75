import { CodedError } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';
import { MAX_REFUSALS, type Refusal, type SentForm } from '../conversion.ts';
import { parseBoolean, parseDuration, parseFloat64, parseInches, parseWhole } from './form-values.ts';
import { parseFormJson } from './parse-form-json.ts';

interface Bounds {
  min?: number;
  max?: number;
}

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
    const text = this.text(name);
    if (text === undefined) return undefined;
    const { json, problem } = parseFormJson(text);
    const value = problem === undefined ? read(json) : undefined;
    if (value === undefined) this.refuse(name, problem || `allowed: ${allowed}`);
    return value;
  }

  /** Refuses a field that has no value. @returns whether it has one */
  require(name: string, what = 'a value'): boolean {
    if (this.text(name) !== undefined) return true;
    this.refuse(name, `required: ${what}`);
    return false;
  }

  /** Whether nothing more can be refused. What reads a long list may stop then. */
  get isFull(): boolean {
    return this.#refusals.length >= MAX_REFUSALS;
  }

  /** @param message what is required or allowed, in plain words */
  refuse(field: string, message: string): void {
    if (!this.isFull) this.#refusals.push({ field, message });
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

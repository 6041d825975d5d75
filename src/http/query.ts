import { z } from 'zod';
import { checkInput } from '../domain/check-input.ts';
import { invalidFields } from '../kernel/errors.ts';
import type { AppContext } from './route.ts';

/**
 * The checked query string; unknown parameters are refused, like unknown fields of a body.
 * @throws CodedError `invalid_request`
 */
export function readQuery<T extends z.ZodType>(c: AppContext, schema: T): z.output<T> {
  return checkInput(schema, queryOf(c));
}

/** The query string, in which every parameter is once. @throws CodedError `invalid_request` */
export function queryOf(c: AppContext): Record<string, string> {
  const repeated = Object.entries(c.req.queries()).filter(([, values]) => values.length > 1);
  if (repeated.length > 0)
    throw invalidFields(
      repeated.map(([name, values]) => ({ field: name, message: `given ${values.length} times; allowed: once` })),
    );
  return c.req.query();
}

/** A parameter that is a whole number in decimal digits. */
export function wholeNumber({ min, max, fallback, what = '' }: WholeNumber) {
  const allowed = `allowed: ${what}${min} to ${max}`;
  const digits = /^\d{1,9}$/;
  return z.preprocess(
    (text) => (typeof text === 'string' && digits.test(text) ? Number(text) : text),
    z.int(allowed).min(min, allowed).max(max, allowed).default(fallback),
  );
}

interface WholeNumber {
  min: number;
  max: number;
  /** if the parameter is missing */
  fallback: number;
  /** the unit, for the message */
  what?: string;
}

import type { z } from 'zod';
import { checkInput } from '../domain/check-input.ts';
import type { AppContext } from './route.ts';

/** The query string, checked; unknown parameters are refused as unknown fields are. */
export function readQuery<T extends z.ZodType>(c: AppContext, schema: T): z.output<T> {
  return checkInput(schema, c.req.query());
}

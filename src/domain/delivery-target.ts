import { z } from 'zod';
import { checkedText } from './check-input.ts';
import { headerNameProblem, headerValueProblem } from './extra-headers.ts';
import { urlText } from './source.ts';

/** Methods by which something is sent to an address that a request names. */
export const METHODS = ['PUT', 'POST', 'PATCH'] as const;
export type Method = (typeof METHODS)[number];

const MAX_HEADERS = 64;

/** Where something is sent that a request asks for, and what is sent along. */
export const targetFields = {
  url: urlText,
  headers: z
    .record(checkedText(headerNameProblem), checkedText(headerValueProblem, 2_000))
    .refine((all) => Object.keys(all).length <= MAX_HEADERS, `allowed: at most ${MAX_HEADERS} headers`)
    .optional(),
};

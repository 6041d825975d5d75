import { toNumber } from './to-number.ts';

/** The value of a flag that may be `none`: null. */
export function toLimit(text: string): number | null {
  return text === 'none' ? null : toNumber(text);
}

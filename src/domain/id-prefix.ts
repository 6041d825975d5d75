/** Shorter texts of hexadecimal digits are more likely a word. */
const FEWEST_DIGITS = 8;
const DIGITS = 32;
const ZERO = '00000000-0000-0000-0000-000000000000';

/** Whether an id can begin so: hexadecimal digits with its hyphens, as far as they go. */
export function isIdPrefix(text: string): boolean {
  return text !== '' && ZERO.startsWith(text.replaceAll(/[0-9a-f]/gi, '0'));
}

/**
 * The ids that begin with a text, as the first and the last one.
 * @returns undefined if the text is not the beginning of an id, or has fewer than 8 digits
 */
export function idPrefix(text: string): { first: string; last: string } | undefined {
  if (!isIdPrefix(text) || text.length < FEWEST_DIGITS) return undefined;
  return { first: filledId(text, '0'), last: filledId(text, 'f') };
}

/** The id that begins so, with one digit in all other places. */
export function filledId(start: string, digit: string): string {
  const digits = start.toLowerCase().replaceAll('-', '').padEnd(DIGITS, digit);
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  );
}

/** The first id of a millisecond since 1970, which the ids of that time begin with (UUIDv7). */
export function firstIdAt(ms: number): string {
  return filledId(timeDigits(ms), '0');
}

/** The last id of a millisecond since 1970. */
export function lastIdAt(ms: number): string {
  return filledId(timeDigits(ms), 'f');
}

const timeDigits = (ms: number) => Math.max(0, Math.trunc(ms)).toString(16).padStart(12, '0');

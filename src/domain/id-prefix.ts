/** Shorter texts of hexadecimal digits are more likely a word. */
const FEWEST_DIGITS = 8;
const DIGITS = 32;

/**
 * The ids that begin with a text, as the first and the last one.
 * @returns undefined if the text is not the beginning of an id: 8 hexadecimal digits, or more with hyphens in place
 */
export function idPrefix(text: string): { first: string; last: string } | undefined {
  const digits = text.toLowerCase().replaceAll('-', '');
  if (!/^[0-9a-f]+$/.test(digits) || digits.length < FEWEST_DIGITS || digits.length > DIGITS) return undefined;
  if (!toId(digits.padEnd(DIGITS, '0')).startsWith(text.toLowerCase())) return undefined;
  return { first: toId(digits.padEnd(DIGITS, '0')), last: toId(digits.padEnd(DIGITS, 'f')) };
}

const toId = (digits: string) =>
  [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join('-');

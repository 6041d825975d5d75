/** After every other character. */
const LAST = '\u{10ffff}';

/** The text after all that begin with this one, in the order of their characters. */
export const afterPrefix = (prefix: string) => `${prefix}${LAST}`;

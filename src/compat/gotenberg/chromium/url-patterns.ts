/** Patterns that one expression may become. */
const MAX_PATTERNS = 16;

/**
 * An expression (Go's dialect) as patterns of URLs in which `*` stands for any characters. An expression without an
 * anchor fits anywhere. A header must not go to a URL that the expression does not fit, so whatever is not exactly a
 * pattern is not translated.
 * @returns undefined if it cannot be, or is no expression
 */
export function patternsOfRegex(expression: string): string[] | undefined {
  const reader = { text: expression, at: 0 };
  const found = alternatives(reader);
  if (!found || reader.at < expression.length || expression === '') return undefined;
  const patterns = found.map((each) => {
    const start = each.startsWith(START) ? each.slice(1) : `*${each}`;
    const whole = start.endsWith(END) ? start.slice(0, -1) : `${start}*`;
    return whole.replaceAll(/\*+/g, '*');
  });
  const isPattern = (pattern: string) =>
    /^(?:\*|http)/.test(pattern) && !/[\\^|\s]/.test(pattern) && !pattern.includes(START) && !pattern.includes(END);
  return patterns.every(isPattern) ? [...new Set(patterns)] : undefined;
}

const START = '\u0000';
const END = '\u0001';

interface Reader {
  text: string;
  at: number;
}

/** Everything that the expression may be, up to a closing bracket; undefined: it is not translated. */
function alternatives(reader: Reader): string[] | undefined {
  const all: string[] = [];
  for (;;) {
    const found = sequence(reader);
    if (!found) return undefined;
    all.push(...found);
    if (all.length > MAX_PATTERNS) return undefined;
    if (reader.text[reader.at] !== '|') return all;
    reader.at++;
  }
}

function sequence(reader: Reader): string[] | undefined {
  let found = [''];
  while (reader.at < reader.text.length && !'|)'.includes(reader.text[reader.at] ?? '')) {
    const item = repeated(reader);
    if (!item) return undefined;
    found = found.flatMap((before) => item.map((after) => before + after));
    if (found.length > MAX_PATTERNS) return undefined;
  }
  return found;
}

function repeated(reader: Reader): string[] | undefined {
  const isDot = reader.text[reader.at] === '.';
  const item = isDot ? [''] : single(reader);
  if (isDot) reader.at++;
  if (!item) return undefined;
  const sign = reader.text[reader.at] ?? '';
  if (isDot) {
    if (sign !== '*') return undefined; // one character of any kind is no pattern
    reader.at++;
    if (reader.text[reader.at] === '?') reader.at++; // it fits the same
    return ['*'];
  }
  if (sign === '?') {
    reader.at++;
    return [...item, ''];
  }
  return '*+{'.includes(sign) && sign !== '' ? undefined : item;
}

/** A character or a group. */
function single(reader: Reader): string[] | undefined {
  const character = reader.text[reader.at++] ?? '';
  if (character === '(') {
    if (reader.text.startsWith('?:', reader.at)) reader.at += 2;
    const inner = alternatives(reader);
    return reader.text[reader.at++] === ')' ? inner : undefined;
  }
  if (character === '^') return reader.at === 1 ? [START] : undefined;
  if (character === '$') return reader.at === reader.text.length ? [END] : undefined;
  if (character === '\\') {
    const escaped = reader.text[reader.at++] ?? '';
    return /^[^\w*]$/.test(escaped) ? [escaped] : undefined;
  }
  return '*+?[]{}'.includes(character) ? undefined : [character];
}

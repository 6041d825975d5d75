interface Numbered {
  name: string;
  /** undefined: it has none */
  number?: bigint;
  isFirst: boolean;
  /** the name without the number */
  rest: string;
}

/** Whole numbers of Go end there; a longer one is text. */
const MAX_NUMBER = 2n ** 63n - 1n;

function numbered(name: string): Numbered {
  const first = /^\d+/.exec(name)?.[0] ?? '';
  if (isNumber(first)) return { name, number: BigInt(first), isFirst: true, rest: name.slice(first.length) };
  const dot = name.lastIndexOf('.');
  const end = dot === -1 ? name.length : dot;
  let start = end;
  while (/\d/.test(name.charAt(start - 1))) start--;
  const last = name.slice(start, end);
  const rest = name.slice(0, start) + name.slice(end);
  return isNumber(last) ? { name, number: BigInt(last), isFirst: false, rest } : { name, isFirst: false, rest: name };
}

const isNumber = (digits: string) => /^\d{1,19}$/.test(digits) && BigInt(digits) <= MAX_NUMBER;

/**
 * Files in Gotenberg's order, whatever the order was in which they were sent: those with a number at the start of the
 * name, or before its ending, come first, `9.pdf` before `10.pdf`; all others follow by name.
 */
export function sortFiles<T extends { name: string }>(files: readonly T[]): T[] {
  const keyed = files.map((file) => ({ file, key: numbered(file.name) }));
  return keyed.sort((a, b) => order(a.key, b.key)).map(({ file }) => file);
}

function order(a: Numbered, b: Numbered): number {
  if (a.number === undefined || b.number === undefined) {
    if (a.number !== undefined) return -1;
    return b.number === undefined ? byText(a.name, b.name) : 1;
  }
  const byNumber = a.number === b.number ? 0 : a.number < b.number ? -1 : 1;
  if (a.isFirst && b.isFirst) return byNumber || byText(a.rest, b.rest);
  const byRest = byText(a.rest, b.rest);
  if (a.isFirst || b.isFirst) return byRest || (a.isFirst ? -1 : 1);
  return byRest || byNumber || byText(a.name, b.name);
}

/** By bytes, as Go compares strings. */
function byText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

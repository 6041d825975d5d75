// A content stream may restore a state that it has not saved, or save one and not restore it: then what is drawn after
// it is somewhere else. Only PDFs of others are read for that.

interface Balance {
  /** operators that end what is begun */
  missing: string;
  /** whether operators that end nothing were blanked out */
  isChanged: boolean;
  /** bytes up to which all tokens are whole */
  end: number;
}

/** Which operator ends what another one begins. Text is ended first, and then the state that it is in. */
const PAIRS = [
  { begins: ['BT'], ends: 'ET' },
  { begins: ['BMC', 'BDC'], ends: 'EMC' },
  { begins: ['q'], ends: 'Q' },
] as const;
const LONGEST = 3;
const IMAGE = 'ID';
const BLANK = 32;

const WHITE = new Uint8Array(256);
const DELIMITER = new Uint8Array(256);
for (const byte of [0, 9, 10, 12, 13, 32]) WHITE[byte] = 1;
for (const byte of Buffer.from('()<>[]{}/%')) DELIMITER[byte] = 1;

/** By their bytes as one number: texts would take four times as long. */
const codeOf = (operator: string) => Buffer.from(operator).reduce((code, byte) => code * 256 + byte, 0);
const BEGINS = new Map(
  PAIRS.flatMap(({ begins }, pair) => begins.map((operator) => [codeOf(operator), pair] as const)),
);
const ENDS = new Map(PAIRS.map(({ ends }, pair) => [codeOf(ends), pair]));
const IMAGE_CODE = codeOf(IMAGE);

/** Finds what a content stream leaves open, and blanks out the operators in it that end nothing. */
export function balanceContent(content: Uint8Array): Balance {
  const open = PAIRS.map(() => 0);
  const { length } = content;
  let isChanged = false;
  let end = 0;
  for (let at = 0; at < length; end = at) {
    const next = skip(content, at, content[at] as number);
    if (next === undefined) break;
    if (next > at) {
      at = next;
      continue;
    }
    const from = at;
    let code = 0;
    for (; at < length && isRegular(content[at] as number); at++)
      if (at - from < LONGEST) code = code * 256 + (content[at] as number);
    if (at - from > LONGEST) continue;
    const begun = BEGINS.get(code);
    const ended = ENDS.get(code);
    if (begun !== undefined) open[begun] = (open[begun] ?? 0) + 1;
    else if (ended !== undefined && open[ended]) open[ended] -= 1;
    else if (ended !== undefined) {
      content.fill(BLANK, from, at);
      isChanged = true;
    } else if (code === IMAGE_CODE) at = afterImage(content, at);
  }
  return { missing: PAIRS.map(({ ends }, pair) => `${ends} `.repeat(open[pair] ?? 0)).join(''), isChanged, end };
}

const isRegular = (byte: number) => !WHITE[byte] && !DELIMITER[byte];

/** Where the next token begins after white space, a comment, a string, a name or a bracket; `at`: an operator or number is here. */
function skip(content: Uint8Array, at: number, byte: number): number | undefined {
  if (WHITE[byte]) return at + 1;
  if (!DELIMITER[byte]) return at;
  if (byte === 0x28) return afterString(content, at);
  if (byte === 0x25) {
    while (at < content.length && content[at] !== 10 && content[at] !== 13) at++;
    return at;
  }
  if (byte === 0x3c && content[at + 1] !== 0x3c) {
    const close = content.indexOf(0x3e, at);
    return close === -1 ? undefined : close + 1;
  }
  if (byte !== 0x2f) return at + 1;
  at++;
  while (at < content.length && isRegular(content[at] as number)) at++;
  return at;
}

function afterString(content: Uint8Array, at: number): number | undefined {
  for (let depth = 0; at < content.length; at++) {
    const byte = content[at];
    if (byte === 0x5c) at++;
    else if (byte === 0x28) depth++;
    else if (byte === 0x29 && --depth === 0) return at + 1;
  }
  return undefined;
}

/** An inline image ends with EI between white space. */
function afterImage(content: Uint8Array, at: number): number {
  for (;;) {
    at = content.indexOf(0x45, at + 1);
    if (at === -1) return content.length;
    const isEnd = content[at + 1] === 0x49 && WHITE[content[at - 1] as number];
    if (isEnd && (at + 2 >= content.length || WHITE[content[at + 2] as number])) return at + 2;
  }
}

/** An operator of a content stream with what stands before it. */
export interface Operation {
  operator: string;
  /** offset of its first operand */
  start: number;
  /** offset of the operator */
  at: number;
  /** offset after the operator, or after the data of an inline image */
  end: number;
}

const OTHER = 0;
const SPACE = 1;
const DELIMITER = 2;
const CLASSES = new Uint8Array(256);
for (const code of [0, 9, 10, 12, 13, 32]) CLASSES[code] = SPACE;
for (const character of '()<>[]{}/%') CLASSES[character.charCodeAt(0)] = DELIMITER;

const PERCENT = 0x25;
const SLASH = 0x2f;
const [LEFT, RIGHT] = [0x28, 0x29];
const [LESS, GREATER] = [0x3c, 0x3e];
const [LEFT_BRACKET, RIGHT_BRACKET] = [0x5b, 0x5d];
const BACKSLASH = 0x5c;
const NUMBER = /^[+\-.\d]/;
const VALUES = new Set(['true', 'false', 'null']);
/** After the data of an inline image there is text: so many bytes of it are looked at. */
const AFTER_IMAGE = 16;

/** Calls `found` for each operator, in order. What is damaged ends early; nothing throws. Linear. */
export function eachOperation(bytes: Uint8Array, found: (operation: Operation) => void): void {
  let at = 0;
  let start = -1;
  let depth = 0; // of arrays and dictionaries
  while (at < bytes.length) {
    const code = bytes[at] ?? 0;
    const kind = CLASSES[code];
    if (kind === SPACE) {
      at++;
      continue;
    }
    if (code === PERCENT) {
      at = endOfLine(bytes, at);
      continue;
    }
    const token = at;
    if (start === -1) start = at;
    if (kind === DELIMITER) {
      const isDouble = (code === LESS || code === GREATER) && bytes[at + 1] === code;
      if (code === LEFT) at = endOfString(bytes, at);
      else if (code === SLASH) at = endOfWord(bytes, at + 1);
      else if (code === LESS && !isDouble) at = endOfHex(bytes, at);
      else {
        if (isDouble ? code === LESS : code === LEFT_BRACKET) depth++;
        if ((isDouble ? code === GREATER : code === RIGHT_BRACKET) && depth > 0) depth--;
        at += isDouble ? 2 : 1;
      }
      continue;
    }
    at = endOfWord(bytes, at);
    if (depth > 0) continue;
    const word = String.fromCharCode(...bytes.subarray(token, Math.min(at, token + 5)));
    if (NUMBER.test(word) || VALUES.has(word)) continue;
    if (word === 'BI') at = endOfImage(bytes, at);
    found({ operator: word, start, at: token, end: at });
    start = -1;
  }
}

function endOfLine(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && bytes[at] !== 10 && bytes[at] !== 13) at++;
  return at;
}

function endOfWord(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && CLASSES[bytes[at] ?? 0] === OTHER) at++;
  return at;
}

function endOfString(bytes: Uint8Array, at: number): number {
  let depth = 0;
  for (; at < bytes.length; at++) {
    const code = bytes[at];
    if (code === BACKSLASH) at++;
    else if (code === LEFT) depth++;
    else if (code === RIGHT && --depth === 0) return at + 1;
  }
  return bytes.length;
}

function endOfHex(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(GREATER, at);
  return end === -1 ? bytes.length : end + 1;
}

/** Data ends with `EI` between spaces, if text follows and not more data. */
function endOfImage(bytes: Uint8Array, at: number): number {
  const isWordAt = (index: number, first: number, second: number) =>
    bytes[index] === first && bytes[index + 1] === second && CLASSES[bytes[index - 1] ?? 32] !== OTHER && CLASSES[bytes[index + 2] ?? 32] === SPACE; // prettier-ignore
  while (at < bytes.length && !isWordAt(at, 0x49, 0x44)) at++; // ID
  for (at += 3; at < bytes.length; at++)
    if (isWordAt(at, 0x45, 0x49) && isText(bytes.subarray(at + 2, at + 2 + AFTER_IMAGE))) return at + 2; // EI
  return bytes.length;
}

const isText = (bytes: Uint8Array) => bytes.every((code) => (code >= 32 && code < 127) || CLASSES[code] === SPACE);

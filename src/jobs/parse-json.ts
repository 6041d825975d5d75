import { isAscii, isUtf8 } from 'node:buffer';
import { MAX_DEPTH, MAX_VALUES, TOO_DEEP, tooMany } from '../domain/check-input.ts';
import { pathText } from '../domain/field-path.ts';
import { CodedError, type FieldProblem, invalidFields, messageOf } from '../kernel/errors.ts';

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * The JSON value of a body; a byte order mark before it is ignored. The time is linear in the bytes. A body with
 * too many values is refused before it is parsed: parsing it would block the event loop for other requests.
 * @param maxData values that the member `data` may have besides
 * @throws CodedError `invalid_json`; `invalid_request` if it is nested too deep or has too many values
 */
export function parseJson(body: Buffer, { maxData = 0 } = {}): unknown {
  const hasMark = body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  const bytes = hasMark ? body.subarray(BYTE_ORDER_MARK.length) : body;
  if (!isUtf8(bytes)) throw new CodedError('invalid_json', '(body): the body is not UTF-8');
  const problem = sizeProblem(bytes, maxData);
  if (problem) throw invalidFields([problem]);
  const text = bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CodedError(
      'invalid_json',
      `(body): ${text === '' ? 'the body is empty; allowed: a JSON object' : messageOf(error).slice(0, 200)}`,
      { cause: error },
    );
  }
}

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** An array or object that is not closed yet, and the position in it. */
interface Container {
  isArray: boolean;
  index: number;
  /** offsets of the current member's name */
  key: [start: number, end: number];
}

/** Counts values and levels as `textProblem` does, but in the bytes, which may be invalid JSON. */
function sizeProblem(bytes: Buffer, maxData: number): FieldProblem | undefined {
  const open: Container[] = [];
  let values = 1;
  let dataValues = 0;
  let isInData = false;
  const count = () => (isInData ? dataValues++ : values++);
  let isAtStart = false; // of a container: it may be empty
  let lastString: [number, number] = [0, 0];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte <= SPACE) continue;
    if (isAtStart) {
      isAtStart = false;
      if (byte !== CLOSE_ARRAY && byte !== CLOSE_OBJECT) {
        if (open.length > MAX_DEPTH) return { field: placeOf(open, bytes), message: TOO_DEEP };
        count();
      }
    }
    switch (byte) {
      case QUOTE: {
        const end = endOfString(bytes, at);
        lastString = [at + 1, end];
        at = end;
        break;
      }
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        open.push({ isArray: byte === OPEN_ARRAY, index: 0, key: [0, 0] });
        isAtStart = true;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        open.pop();
        break;
      case COLON: {
        const within = open.at(-1);
        if (within) within.key = lastString;
        if (open.length === 1) isInData = maxData > 0 && bytes.toString('latin1', ...lastString) === 'data';
        break;
      }
      case COMMA: {
        if (open.length === 1) isInData = false;
        count();
        const within = open.at(-1);
        if (within) within.index++;
        break;
      }
      default: // part of a number or a literal; JSON.parse reports anything else
    }
    if (values > MAX_VALUES) return { field: placeOf(open, bytes), message: tooMany(MAX_VALUES) };
    if (dataValues > maxData) return { field: placeOf(open, bytes), message: tooMany(maxData) };
  }
  return undefined;
}

/** Bytes of a string that are read one by one: most strings are short, and a search costs as much as this many. */
const SHORT = 64;

/** @param start of its opening quote @returns where its closing quote is; not before the end of the bytes if it has none */
function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1; // what is there is not escaped
  for (;;) {
    for (const short = at + SHORT; at < short; at++) {
      if (at >= bytes.length || bytes[at] === QUOTE) return at;
      if (bytes[at] === BACKSLASH) at++;
    }
    const quote = bytes.indexOf(QUOTE, at);
    if (quote === -1) return bytes.length;
    let first = quote; // of the backslashes before it
    while (first > at && bytes[first - 1] === BACKSLASH) first--;
    if ((quote - first) % 2 === 0) return quote;
    at = quote + 1;
  }
}

/** The path of the innermost container. */
function placeOf(open: Container[], bytes: Buffer): string {
  const outer = open.slice(0, -1).slice(0, MAX_DEPTH);
  return pathText(
    outer.map(({ isArray, index, key: [start, end] }) =>
      isArray ? index : bytes.toString('utf8', start, Math.min(end, start + 400)),
    ),
  );
}

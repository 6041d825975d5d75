import { invalidFields } from '../kernel/errors.ts';
import { ROW_BYTES, ROW_TOO_LARGE } from './sent-row.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const SPACE = 0x20;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Bytes of the JSON without the elements, at most. */
const REST_BYTES = 10 * 1024 * 1024;
/** Bytes of a name that are kept to compare it. */
const NAME_BYTES = 64;

interface SplitOptions {
  /** the member of the object whose elements are meant; undefined: the JSON is itself the array */
  within?: string;
  /** of one element, at most */
  maxBytes?: number;
}

/**
 * Splits JSON into the elements of one array and the rest, while it arrives. It looks at brackets and strings only: whether
 * an element, or the rest, is JSON is for others to find out.
 */
export class JsonSplitter {
  readonly #within: string | undefined;
  readonly #maxBytes: number;
  /** of the elements */
  readonly #listDepth: number;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isInList = false;
  #lists = 0;
  /** of the element that has begun */
  #element: Buffer[] = [];
  #elementBytes = 0;
  #elements = 0;
  readonly #rest: Buffer[] = [];
  #restBytes = 0;
  #name: number[] = [];
  #lastName = '';

  constructor({ within, maxBytes = ROW_BYTES }: SplitOptions = {}) {
    this.#within = within;
    this.#maxBytes = maxBytes;
    this.#listDepth = within === undefined ? 1 : 2;
  }

  /** How many arrays of that name there were. */
  get lists(): number {
    return this.#lists;
  }

  /** @returns the elements that end in the chunk @throws CodedError if one, or the rest, is too large */
  push(chunk: Buffer): Buffer[] {
    const ended: Buffer[] = [];
    let from = 0; // what came before it is in an element or in the rest
    for (let at = 0; at < chunk.length; at++) {
      if (this.#isInString) {
        at = this.#endOfString(chunk, at);
        continue;
      }
      const byte = chunk[at] as number;
      if (byte <= SPACE) continue;
      const isOfList = this.#isInList && this.#depth === this.#listDepth;
      switch (byte) {
        case QUOTE:
          this.#isInString = true;
          this.#name = [];
          break;
        case OPEN_ARRAY:
        case OPEN_OBJECT:
          this.#depth++;
          if (byte === OPEN_ARRAY && !this.#isInList && this.#depth === this.#listDepth && this.#isNamed()) {
            this.#isInList = true;
            this.#lists++;
            this.#elements = 0;
            this.#keepRest(chunk.subarray(from, at + 1));
            from = at + 1;
          }
          break;
        case CLOSE_ARRAY:
        case CLOSE_OBJECT:
          if (isOfList) {
            this.#keepElement(chunk.subarray(from, at));
            const element = this.#take();
            if (element.length > 0 || this.#elements > 0) ended.push(element);
            this.#isInList = false;
            from = at;
          }
          this.#depth--;
          break;
        case COMMA:
          if (isOfList) {
            this.#keepElement(chunk.subarray(from, at));
            ended.push(this.#take());
            this.#elements++;
            from = at + 1;
          } else if (this.#depth === 1) this.#lastName = '';
          break;
        case COLON:
          if (this.#depth === 1) this.#lastName = Buffer.from(this.#name).toString();
          break;
        default: // of a number or a literal
      }
    }
    if (this.#isInList) this.#keepElement(chunk.subarray(from));
    else this.#keepRest(chunk.subarray(from));
    return ended;
  }

  /** What is not in the array: it is empty there. */
  rest(): Buffer {
    return Buffer.concat([...this.#rest, ...this.#element]);
  }

  /** @returns where the string ends that goes on at that place, or the last place of the chunk */
  #endOfString(chunk: Buffer, start: number): number {
    let at = start;
    for (; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) {
        this.#isInString = false;
        break;
      }
    }
    if (this.#depth === 1 && this.#name.length < NAME_BYTES)
      this.#name.push(...chunk.subarray(start, Math.min(at, start + NAME_BYTES - this.#name.length)));
    return at;
  }

  #isNamed(): boolean {
    return this.#within === undefined ? this.#lists === 0 : this.#lastName === this.#within;
  }

  #keepElement(bytes: Buffer): void {
    this.#elementBytes += bytes.length;
    if (this.#elementBytes > this.#maxBytes)
      throw invalidFields([{ field: `items[${this.#elements}]`, message: ROW_TOO_LARGE }]);
    if (bytes.length > 0) this.#element.push(bytes);
  }

  #take(): Buffer {
    const [only = Buffer.alloc(0), ...more] = this.#element;
    const element = more.length > 0 ? Buffer.concat(this.#element) : only;
    this.#element = [];
    this.#elementBytes = 0;
    return trimmed(element);
  }

  #keepRest(bytes: Buffer): void {
    this.#restBytes += bytes.length;
    if (this.#restBytes > REST_BYTES)
      throw invalidFields([{ field: '(body)', message: `allowed: ${REST_BYTES} bytes beside the items` }]);
    if (bytes.length > 0) this.#rest.push(bytes);
  }
}

function trimmed(bytes: Buffer): Buffer {
  let start = 0;
  let end = bytes.length;
  while (start < end && (bytes[start] as number) <= SPACE) start++;
  while (end > start && (bytes[end - 1] as number) <= SPACE) end--;
  return bytes.subarray(start, end);
}

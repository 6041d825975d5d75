// Filters of PDF that are older than Flate, as far as it takes to know how long their output is. Each stops when it has
// more than `most` bytes.

/** What `/LZWDecode` packed. */
export function unpackLzw(data: Uint8Array, most: number): Uint8Array {
  const [clear, end] = [256, 257];
  const out = new Output(most);
  let table: Uint8Array[] = [];
  const reset = () => (table = Array.from({ length: 258 }, (_, byte) => Uint8Array.of(byte)));
  reset();
  let before: Uint8Array | undefined;
  let [bits, count, width] = [0, 0, 9];
  for (const byte of data) {
    bits = ((bits << 8) | byte) & 0xffffff;
    count += 8;
    if (count < width) continue;
    count -= width;
    const code = (bits >>> count) & ((1 << width) - 1);
    if (code === end || out.isFull) break;
    if (code === clear) {
      reset();
      before = undefined;
      width = 9;
      continue;
    }
    const known = table[code];
    if (!known && !before) break;
    const entry = known ?? joined(before as Uint8Array, (before as Uint8Array)[0] ?? 0);
    out.add(entry);
    if (before && table.length < 4_096) table.push(joined(before, entry[0] ?? 0));
    before = entry;
    const next = table.length + 1; // widths change one code early
    width = next >= 2_048 ? 12 : next >= 1_024 ? 11 : next >= 512 ? 10 : 9;
  }
  return out.bytes();
}

/** What `/RunLengthDecode` packed. */
export function unpackRunLength(data: Uint8Array, most: number): Uint8Array {
  const out = new Output(most);
  for (let at = 0; at < data.length && !out.isFull;) {
    const length = data[at] ?? 128;
    if (length === 128) break;
    if (length < 128) out.add(data.subarray(at + 1, at + length + 2));
    else out.add(new Uint8Array(257 - length).fill(data[at + 1] ?? 0));
    at += length < 128 ? length + 2 : 2;
  }
  return out.bytes();
}

/** What `/ASCIIHexDecode` packed. */
export function unpackHex(data: Uint8Array): Uint8Array {
  const digits = Buffer.from(data)
    .toString('latin1')
    .replace(/>[^]*/, '')
    .replaceAll(/[^0-9a-fA-F]/g, '');
  return Buffer.from(digits.length % 2 === 0 ? digits : `${digits}0`, 'hex');
}

/** What `/ASCII85Decode` packed. */
export function unpackAscii85(data: Uint8Array, most: number): Uint8Array {
  const out = new Output(most);
  let group: number[] = [];
  const flush = () => {
    const length = group.length - 1;
    while (group.length < 5) group.push(84);
    const word = group.reduce((sum, digit) => sum * 85 + digit, 0) % 2 ** 32;
    out.add(Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word).subarray(0, length));
    group = [];
  };
  for (const byte of data) {
    if (byte === 0x7e || out.isFull) break;
    if (byte === 0x7a && group.length === 0) out.add(new Uint8Array(4));
    if (byte < 0x21 || byte > 0x75) continue;
    group.push(byte - 0x21);
    if (group.length === 5) flush();
  }
  if (group.length > 1) flush();
  return out.bytes();
}

function joined(bytes: Uint8Array, last: number): Uint8Array {
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  longer[bytes.length] = last;
  return longer;
}

/** Bytes that are written one piece after the other. */
class Output {
  readonly #most: number;
  #bytes = new Uint8Array(65_536);
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get isFull(): boolean {
    return this.#length > this.#most;
  }

  add(piece: Uint8Array): void {
    if (this.#length + piece.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length += piece.length;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

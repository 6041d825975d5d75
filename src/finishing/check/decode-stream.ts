import { inflateSync } from 'node:zlib';
import { MEGABYTE } from '../../kernel/units.ts';
import { PdfDictionary, type PdfStream } from './pdf-value.ts';

/** Bytes of one stream, at most. */
const MAX_BYTES = 256 * MEGABYTE;

/**
 * The content of a stream whose filters are of text and data.
 * @returns undefined if it has another filter (of a picture), is damaged or larger than 256 MB
 */
export function decodeStream(stream: PdfStream): Uint8Array | undefined {
  let data: Uint8Array | undefined = stream.data;
  const parameters = stream.all('DecodeParms');
  for (const [index, filter] of stream.filters.entries()) {
    const settings = parameters[index];
    data = data && decode(data, filter, settings instanceof PdfDictionary ? settings : undefined);
  }
  return data;
}

function decode(data: Uint8Array, filter: string, settings: PdfDictionary | undefined): Uint8Array | undefined {
  if (filter === 'FlateDecode' || filter === 'Fl') return unpredict(inflate(data), settings);
  if (filter === 'LZWDecode' || filter === 'LZW') return unpredict(unpackLzw(data, settings?.number('EarlyChange') ?? 1), settings); // prettier-ignore
  if (filter === 'ASCIIHexDecode' || filter === 'AHx') return decodeHex(data);
  if (filter === 'ASCII85Decode' || filter === 'A85') return decode85(data);
  return undefined;
}

function inflate(data: Uint8Array): Uint8Array | undefined {
  try {
    return inflateSync(data, { maxOutputLength: MAX_BYTES, finishFlush: 2 }); // what is cut off is still read
  } catch {
    return undefined;
  }
}

function unpackLzw(data: Uint8Array, earlyChange: number): Uint8Array | undefined {
  const chunks: Uint8Array[] = [];
  let table: Uint8Array[] = [];
  const reset = () => (table = Array.from({ length: 258 }, (_, code) => Uint8Array.of(code)));
  let width = 9;
  let previous: Uint8Array | undefined;
  let size = 0;
  reset();
  for (let bit = 0; bit + width <= data.length * 8;) {
    let code = 0;
    for (let index = 0; index < width; index++, bit++)
      code = code * 2 + (((data[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    if (code === 257) break;
    if (code === 256) {
      reset();
      width = 9;
      previous = undefined;
      continue;
    }
    const known = table[code];
    const entry = known ?? (previous && Uint8Array.of(...previous, previous[0] ?? 0));
    if (!entry || (size += entry.length) > MAX_BYTES) return undefined;
    chunks.push(entry);
    if (previous && table.length < 4_096) table.push(Uint8Array.of(...previous, entry[0] ?? 0));
    previous = entry;
    width = Math.min(12, Math.max(9, Math.floor(Math.log2(table.length + earlyChange)) + 1));
  }
  return Buffer.concat(chunks);
}

function decodeHex(data: Uint8Array): Uint8Array {
  const text = Buffer.from(data).toString('latin1').split('>', 1)[0] ?? '';
  const digits = text.replace(/[^0-9a-fA-F]/g, '');
  return Buffer.from(digits.length % 2 ? `${digits}0` : digits, 'hex');
}

function decode85(data: Uint8Array): Uint8Array {
  const result: number[] = [];
  let group: number[] = [];
  const flush = (count: number) => {
    let value = 0;
    for (let index = 0; index < 5; index++) value = value * 85 + (group[index] ?? 84);
    for (let index = 0; index < count; index++) result.push(Math.floor(value / 256 ** (3 - index)) & 0xff);
    group = [];
  };
  for (const code of data) {
    if (code === 0x7e) break;
    if (code === 0x7a && group.length === 0) result.push(0, 0, 0, 0);
    else if (code >= 0x21 && code <= 0x75) group.push(code - 0x21);
    if (group.length === 5) flush(4);
  }
  if (group.length > 1) flush(group.length - 1);
  return Uint8Array.from(result);
}

/** Undoes the prediction of PNG; TIFF's is of pictures only. */
function unpredict(data: Uint8Array | undefined, settings: PdfDictionary | undefined): Uint8Array | undefined {
  if (!data || (settings?.number('Predictor') ?? 1) < 10) return data;
  const bits = (settings?.number('Colors') ?? 1) * (settings?.number('BitsPerComponent') ?? 8);
  const step = Math.max(1, Math.ceil(bits / 8));
  const width = Math.ceil((bits * (settings?.number('Columns') ?? 1)) / 8);
  if (!(width > 0 && width <= data.length)) return undefined;
  const rows = Math.ceil(data.length / (width + 1));
  const result = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const kind = data[row * (width + 1)] ?? 0;
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      const left = column >= step ? (result[at - step] ?? 0) : 0;
      const up = row > 0 ? (result[at - width] ?? 0) : 0;
      const corner = row > 0 && column >= step ? (result[at - width - step] ?? 0) : 0;
      result[at] = (data[row * (width + 1) + 1 + column] ?? 0) + prediction(kind, left, up, corner);
    }
  }
  return result;
}

function prediction(kind: number, left: number, up: number, corner: number): number {
  if (kind === 1) return left;
  if (kind === 2) return up;
  if (kind === 3) return (left + up) >> 1;
  if (kind !== 4) return 0;
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

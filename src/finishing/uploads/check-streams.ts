import { constants, createInflate, inflateSync } from 'node:zlib';
import { systemCodeOf } from '../../kernel/errors.ts';
import { LIMITS } from './limits.ts';
import { unpackAscii85, unpackHex, unpackLzw, unpackRunLength } from './old-filters.ts';
import { type PdfObjects, type PdfValue } from './pdf-objects.ts';
import { Refusal } from './refusal.ts';

type Unpack = (data: Uint8Array, most: number) => Uint8Array | Promise<Uint8Array>;

/** By filter. Those of pictures are not unpacked here: what they make has as many pixels as the picture says. */
const UNPACK: Record<string, Unpack> = {
  '/FlateDecode': inflate,
  '/Fl': inflate,
  '/LZWDecode': unpackLzw,
  '/LZW': unpackLzw,
  '/RunLengthDecode': unpackRunLength,
  '/RL': unpackRunLength,
  '/ASCII85Decode': unpackAscii85,
  '/A85': unpackAscii85,
  '/ASCIIHexDecode': unpackHex,
  '/AHx': unpackHex,
};

/** Of so many bytes as Flate packs into one, at most. */
const FLATE_RATIO = 1_032;
/** What is unpacked in one go, which is faster for many small streams. */
const AT_ONCE = 16_777_216;
const PIECE_BYTES = 1_048_576;

/**
 * Checks how many pixels the pictures of a PDF have, and what becomes of its streams when they are unpacked.
 * @throws Refusal
 */
export async function checkStreams(objects: PdfObjects): Promise<void> {
  let total = 0;
  for (const reference of objects.references) {
    if (!objects.isStream(reference)) continue;
    checkPixels(objects, reference);
    total += await unpackedBytes(objects, reference);
    if (total > LIMITS.unpackedBytes) throw tooLarge('its streams together', LIMITS.unpackedBytes);
  }
}

function checkPixels(objects: PdfObjects, reference: string): void {
  const dict = objects.dict(reference) ?? {};
  const [width, height] = ['/Width', '/Height'].map((side) => objects.get(dict[side]));
  if (typeof width !== 'number' || typeof height !== 'number') return;
  if (width * height > LIMITS.imagePixels || width < 0 || height < 0)
    throw new Refusal(`it has a picture of ${width} × ${height} pixels; allowed: ${LIMITS.imagePixels} pixels`);
}

async function unpackedBytes(objects: PdfObjects, reference: string): Promise<number> {
  const filters = filtersOf(objects, objects.dict(reference)?.['/Filter']);
  if (filters.length > LIMITS.filters)
    throw new Refusal(`it has a stream with ${filters.length} filters; allowed: ${LIMITS.filters}`);
  let data = objects.packed(reference);
  for (const filter of filters) {
    const unpack = Object.hasOwn(UNPACK, filter) ? UNPACK[filter] : undefined;
    if (!unpack) break;
    try {
      data = await unpack(data, LIMITS.streamBytes);
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      // One filter is left as it is; of several qpdf cannot write what is damaged.
      if (filters.length > 1) throw new Refusal('one of its streams is damaged', { cause: error });
      return error.length;
    }
    if (data.length > LIMITS.streamBytes) throw tooLarge('one of its streams', LIMITS.streamBytes);
  }
  return data.length;
}

function filtersOf(objects: PdfObjects, value: PdfValue | undefined): string[] {
  const found = objects.list(value) ?? [objects.get(value) ?? null];
  return found.map((filter) => objects.get(filter)).filter((filter) => typeof filter === 'string');
}

/** Data that cannot be unpacked to its end. */
class Damaged extends Error {
  /** bytes before the damage */
  readonly length: number;

  constructor(length: number, options: { cause: unknown }) {
    super('the data is damaged', options);
    this.length = length;
  }
}

/** @returns more than `most` bytes if there are more. @throws Damaged */
async function inflate(data: Uint8Array, most: number): Promise<Uint8Array> {
  const finishFlush = constants.Z_SYNC_FLUSH; // data may end early
  if (data.length * FLATE_RATIO <= AT_ONCE)
    try {
      return inflateSync(data, { finishFlush, maxOutputLength: AT_ONCE });
    } catch {
      // it is counted below how much there is before the damage
    }
  const inflater = createInflate({ finishFlush, chunkSize: PIECE_BYTES });
  inflater.end(data);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of inflater as AsyncIterable<Uint8Array>) {
      pieces.push(piece);
      length += piece.length;
      if (length > most) break;
    }
  } catch (error) {
    if (systemCodeOf(error)?.startsWith('Z_') !== true) throw error;
    throw new Damaged(length, { cause: error });
  }
  return Buffer.concat(pieces);
}

const tooLarge = (what: string, most: number) =>
  new Refusal(`${what} would have more than ${most} bytes when unpacked; allowed: ${most} bytes`);

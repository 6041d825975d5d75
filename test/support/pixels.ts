import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { inflateSync } from 'node:zlib';
import createWebpDecoder from '@jsquash/webp/codec/dec/webp_dec.js';
import { jpegPixels } from '../../src/finishing/jsquash.ts'; // which also has the class that the decoder makes

/** A picture as it is seen. */
export interface Pixels {
  width: number;
  height: number;
  /** red, green, blue and opacity, from 0 to 255 */
  at: (x: number, y: number) => number[];
}

interface Decoder {
  decode(webp: Uint8Array): { data: Uint8Array; width: number; height: number };
}
type Factory = (options: { noInitialRun: boolean; wasmBinary: Uint8Array }) => Promise<Decoder>;

const require = createRequire(import.meta.url);

/** Of a PNG, JPEG or WebP, by its first bytes. */
export async function pixelsOf(bytes: Uint8Array): Promise<Pixels> {
  if (bytes[0] === 0x89) return pngPixels(Buffer.from(bytes));
  return bytes[0] === 0xff ? jpegPixelsOf(bytes) : webpPixels(bytes);
}

const seen = (data: Uint8Array, width: number, height: number): Pixels => ({
  width,
  height,
  at: (x, y) => [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)],
});

async function jpegPixelsOf(jpeg: Uint8Array): Promise<Pixels> {
  const picture = await jpegPixels(jpeg);
  if (!picture) throw new Error('the JPEG is damaged');
  return seen(picture.rgba, picture.width, picture.height);
}

async function webpPixels(webp: Uint8Array): Promise<Pixels> {
  const wasmBinary = readFileSync(require.resolve('@jsquash/webp/codec/dec/webp_dec.wasm'));
  const decoder = await (createWebpDecoder as unknown as Factory)({ noInitialRun: true, wasmBinary });
  const { data, width, height } = decoder.decode(webp);
  return seen(data, width, height);
}

/** Of 8 bits, with or without transparency. */
function pngPixels(png: Buffer): Pixels {
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const [width, height, kind] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25]];
  if (png[24] !== 8 || (kind !== 2 && kind !== 6)) throw new Error(`a PNG of kind ${kind}, which is not read here`);
  const bytes = kind === 2 ? 3 : 4;
  const stride = width * bytes;
  const rows = inflateSync(Buffer.concat(data));
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const value = (dx: number, dy: number) => (x < dx || y < dy ? 0 : (pixels[(y - dy) * stride + x - dx] ?? 0));
      const [left, up, corner] = [value(bytes, 0), value(0, 1), value(bytes, 1)];
      const guesses = [0, left, up, Math.floor((left + up) / 2), paeth(left, up, corner)];
      pixels[y * stride + x] = (rows[y * (stride + 1) + 1 + x] ?? 0) + (guesses[filter ?? 0] ?? 0);
    }
  }
  const at = (x: number, y: number) => {
    const pixel = [...pixels.subarray(y * stride + x * bytes, y * stride + (x + 1) * bytes)];
    return bytes === 3 ? [...pixel, 255] : pixel;
  };
  return { width, height, at };
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(guess - value)) as [
    number,
    number,
    number,
  ];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

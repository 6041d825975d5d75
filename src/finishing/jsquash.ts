import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import createJpegDecoder from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import createJpegEncoder from '@jsquash/jpeg/codec/enc/mozjpeg_enc.js';
import { defaultOptions as jpegDefaults } from '@jsquash/jpeg/meta.js';
import createWebpEncoder from '@jsquash/webp/codec/enc/webp_enc_simd.js';
import { defaultOptions as webpDefaults } from '@jsquash/webp/meta.js';
import type { PagePicture } from './pdfium.ts';

// MozJPEG and libwebp, compiled to WebAssembly. Each picture has an instance of its own, since one keeps the memory that
// a large picture needed.

interface Encoder {
  encode(rgba: Uint8Array, width: number, height: number, options: object): Uint8Array | null;
}

interface Decoder {
  decode(jpeg: Uint8Array, isTurned: boolean): { width: number; height: number; data: Uint8Array } | null;
}

/** What the decoder makes; browsers have it. */
class ImageData {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;

  constructor(data: Uint8Array, width: number, height: number) {
    [this.data, this.width, this.height] = [data, width, height];
  }
}
Object.assign(globalThis, { ImageData });

type Factory = (options: { noInitialRun: boolean; wasmBinary: Uint8Array }) => Promise<Encoder>;

const require = createRequire(import.meta.url);
const jpegWasm = readFileSync(require.resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'));
const jpegDecoderWasm = readFileSync(require.resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'));
const webpWasm = readFileSync(require.resolve('@jsquash/webp/codec/enc/webp_enc_simd.wasm'));

/** `JCS_GRAYSCALE` */
const GREY = 1;
const nothing = () => undefined;

/** @param quality 1 to 100 */
export async function jpegOf(picture: PagePicture, quality: number, { isGrey = false } = {}): Promise<Uint8Array> {
  const colours = isGrey ? { color_space: GREY } : {};
  return encode(createJpegEncoder, jpegWasm, picture, { ...jpegDefaults, quality, ...colours });
}

/** The picture of a JPEG, not turned. @returns undefined if it is damaged */
export async function jpegPixels(jpeg: Uint8Array): Promise<PagePicture | undefined> {
  const create = createJpegDecoder as unknown as (options: object) => Promise<Decoder>;
  const decoder = await create({ noInitialRun: true, wasmBinary: jpegDecoderWasm, print: nothing, printErr: nothing });
  try {
    const picture = decoder.decode(jpeg, false);
    return picture ? { width: picture.width, height: picture.height, rgba: picture.data } : undefined;
  } catch {
    return undefined; // the instance, which may be in any state, is given up
  }
}

/** @param quality 1 to 100 */
export async function webpOf(picture: PagePicture, quality: number): Promise<Uint8Array> {
  return encode(createWebpEncoder, webpWasm, picture, { ...webpDefaults, quality });
}

async function encode(
  create: Factory,
  wasmBinary: Uint8Array,
  { rgba, width, height }: PagePicture,
  options: object,
): Promise<Uint8Array> {
  const encoder = await create({ noInitialRun: true, wasmBinary });
  const encoded = encoder.encode(rgba, width, height, options);
  if (!encoded) throw new Error(`a picture of ${width} × ${height} pixels was not encoded`);
  return encoded;
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
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

type Factory = (options: { noInitialRun: boolean; wasmBinary: Uint8Array }) => Promise<Encoder>;

const require = createRequire(import.meta.url);
const jpegWasm = readFileSync(require.resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'));
const webpWasm = readFileSync(require.resolve('@jsquash/webp/codec/enc/webp_enc_simd.wasm'));

/** @param quality 1 to 100 */
export async function jpegOf(picture: PagePicture, quality: number): Promise<Uint8Array> {
  return encode(createJpegEncoder, jpegWasm, picture, { ...jpegDefaults, quality });
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

import { PdfArray, PdfBool, PdfName, PdfNull, PdfStream } from '../libpdf.ts';
import { jpegPixels } from '../jsquash.ts';
import type { Source } from '../merge/source.ts';
import type { Raster } from './average.ts';

/** Pixels of an image, at most: they take up to four bytes each, several times. */
const MAX_PIXELS = 40_000_000;
/** What changes how pixels are shown; an image with one of them is left as it is. */
const SPECIAL = ['Mask', 'Decode', 'Alternates', 'OPI', 'Matte', 'SMaskInData'];
const RGBA_BYTES = 4;

/** An image that can be made smaller, as far as its dictionary says. */
export interface ImageKind {
  width: number;
  height: number;
  /** 1: grey, 3: red, green, blue */
  channels: 1 | 3;
  isJpeg: boolean;
}

/** @returns undefined for an image that is to stay what it is */
export function kindOf(source: Source, image: PdfStream): ImageKind | undefined {
  const [width, height, bits] = ['Width', 'Height', 'BitsPerComponent'].map((key) => source.number(image, key) ?? 0);
  const mask = source.get(image, 'ImageMask');
  const channels = channelsOf(source, image);
  const isJpeg = filterOf(source, image) === 'DCTDecode';
  if (!(width && height && Number.isInteger(width) && Number.isInteger(height)) || width * height > MAX_PIXELS) return undefined; // prettier-ignore
  if (width < 0 || height < 0 || (bits !== 8 && !isJpeg) || !channels) return undefined;
  if ((mask instanceof PdfBool && mask.value) || SPECIAL.some((key) => has(source, image, key))) return undefined;
  if (!isJpeg && filterOf(source, image) !== 'FlateDecode') return undefined;
  // Its colours are mixed with another one by its mask, which has to have as many pixels as it has.
  const softMask = source.get(image, 'SMask');
  if (softMask instanceof PdfStream && has(source, softMask, 'Matte')) return undefined;
  return isJpeg && has(source, image, 'DecodeParms') ? undefined : { width, height, channels, isJpeg };
}

/** @returns undefined if it is damaged, or not what its dictionary says */
export async function pixelsOf(image: PdfStream, kind: ImageKind): Promise<Raster | undefined> {
  const { width, height, channels, isJpeg } = kind;
  if (!isJpeg) {
    const data = unpacked(image);
    return data && data.length >= width * height * channels ? { width, height, channels, data } : undefined;
  }
  const frame = jpegFrame(image.data);
  if (frame?.width !== width || frame.height !== height || frame.channels !== channels) return undefined;
  const rgba = await jpegPixels(image.data);
  if (rgba?.width !== width || rgba.height !== height) return undefined;
  const data = new Uint8Array(width * height * channels);
  for (let from = 0, to = 0; to < data.length; from += RGBA_BYTES)
    for (let channel = 0; channel < channels; channel++) data[to++] = rgba.rgba[from + channel] as number;
  return { width, height, channels, data };
}

const has = (source: Source, image: PdfStream, key: string): boolean => {
  const found = source.get(image, key);
  return found !== undefined && !(found instanceof PdfNull);
};

function filterOf(source: Source, image: PdfStream): string | undefined {
  const filter = source.get(image, 'Filter');
  const [only, ...others] = filter instanceof PdfArray ? filter.toArray() : [filter];
  const found = source.look(only);
  return found instanceof PdfName && others.length === 0 ? found.value : undefined;
}

function channelsOf(source: Source, image: PdfStream): 1 | 3 | undefined {
  const space = source.get(image, 'ColorSpace');
  const name = source.look(space instanceof PdfArray ? space.at(0) : space);
  if (!(name instanceof PdfName)) return undefined;
  if (name.value === 'DeviceRGB') return 3;
  if (name.value === 'DeviceGray') return 1;
  const profile = name.value === 'ICCBased' && space instanceof PdfArray ? source.look(space.at(1)) : undefined;
  const components = profile instanceof PdfStream ? source.number(profile, 'N') : undefined;
  return components === 1 || components === 3 ? components : undefined;
}

function unpacked(image: PdfStream): Uint8Array | undefined {
  try {
    return image.getDecodedData();
  } catch {
    return undefined;
  }
}

/** What the header of a JPEG says, before it is unpacked. */
function jpegFrame(jpeg: Uint8Array): { width: number; height: number; channels: number } | undefined {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  for (let at = 2; at + 10 <= jpeg.length;) {
    if (jpeg[at] !== 0xff) return undefined;
    const marker = jpeg[at + 1] ?? 0;
    if (marker === 0xff) at++;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7), channels: jpeg[at + 9] ?? 0 };
    else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

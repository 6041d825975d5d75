import { deflateSync } from 'node:zlib';
import type { Finishing } from '../../domain/finishing.ts';
import type { Draft } from '../draft.ts';
import { jpegOf } from '../jsquash.ts';
import { PdfName, PdfNumber, PdfStream } from '../libpdf.ts';
import { Source } from '../merge/source.ts';
import { averaged, type Raster } from './average.ts';
import { imageSizes, type ShownSize } from './image-sizes.ts';
import { kindOf, pixelsOf } from './read-image.ts';

type Images = NonNullable<Finishing['images']>;
export type ImageSettings = Omit<Images, 'reencode'> & Partial<Images>;

const POINTS_PER_INCH = 72;
const RGBA_BYTES = 4;

/**
 * Makes images that have more pixels than `maxDpi` where they are shown smaller, as JPEG, and if `reencode` is on those
 * that are stored without loss; none becomes larger.
 */
export async function shrinkImages(drafts: Draft[], settings: ImageSettings): Promise<Draft[]> {
  for (const draft of drafts) {
    const source = new Source(await draft.document());
    for (const [image, shown] of imageSizes(source) ?? []) await shrink(source, image, shown, settings);
  }
  return drafts;
}

async function shrink(source: Source, image: PdfStream, shown: ShownSize, settings: ImageSettings) {
  const { maxDpi, quality, reencode = false } = settings;
  const kind = kindOf(source, image);
  if (!kind) return;
  const needed = (points: number) => (maxDpi === false ? Infinity : (points / POINTS_PER_INCH) * maxDpi);
  const scale = Math.max(needed(shown.width) / kind.width, needed(shown.height) / kind.height);
  const isLossless = reencode && !kind.isJpeg;
  if (!(scale < 1) && !isLossless) return;
  const pixels = await pixelsOf(image, kind);
  if (!pixels) return;
  const small = averaged(pixels, scaled(pixels, scale));
  const jpeg = await jpegOf({ ...small, rgba: rgbaOf(small) }, quality, { isGrey: kind.channels === 1 });
  if (jpeg.length >= image.data.length) return;
  image.setData(jpeg); // forgets the filter
  image.set('Filter', PdfName.of('DCTDecode'));
  image.delete('DecodeParms');
  image.set('Width', PdfNumber.of(small.width));
  image.set('Height', PdfNumber.of(small.height));
  image.set('BitsPerComponent', PdfNumber.of(8));
  if (scale < 1) await shrinkMask(source, image, scale);
}

/** Another image may have the same mask: it becomes one of its own. */
async function shrinkMask(source: Source, image: PdfStream, scale: number): Promise<void> {
  const mask = source.get(image, 'SMask');
  const kind = mask instanceof PdfStream ? kindOf(source, mask) : undefined;
  if (!(mask instanceof PdfStream) || kind?.channels !== 1) return;
  const pixels = await pixelsOf(mask, kind);
  if (!pixels) return;
  const small = averaged(pixels, scaled(pixels, scale));
  const data = deflateSync(small.data);
  if (data.length >= mask.data.length) return;
  const entries = [...mask].filter(([{ value: key }]) => !['Length', 'DecodeParms'].includes(key));
  const copy = new PdfStream(entries, data);
  copy.set('Filter', PdfName.of('FlateDecode'));
  copy.set('Width', PdfNumber.of(small.width));
  copy.set('Height', PdfNumber.of(small.height));
  copy.set('BitsPerComponent', PdfNumber.of(8));
  image.set('SMask', source.document.register(copy));
}

const scaled = ({ width, height }: Raster, scale: number) => ({
  width: Math.min(width, Math.max(1, Math.ceil(width * scale))),
  height: Math.min(height, Math.max(1, Math.ceil(height * scale))),
});

function rgbaOf({ width, height, channels, data }: Raster): Uint8Array {
  const rgba = new Uint8Array(width * height * RGBA_BYTES).fill(255);
  for (let pixel = 0; pixel < width * height; pixel++)
    for (let colour = 0; colour < 3; colour++)
      rgba[pixel * RGBA_BYTES + colour] = data[pixel * channels + (channels === 1 ? 0 : colour)] as number;
  return rgba;
}

import { type PDF, PdfArray, PdfBool, PdfName, PdfNumber, type PdfRef, PdfStream } from '../libpdf.ts';

/** What makes an image other than its pixels say. */
const SPECIAL = ['Decode', 'Matte', 'SMaskInData', 'Mask'];
const OPAQUE = 255;
/** Pixels of an image, at most. */
const MAX_PIXELS = 100_000_000;

/**
 * Takes the transparency from an image: pixels that are transparent in part are painted on white, those that are so
 * altogether are left out by a mask of one bit, which PDF 1.3 has. An image that this cannot be done for stays as it is.
 */
export function flattenImage(pdf: PDF, image: PdfStream): void {
  const resolve = (ref: PdfRef) => pdf.context.registry.resolve(ref);
  const mask = image.get('SMask', resolve);
  if (!(mask instanceof PdfStream)) return;
  const number = (stream: PdfStream, key: string) => stream.getNumber(key, resolve)?.value ?? 0;
  const [width, height] = [number(image, 'Width'), number(image, 'Height')];
  const isAlike = number(mask, 'Width') === width && number(mask, 'Height') === height;
  const isSpecial = SPECIAL.some((key) => image.has(key) || mask.has(key));
  if (!isAlike || isSpecial || number(mask, 'BitsPerComponent') !== 8 || width * height > MAX_PIXELS) return;
  const alphas = isData(mask, resolve) ? mask.getDecodedData() : undefined;
  if (alphas?.length !== width * height) return;
  if (!alphas.every((alpha) => alpha === 0 || alpha === OPAQUE)) {
    const colours = coloursOf(image, resolve);
    const isPlain = colours !== undefined && number(image, 'BitsPerComponent') === 8 && isData(image, resolve);
    const pixels = isPlain ? image.getDecodedData() : undefined;
    if (pixels === undefined || pixels.length !== alphas.length * (colours ?? 0)) return;
    image.setData(onWhite(pixels, alphas));
    for (const key of ['Filter', 'DecodeParms']) image.delete(key);
  }
  image.delete('SMask');
  if (alphas.includes(0)) image.set('Mask', pdf.context.register(stencil(alphas, width, height)));
}

/** Whether the filters of a stream are those of data, not of pictures. */
function isData(stream: PdfStream, resolve: (ref: PdfRef) => ReturnType<PDF['context']['resolve']>): boolean {
  const filter = stream.get('Filter', resolve);
  const list = filter instanceof PdfArray ? Array.from({ length: filter.length }, (_, at) => filter.at(at, resolve)) : [filter]; // prettier-ignore
  return list.every((each) => !each || (each instanceof PdfName && each.value === 'FlateDecode'));
}

/** How many numbers a pixel has, if white is the largest of each; undefined: it is another space. */
function coloursOf(
  image: PdfStream,
  resolve: (ref: PdfRef) => ReturnType<PDF['context']['resolve']>,
): 1 | 3 | undefined {
  const space = image.get('ColorSpace', resolve);
  const name = space instanceof PdfName ? space.value : '';
  if (name === 'DeviceRGB') return 3;
  if (name === 'DeviceGray') return 1;
  const kind = space instanceof PdfArray ? space.at(0, resolve) : undefined;
  const profile = space instanceof PdfArray ? space.at(1, resolve) : undefined;
  if (!(kind instanceof PdfName && kind.value === 'ICCBased' && profile instanceof PdfStream)) return undefined;
  const colours = profile.getNumber('N', resolve)?.value;
  const isLab = Buffer.from(profile.getDecodedData().subarray(16, 20)).toString('latin1') === 'Lab ';
  return !isLab && (colours === 1 || colours === 3) ? colours : undefined;
}

function onWhite(pixels: Uint8Array, alphas: Uint8Array): Uint8Array {
  const colours = pixels.length / alphas.length;
  const painted = new Uint8Array(pixels.length);
  for (let pixel = 0; pixel < alphas.length; pixel++) {
    const alpha = alphas[pixel] ?? OPAQUE;
    for (let at = pixel * colours; at < (pixel + 1) * colours; at++)
      painted[at] = Math.round(((pixels[at] ?? 0) * alpha + OPAQUE * (OPAQUE - alpha)) / OPAQUE);
  }
  return painted;
}

/** A mask that leaves out the pixels of no opacity: their bits are 1. */
function stencil(alphas: Uint8Array, width: number, height: number): PdfStream {
  const row = (width + 7) >> 3;
  const bits = new Uint8Array(row * height);
  for (let pixel = 0; pixel < alphas.length; pixel++) {
    if (alphas[pixel] !== 0) continue;
    const x = pixel % width;
    const at = Math.floor(pixel / width) * row + (x >> 3);
    bits[at] = (bits[at] ?? 0) | (0x80 >> (x & 7));
  }
  const entries = {
    Type: PdfName.of('XObject'),
    Subtype: PdfName.of('Image'),
    Width: PdfNumber.of(width),
    Height: PdfNumber.of(height),
    ImageMask: PdfBool.TRUE,
    BitsPerComponent: PdfNumber.of(1),
  };
  return PdfStream.fromDict(entries, bits);
}

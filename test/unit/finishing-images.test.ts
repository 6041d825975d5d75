import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Draft } from '../../src/finishing/draft.ts';
import { averaged } from '../../src/finishing/images/average.ts';
import { type ImageSettings, shrinkImages } from '../../src/finishing/images/shrink-images.ts';
import { jpegOf } from '../../src/finishing/jsquash.ts';
import { type PdfName, PdfStream } from '../../src/finishing/libpdf.ts';
import { withPdfium } from '../../src/finishing/pdfium.ts';
import { qpdf } from '../../src/finishing/qpdf.ts';
import { rawPdf, rawStream } from '../support/raw-pdf.ts';

const SIDE = 600;
const RGB = '/ColorSpace /DeviceRGB';

/** A soft picture with some noise. */
function pixels(channels: number, side = SIDE): Uint8Array {
  const data = new Uint8Array(side * side * channels);
  let noise = 1;
  for (let index = 0; index < data.length; index++) {
    noise = (noise * 1_103_515_245 + 12_345) % 2 ** 31;
    const pixel = Math.floor(index / channels);
    const [x, y] = [pixel % side, Math.floor(pixel / side)];
    data[index] = ((index % channels === 0 ? x : y) * 200) / side + ((noise >> 16) % 16);
  }
  return data;
}

const image = (entries: string, data: Uint8Array, side = SIDE) =>
  rawStream(`/Type /XObject /Subtype /Image /Width ${side} /Height ${side} /BitsPerComponent 8 ${entries}`, data);
const flate = (entries: string, data: Uint8Array) => image(`${entries} /Filter /FlateDecode`, deflateSync(data));
const page = (objects: readonly (string | Uint8Array)[], content = 'q 100 0 0 100 50 50 cm /I Do Q', resources = '/XObject << /I 5 0 R >>') =>
  rawPdf({ page: `/Resources << ${resources} >>`, content, objects }); // prettier-ignore

async function shrunk(bytes: Uint8Array, settings: Partial<ImageSettings> = {}) {
  const all = { maxDpi: 144, quality: 80, ...settings };
  const [draft] = await shrinkImages([new Draft({ bytes, pages: 1, isUploaded: true })], all);
  const document = await draft?.document();
  const images = new Map<number, { width?: number; filter?: string; size: number }>();
  for (const [ref, object] of document?.context.registry.entries() ?? [])
    if (object instanceof PdfStream && object.getName('Subtype')?.value === 'Image')
      images.set(ref.objectNumber, {
        width: object.getNumber('Width')?.value,
        filter: (object.get('Filter') as PdfName | undefined)?.value,
        size: object.data.length,
      });
  const saved = (await draft?.bytes()) ?? new Uint8Array();
  const made = await qpdf(saved, ['/in.pdf', '/out.pdf']);
  return { made, images };
}

async function difference(one: Uint8Array, other: Uint8Array): Promise<number> {
  const [a, b] = await Promise.all(
    [one, other].map((pdf) => withPdfium(pdf, (document) => document.picture(1, { width: 300, height: 300 }).rgba)),
  );
  let sum = 0;
  for (let index = 0; index < (a?.length ?? 0); index++) sum += Math.abs((a?.[index] ?? 0) - (b?.[index] ?? 0));
  return sum / (a?.length ?? 1);
}

const jpeg = (channels: 1 | 3) => {
  const data = pixels(channels);
  const rgba = Uint8Array.from({ length: SIDE * SIDE * 4 }, (_, index) => index % 4 === 3 ? 255 : (data[Math.floor(index / 4) * channels + (channels === 1 ? 0 : index % 4)] ?? 0)); // prettier-ignore
  return jpegOf({ width: SIDE, height: SIDE, rgba }, 95, { isGrey: channels === 1 });
}; // prettier-ignore

function predicted(channels: number, kind: 'png' | 'tiff'): Uint8Array {
  const data = pixels(channels);
  const stride = SIDE * channels;
  const rows = Array.from({ length: SIDE }, (_, y) => {
    const row = data.slice(y * stride, (y + 1) * stride);
    const coded = row.map((value, x) => value - (x < channels ? 0 : (row[x - channels] ?? 0)));
    return kind === 'png' ? Buffer.concat([Buffer.of(1), coded]) : Buffer.from(coded);
  });
  return image(
    `${RGB} /Filter /FlateDecode /DecodeParms << /Predictor ${kind === 'png' ? 15 : 2} /Colors 3 /Columns ${SIDE} >>`,
    deflateSync(Buffer.concat(rows)),
  );
}

const ICC = '/ColorSpace [/ICCBased 6 0 R]';
const PROFILE = rawStream('/N 3 /Alternate /DeviceRGB', '');

test.each<[string, () => Promise<Uint8Array> | Uint8Array, string?]>([
  ['Flate of colours', () => flate(RGB, pixels(3))],
  ['Flate of grey', () => flate('/ColorSpace /DeviceGray', pixels(1))],
  ['Flate with a profile', () => flate(ICC, pixels(3))],
  ['the predictor of PNG', () => predicted(3, 'png')],
  ['the predictor of TIFF', () => predicted(3, 'tiff')],
  ['JPEG of colours', async () => image(`${RGB} /Filter /DCTDecode`, await jpeg(3))],
  ['JPEG of grey', async () => image('/ColorSpace /DeviceGray /Filter /DCTDecode', await jpeg(1))],
])('%s becomes a small JPEG that looks the same', async (_, make) => {
  const before = page([await make(), PROFILE]);
  const { made, images } = await shrunk(before);
  expect(images.get(5)).toMatchObject({ width: 200, filter: 'DCTDecode' });
  expect(made.length).toBeLessThan(before.length / 4);
  expect(await difference(before, made)).toBeLessThan(2);
});

/** Twelve forms that draw one another without end, and each fifty times. */
function endless(): Uint8Array {
  const forms = Array.from({ length: 12 }, (_, index) => rawStream(`/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F ${((index + 1) % 12) + 5} 0 R >> >>`, '/F Do '.repeat(50))); // prettier-ignore
  return page([...forms, flate(RGB, pixels(3))], 'q 100 0 0 100 0 0 cm /I Do Q /F Do', '/XObject << /F 5 0 R /I 17 0 R >>'); // prettier-ignore
}

test.each([
  ['forms beside it that never end', endless],
  ['few enough pixels', () => page([flate(RGB, pixels(3))], 'q 300 0 0 300 0 0 cm /I Do Q')],
  ['a use that is large', () => page([flate(RGB, pixels(3))], 'q 50 0 0 50 0 0 cm /I Do Q q 300 0 0 300 0 0 cm /I Do Q')],
  ['CMYK', () => page([flate('/ColorSpace /DeviceCMYK', pixels(4))])],
  ['a palette', () => page([flate('/ColorSpace [/Indexed /DeviceRGB 1 <000000ffffff>]', pixels(1))])],
  ['a Decode array', () => page([flate(`${RGB} /Decode [1 0 1 0 1 0]`, pixels(3))])],
  ['a colour key', () => page([flate(`${RGB} /Mask [0 1 0 1 0 1]`, pixels(3))])],
  ['a mask that its colours are mixed by', () => page([flate(`${RGB} /SMask 6 0 R`, pixels(3)), flate('/ColorSpace /DeviceGray /Matte [0 0 0]', pixels(1))])],
  ['too little data', () => page([flate(RGB, pixels(3, 300))])],
  ['damaged JPEG', () => page([image(`${RGB} /Filter /DCTDecode`, Buffer.from('ffd8ffe0'))])],
  ['another size in its JPEG', () => page([image(`${RGB} /Filter /DCTDecode`, Buffer.from('ffd8ffc0001108ffffffff03', 'hex'))])],
  ['a size that is not true', () => page([image(`${RGB} /Filter /FlateDecode`, deflateSync(Buffer.alloc(9)), 100_000)])],
  ['a use in a pattern', () => page([flate(RGB, pixels(3)), rawStream('/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 9 9] /XStep 9 /YStep 9 /Resources << /XObject << /I 5 0 R >> >>', '/I Do')], undefined, '/XObject << /I 5 0 R >> /Pattern << /P 6 0 R >>')],
])('an image with %s stays as it is', async (_, make) => {
  const bytes = make();
  const [draft] = await shrinkImages([new Draft({ bytes, pages: 1, isUploaded: true })], { maxDpi: 144, quality: 80 });
  expect(Buffer.compare((await draft?.bytes()) ?? new Uint8Array(), bytes)).toBe(0);
}); // prettier-ignore

test('forms and turns count, and the transparency is made smaller alike', async () => {
  const form = rawStream('/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Matrix [2 0 0 2 0 0] /Resources << /XObject << /I 6 0 R >> >>', '0 50 -50 0 50 0 cm /I Do'); // prettier-ignore
  const before = page(
    [form, flate(`${RGB} /SMask 7 0 R`, pixels(3)), flate('/ColorSpace /DeviceGray', pixels(1))],
    'q 1 0 0 1 60 60 cm /F Do Q',
    '/XObject << /F 5 0 R >>',
  );
  const { images, made } = await shrunk(before);
  expect(images.get(6)).toMatchObject({ width: 200, filter: 'DCTDecode' });
  expect([...images.values()].filter(({ width, filter }) => width === 200 && filter === 'FlateDecode')).toHaveLength(1);
  expect(await difference(before, made)).toBeLessThan(2);
});

test.each<[string, number | false, number]>([
  ['keeps its pixels', false, SIDE],
  ['has no pixels too many', 1_200, SIDE],
  ['has too many', 144, 200],
])('an image without loss that %s is encoded anew', async (_, maxDpi, width) => {
  const before = page([flate(RGB, pixels(3)), PROFILE]);
  const { images, made } = await shrunk(before, { maxDpi, reencode: true });
  expect(images.get(5)).toMatchObject({ width, filter: 'DCTDecode' });
  expect(made.length).toBeLessThan(before.length / 2);
  expect(await difference(before, made)).toBeLessThan(2);
  const coarse = await shrunk(before, { maxDpi, reencode: true, quality: 5 });
  expect(coarse.images.get(5)?.size).toBeLessThan((images.get(5)?.size ?? 0) / 2);
});

test('a JPEG is not encoded anew, nor is anything if nobody asks for it', async () => {
  const packed = page([image(`${RGB} /Filter /DCTDecode`, await jpeg(3))]);
  const { images } = await shrunk(packed, { maxDpi: false, reencode: true, quality: 5 });
  expect(images.get(5)?.size).toBe((await jpeg(3)).length);
  expect((await shrunk(page([flate(RGB, pixels(3))]), { maxDpi: false })).images.get(5)?.filter).toBe('FlateDecode');
});

test('each pixel is the average of those that it covers', () => {
  const small = averaged({ width: 3, height: 2, channels: 1, data: Uint8Array.of(0, 90, 180, 0, 90, 180) }, { width: 2, height: 1 }); // prettier-ignore
  expect([...small.data]).toEqual([30, 150]);
});

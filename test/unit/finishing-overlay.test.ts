import { describe, expect, it } from 'vitest';
import { Draft } from '../../src/finishing/draft.ts';
import { PDF, PdfArray, PdfDict, PdfName, PdfNumber, PdfStream } from '../../src/finishing/libpdf.ts';
import type { PlacedLayer } from '../../src/finishing/overlay/layers.ts';
import { measurePages } from '../../src/finishing/overlay/measure-pages.ts';
import { overlayPages } from '../../src/finishing/overlay/overlay-pages.ts';
import type { Layer } from '../../src/domain/layer.ts';
import { placeOf } from '../../src/finishing/overlay/layer-place.ts';
import { placement } from '../../src/finishing/overlay/placement.ts';
import { planCopies } from '../../src/finishing/overlay/plan-copies.ts';
import { withPdfium } from '../../src/finishing/pdfium.ts';
import { qpdf } from '../../src/finishing/qpdf.ts';
import type { Sheet } from '../../src/finishing/step.ts';
import { stepContext } from '../support/step-context.ts';

interface PageKind {
  rotate: number;
  crop: boolean;
  origin: number;
  unit: number;
}

const WIDTH = 200;
const HEIGHT = 300;
const KINDS: PageKind[] = [0, 90, 180, 270].flatMap((rotate) =>
  [false, true].flatMap((crop) => [0, -40].flatMap((origin) => [1, 2].map((unit) => ({ rotate, crop, origin, unit })))),
);

const array = (...values: number[]) => new PdfArray(values.map((value) => PdfNumber.of(value)));
const content = (text: string) => new PdfStream([], Buffer.from(text));

/** A page whose whole content is this; `kind`: what it is like. */
function addPage(pdf: PDF, text: string, { rotate, crop, origin, unit }: PageKind): PdfDict {
  const { dict } = pdf.addPage({ width: WIDTH, height: HEIGHT });
  dict.set('MediaBox', array(origin, origin, origin + WIDTH, origin + HEIGHT));
  // Reaches out of the media box, as crop boxes do.
  if (crop) dict.set('CropBox', array(origin + 30, origin + 50, origin + 180, origin + HEIGHT + 1_000));
  dict.set('Rotate', PdfNumber.of(rotate));
  if (unit !== 1) dict.set('UserUnit', PdfNumber.of(unit));
  dict.set('Contents', pdf.register(content(text)));
  return dict;
}

/** Squares in the corners of a sheet: red above left, green above right, blue below left; as the PDF of a layer. */
async function corners(sheets: readonly Sheet[]): Promise<Uint8Array> {
  const pdf = PDF.create();
  for (const { width, height } of sheets) {
    const page = pdf.addPage({ width, height });
    const top = height - 20;
    const squares = `1 0 0 rg 0 ${top} 20 20 re f 0 1 0 rg ${width - 20} ${top} 20 20 re f 0 0 1 rg 0 0 20 20 re f`;
    page.dict.set('Contents', pdf.register(content(squares)));
  }
  return pdf.save();
}

const printed = (pageOf: (number | null)[], layer: Partial<PlacedLayer> = {}): PlacedLayer =>
  ({ field: 'finishing.overlay[0]', file: 'layer', isUnder: false, opacity: 1, source: 'printed', pageOf, ...layer }) as PlacedLayer; // prettier-ignore

async function measured(draft: Draft): Promise<Sheet[]> {
  let found: Sheet[][] = [];
  await measurePages(
    [draft],
    true,
    stepContext({}, (sheets) => void (found = sheets)),
  );
  return found.flat();
}

async function overlaid(
  pdf: Uint8Array,
  layers: PlacedLayer[],
  files: Record<string, Uint8Array>,
  { isUploaded = false } = {},
): Promise<Uint8Array> {
  const pages = (await PDF.load(pdf)).getPageCount();
  const context = stepContext(files);
  const [draft] = await overlayPages([new Draft({ bytes: pdf, pages, isUploaded })], { layers }, context);
  const bytes = (await draft?.bytes()) ?? new Uint8Array();
  await qpdf(bytes, ['/in.pdf', '/out.pdf']); // fails if it finds errors
  return bytes;
}

const NAMES: Record<string, string> = { '255,0,0': 'red', '0,255,0': 'green', '0,0,255': 'blue', '255,255,255': 'white', '0,0,0': 'black' }; // prettier-ignore

/** The colours at places of a page as it is shown, in points from above left; negative: from below and right. */
function coloursAt(pdf: Uint8Array, page: number, places: [number, number][], { unit = 1 } = {}): Promise<string[]> {
  return withPdfium(pdf, (document) => {
    const size = document.sizeOf(page);
    const [width, height] = [Math.round(size.width), Math.round(size.height)];
    const { rgba } = document.picture(page, { width, height });
    return places.map(([x, y]) => {
      // PDFium does not know units, which all of its lengths have.
      const [left, top] = [Math.round(x / unit), Math.round(y / unit)];
      const at = ((top < 0 ? height + top : top) * width + (left < 0 ? width + left : left)) * 4;
      const colour = [...rgba.subarray(at, at + 3)].join();
      return NAMES[colour] ?? colour;
    });
  });
}

const IN_CORNERS: [number, number][] = [[10, 10], [-10, 10], [10, -10], [-10, -10]]; // prettier-ignore

describe('a layer', () => {
  const open = async () => {
    const pdf = PDF.create();
    for (const kind of KINDS) addPage(pdf, '', kind);
    return pdf.save();
  };

  it('is as large as each page is shown, whatever its boxes, units and turns', async () => {
    const bytes = await open();
    const sheets = await measured(new Draft({ bytes, pages: KINDS.length }));
    const sizes = KINDS.map(({ rotate, crop, unit }) => {
      const [width, height] = crop ? [150 * unit, 250 * unit] : [WIDTH * unit, HEIGHT * unit];
      return rotate % 180 === 0 ? { width, height } : { width: height, height: width };
    });
    expect(sheets).toEqual(sizes);
    const plan = planCopies([sheets], () => KINDS.map((_, index) => index + 1), { numbers: false, totals: false }); // prettier-ignore
    expect(plan.copies).toHaveLength(8);
    const result = await overlaid(bytes, [printed(plan.pageOf)], { layer: await corners(plan.sheets) });
    for (const [index, kind] of KINDS.entries())
      expect([kind, await coloursAt(result, index + 1, IN_CORNERS, kind)]).toEqual([kind, ['red', 'green', 'blue', 'white']]); // prettier-ignore
  });

  it('of another PDF keeps its form, in the middle, and is turned as its own page says', async () => {
    const source = PDF.create();
    for (const kind of KINDS) {
      const page = addPage(source, '', kind);
      const [left, bottom, right, top] = kind.crop
        ? [kind.origin + 30, kind.origin + 50, kind.origin + 180, kind.origin + HEIGHT]
        : [kind.origin, kind.origin, kind.origin + WIDTH, kind.origin + HEIGHT];
      const [width, height] = [(right - left) * 0.2, (top - bottom) * 0.2];
      // Of the corners as they are shown, clockwise from above left, the page's own one above left is the nth.
      const own = [[left, top - height], [right - width, top - height], [right - width, bottom], [left, bottom]]; // prettier-ignore
      const turn = kind.rotate / 90;
      const shown = own.map((_, index) => own[(index + 4 - turn) % 4]);
      const squares = ['1 0 0', '0 1 0', '0 0 0', '0 0 1'].map((colour, index) => `${colour} rg ${shown[index]?.join(' ')} ${width} ${height} re f`); // prettier-ignore
      page.set('Contents', source.register(content(squares.join(' '))));
    }
    const file = await source.save();
    const target = PDF.create();
    target.addPage({ width: 400, height: 400 });
    const base = await target.save();
    for (const [index, kind] of KINDS.entries()) {
      const layer = { field: 'f', file: 'layer', isUnder: false, opacity: 1, source: 'pdf', page: index + 1, pages: '', place: placeOf({}) } as const; // prettier-ignore
      const result = await overlaid(base, [layer], { layer: file });
      const [width, height] = kind.crop ? [150, 250] : [WIDTH, HEIGHT];
      const side = (400 * Math.min(width, height)) / Math.max(width, height);
      const edge = (400 - side) / 2 + 10;
      const isTall = kind.rotate % 180 === 0;
      const places = isTall ? [[edge, 10], [400 - edge, 10], [400 - edge, 390], [edge, 390]] : [[10, edge], [390, edge], [390, 400 - edge], [10, 400 - edge]]; // prettier-ignore
      const outside: [number, number] = isTall ? [edge - 20, 200] : [200, edge - 20];
      const found = await coloursAt(result, 1, [...(places as [number, number][]), outside]);
      expect([kind, found]).toEqual([kind, ['red', 'green', 'black', 'blue', 'white']]);
    }
  });
});

const PLAIN: PageKind = { rotate: 0, crop: false, origin: 0, unit: 1 };
const MIDDLE: [number, number] = [WIDTH / 2, HEIGHT / 2];

/** One page with one colour, as a layer. */
async function filled(colour: string, pages = 1): Promise<Uint8Array> {
  const pdf = PDF.create();
  for (let index = 0; index < pages; index++) addPage(pdf, `${colour} rg 0 0 ${WIDTH} ${HEIGHT} re f`, PLAIN);
  return pdf.save();
}

/** A PDF whose pages have this content. */
async function withContent(...texts: string[]): Promise<Uint8Array> {
  const pdf = PDF.create();
  for (const text of texts) addPage(pdf, text, PLAIN);
  return pdf.save();
}

describe('what a page has of its own', () => {
  it.each([
    ['nothing', ''],
    ['a state that is not restored', 'q 0.1 0 0 0.1 0 0 cm q'],
    ['a state that is restored once too often', '0.1 0 0 0.1 0 0 cm Q q Q Q'],
    ['text that does not end', 'BT 0.1 0 0 0.1 0 0 Tm /P <</MCID 0>> BDC q'],
    ['operators in strings, names, images and comments', '(q \\) q) /q /Q << /q (Q) >> <71> % Q Q\nBI /W 1 /H 1 /BPC 8 /CS /G ID Q EI q 0.1 0 0 0.1 0 0 cm'],
    ['a string that does not end', 'q 0.1 0 0 0.1 0 0 cm (never Q'],
    ['a name at the end', '0.1 0 0 0.1 0 0 cm /Q'],
  ])('does not move a layer: %s', async (_, text) => {
    const layer = await corners([{ width: WIDTH, height: HEIGHT }]);
    const result = await overlaid(await withContent(text), [printed([0])], { layer }, { isUploaded: true });
    expect(await coloursAt(result, 1, IN_CORNERS)).toEqual(['red', 'green', 'blue', 'white']);
  }); // prettier-ignore

  it('is drawn as before where it restores a state that it has not saved', async () => {
    const pdf = await withContent('0 1 0 rg Q 0 0 50 50 re f');
    const result = await overlaid(pdf, [printed([0])], { layer: await filled('1 0 0', 1).then(() => corners([{ width: WIDTH, height: HEIGHT }])) }, { isUploaded: true }); // prettier-ignore
    expect(await coloursAt(result, 1, [[30, -30]])).toEqual(await coloursAt(pdf, 1, [[30, -30]]));
  });

  it('may be in several streams, of which some cannot be decoded', async () => {
    const pdf = PDF.create();
    const page = addPage(pdf, '', PLAIN);
    const broken = new PdfStream([['Filter', PdfName.of('NoSuchDecode')]], Buffer.from('Q'));
    const streams = [content('q 0.1 0 0 0.1 0 0 cm'), content('q'), broken, content('Q')];
    page.set('Contents', pdf.register(new PdfArray(streams.map((stream) => pdf.register(stream)))));
    const file = await pdf.save();
    const layer = await corners([{ width: WIDTH, height: HEIGHT }]);
    const result = await overlaid(file, [printed([0])], { layer }, { isUploaded: true });
    expect(await coloursAt(result, 1, IN_CORNERS)).toEqual(['red', 'green', 'blue', 'white']);
    const asLayer = {
      field: 'f',
      file: 'file',
      isUnder: false,
      opacity: 1,
      source: 'pdf',
      page: 1,
      pages: '',
      place: placeOf({}),
    } as const;
    await expect(overlaid(await withContent(''), [asLayer], { file })).resolves.toBeInstanceOf(Uint8Array);
  });

  it('may be shared with pages that get nothing: they stay as they are', async () => {
    const pdf = PDF.create();
    const shared = pdf.register(content('0 0 1 rg 0 0 50 50 re f'));
    const resources = pdf.register(new PdfDict([['XObject', new PdfDict()]]));
    const pages = [0, 1, 2].map(() => addPage(pdf, '', PLAIN));
    for (const [index, page] of pages.entries()) {
      page.set('Contents', index === 2 ? new PdfArray([shared]) : shared);
      page.set('Resources', resources);
    }
    const result = await overlaid(await pdf.save(), [printed([null, 0, null])], { layer: await filled('1 0 0') });
    const seen = [1, 2, 3].map((page) => coloursAt(result, page, [MIDDLE, [10, -10]]));
    expect(await Promise.all(seen)).toEqual([['white', 'blue'], ['red', 'red'], ['white', 'blue']]); // prettier-ignore
  });

  it('may have its resources and its box from the tree, and names that layers would have', async () => {
    const pdf = PDF.create();
    const page = addPage(pdf, '/PdfpromptLayer0 Do', PLAIN);
    const own = pdf.register(PdfStream.fromDict({ Subtype: PdfName.of('Form'), BBox: array(0, 0, 100, 100) }, Buffer.from('0 1 0 rg 0 0 50 50 re f'))); // prettier-ignore
    const parent = pdf.getObject(page.getRef('Parent') ?? pdf.register(new PdfDict()));
    if (!(parent instanceof PdfDict)) throw new Error('the page has no parent');
    parent.set('Resources', new PdfDict([['XObject', pdf.register(new PdfDict([['PdfpromptLayer0', own]]))]]));
    parent.set('MediaBox', array(0, 0, WIDTH, HEIGHT));
    page.delete('MediaBox');
    page.delete('Resources');
    const result = await overlaid(await pdf.save(), [printed([0])], { layer: await corners([{ width: WIDTH, height: HEIGHT }]) }); // prettier-ignore
    expect(await coloursAt(result, 1, [...IN_CORNERS, [40, -40]])).toEqual(['red', 'green', 'blue', 'white', 'green']);
  });

  it('stays tagged: layers are artifacts outside of it, and share what is the same', async () => {
    const pdf = await withContent(...Array.from({ length: 3 }, () => '/P <</MCID 0>> BDC 0 0 1 rg 0 0 10 10 re f EMC'));
    const result = await overlaid(pdf, [printed([0, 0, 0], { isUnder: true }), printed([0, 0, 0])], { layer: await filled('1 0 0') }); // prettier-ignore
    const document = await PDF.load(result);
    const streams = document.getPages().map(({ dict }) => dict.getArray('Contents')?.toArray() ?? []);
    const texts = streams.map((refs) => refs.map((ref) => (document.getObject(ref as never) as PdfStream).getDecodedData()).map((data) => Buffer.from(data).toString())); // prettier-ignore
    for (const [before = '', own, after = ''] of texts) {
      expect(before).toMatch(/^\/Artifact BMC\nq [\d. ]+ cm \/\w+ Do Q\nEMC\nq\n$/);
      expect(own?.trim()).toBe('/P <</MCID 0>> BDC 0 0 1 rg 0 0 10 10 re f EMC');
      expect(after).toMatch(/^\nQ\n\/Artifact BMC\nq [\d. ]+ cm \/\w+ Do Q\nEMC\n$/);
    }
    const [[before, , after] = []] = streams;
    expect(streams.every((refs) => refs[0] === before && refs[2] === after)).toBe(true);
  });
});

describe('layers', () => {
  it('are drawn in their order, under and over what the page has', async () => {
    const pdf = await withContent(`0 0 0 rg 50 0 100 ${HEIGHT} re f`);
    const colours = ['1 0 0', '0 1 0', '0 0 1'];
    const files = Object.fromEntries(await Promise.all(colours.map(async (colour) => [colour, await filled(colour)] as const))); // prettier-ignore
    const under = colours.slice(0, 2).map((file) => printed([0], { file, isUnder: true }));
    const result = await overlaid(pdf, under, files);
    expect(await coloursAt(result, 1, [[10, 10], MIDDLE])).toEqual(['green', 'black']);
    const over = await overlaid(pdf, [...under, printed([0], { file: '0 0 1' })], files);
    expect(await coloursAt(over, 1, [[10, 10], MIDDLE])).toEqual(['blue', 'blue']);
  });

  it('are transparent as a whole, also where they overlap themselves', async () => {
    const twice = await withContent('1 0 0 rg 0 0 200 300 re f 1 0 0 rg 0 0 200 300 re f');
    const result = await overlaid(await withContent(''), [printed([0], { opacity: 0.4 })], { layer: twice });
    expect(await coloursAt(result, 1, [MIDDLE])).toEqual(['255,153,153']);
  });

  it('cost few bytes a page: one for all, and one for each', async () => {
    const count = 200;
    const pdf = await withContent(...Array.from({ length: count }, () => '0 0 1 rg 0 0 10 10 re f'));
    const compact = async (bytes: Uint8Array) =>
      (await qpdf(bytes, ['/in.pdf', '/out.pdf', '--object-streams=generate'])).byteLength;
    const before = await compact(pdf);
    const perPage = async (pageOf: number[]) => {
      const result = await overlaid(pdf, [printed(pageOf)], { layer: await filled('1 0 0', count) });
      return ((await compact(result)) - before) / count;
    };
    const pages = Array.from({ length: count }, (_, index) => index);
    expect(await perPage(pages.map(() => 0))).toBeLessThan(60);
    expect(await perPage(pages)).toBeLessThan(250);
  });

  it('of another PDF make a document one that was uploaded, where they are', async () => {
    const layer = await filled('1 0 0');
    const run = (pages: string) =>
      overlayPages(
        [new Draft({ bytes: layer, pages: 1 })],
        {
          layers: [
            {
              field: 'f',
              file: 'layer',
              isUnder: false,
              opacity: 1,
              source: 'pdf',
              page: 1,
              pages,
              place: placeOf({}),
            },
          ],
        },
        stepContext({ layer }),
      );
    expect((await run('1')).map(({ isUploaded }) => isUploaded)).toEqual([true]);
    expect((await run('2-')).map(({ isUploaded }) => isUploaded)).toEqual([false]);
  });

  it('that fit no page are refused if they name pages, and so are pages that a PDF has not', async () => {
    const pdf = await withContent('');
    const add = (pages: string, page = 1) =>
      overlaid(pdf, [{ field: 'finishing.overlay[3]', file: 'layer', isUnder: false, opacity: 1, source: 'pdf', page, pages, place: placeOf({}) }], { layer: pdf }); // prettier-ignore
    const code = 'finishing_invalid';
    await expect(add('7')).rejects.toMatchObject({
      code,
      message: 'finishing.overlay[3].pages: "7" fits no page of 1',
    });
    await expect(add('2-3')).rejects.toMatchObject({ code });
    await expect(add('', 2)).rejects.toMatchObject({ code, message: expect.stringMatching(/^finishing\.overlay\[3\]\.page: 2; /) }); // prettier-ignore
    for (const open of ['2-', 'even', '2 - last', '5, even']) await expect(add(open)).resolves.toBeInstanceOf(Uint8Array); // prettier-ignore
  });

  it('of a PDF that needs a password are refused: a layer has none', async () => {
    const pdf = await withContent('');
    const locked = await qpdf(pdf, ['--encrypt', 'user', 'owner', '256', '--', '/in.pdf', '/out.pdf']);
    const layers: PlacedLayer[] = [{ field: 'finishing.overlay[3]', file: 'layer', isUnder: false, opacity: 1, source: 'pdf', page: 1, pages: '', place: placeOf({}) }]; // prettier-ignore
    await expect(overlaid(pdf, layers, { layer: locked })).rejects.toMatchObject({
      code: 'pdf_refused',
      message: 'finishing.overlay[3].pdf: it is encrypted; allowed: a PDF that opens without a password',
    });
  });

  it('are not printed for pages larger than a browser prints', async () => {
    const pdf = PDF.create();
    pdf.addPage({ width: 100, height: 20_000 });
    await expect(measured(new Draft({ bytes: await pdf.save(), pages: 1 }))).rejects.toMatchObject({
      code: 'finishing_invalid',
      message: 'finishing: page 1 is 100 × 20000 points; layers are allowed on pages of at most 14400',
    });
  });
});

describe('the place of a page of another PDF', () => {
  const from = { width: 100, height: 50 };
  const to = { width: 200, height: 400 };
  /** Where the corners at the lower left and upper right come to be. */
  const corners = (layer: Partial<Layer>) => {
    const [a, b, c, d, e, f] = placement(from, to, placeOf(layer));
    return [e, f, a * 100 + c * 50 + e, b * 100 + d * 50 + f].map((value) => Math.round(value * 100) / 100 + 0);
  };

  it.each<[Partial<Layer>, number[]]>([
    [{}, [0, 150, 200, 250]],
    [{ fit: 0.5 }, [50, 175, 150, 225]],
    [{ scale: 1 }, [50, 175, 150, 225]],
    [{ scale: 1, position: 'top-left' }, [0, 350, 100, 400]],
    [{ scale: 1, position: 'bottom-right', margin: 10 }, [90, 10, 190, 60]],
    [{ scale: 1, position: 'left', margin: '1in' }, [72, 175, 172, 225]],
    [{ scale: 1, position: 'top', offset: { x: 5, y: '10pt' } }, [55, 340, 155, 390]],
    [{ scale: 4, position: 'left', margin: 10 }, [0, 100, 400, 300]],
    [{ scale: 1, rotate: 90, position: 'bottom-left' }, [0, 100, 50, 0]],
    [{ scale: 1, rotate: 180 }, [150, 225, 50, 175]],
    [{ scale: 1, rotate: -90, position: 'top-right' }, [200, 300, 150, 400]],
  ])('%j is where it says', (layer, expected) => {
    expect(corners(layer)).toEqual(expected);
  });

  it('along a diagonal rises or falls as the page does, whatever its size', () => {
    const angle = (rotate: Layer['rotate']) => {
      const [a, b] = placement(from, to, placeOf({ rotate }));
      return b / a;
    };
    expect(angle('diagonal-up')).toBeCloseTo(2, 9);
    expect(angle('diagonal-down')).toBeCloseTo(-2, 9);
  });
});

describe('copies', () => {
  const a4 = { width: 595.32, height: 841.92 };
  const nearly = { width: 595.323, height: 841.919 };
  const a5 = { width: 419.53, height: 595.28 };

  it('are one for each size, or one for each page with its number', () => {
    const sheets = [a4, a5, nearly, a5];
    const pages = () => [4, 1, 3];
    const plan = planCopies([sheets], pages, { numbers: false, totals: true });
    const copies = [
      { sheet: 0, total: 4 },
      { sheet: 1, total: 4 },
    ];
    expect(plan).toEqual({ sheets: [a4, a5], copies, pageOf: [0, null, 0, 1] });
    const numbered = planCopies([sheets], pages, { numbers: true, totals: false });
    expect(numbered.copies).toEqual([
      { sheet: 0, pageNumber: 1, total: 4 },
      { sheet: 0, pageNumber: 3, total: 4 },
      { sheet: 1, pageNumber: 4, total: 4 },
    ]);
    expect(numbered.pageOf).toEqual([0, null, 1, 2]);
  });

  it('count each of several documents from 1, and tell them apart only if they show it', () => {
    const documents = [[a4, a4], [a4]];
    const second = (total: number) => [...(total > 1 ? [2] : []), 1];
    const plain = planCopies(documents, second, { numbers: false, totals: false });
    expect(plain).toEqual({ sheets: [a4], copies: [{ sheet: 0, total: 2 }], pageOf: [0, 0, 0] });
    const totals = planCopies(documents, second, { numbers: false, totals: true });
    expect(totals.copies.map(({ total }) => total)).toEqual([2, 1]);
    expect(totals.pageOf).toEqual([0, 0, 1]);
    const numbers = planCopies(documents, second, { numbers: true, totals: true });
    expect(numbers.copies.map(({ pageNumber, total }) => [pageNumber, total])).toEqual([[1, 2], [2, 2], [1, 1]]); // prettier-ignore
  });
});

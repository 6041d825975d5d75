import { describe, expect, it } from 'vitest';
import { Draft } from '../../src/finishing/draft.ts';
import { PDF, PdfArray, PdfDict, PdfName, PdfNull, PdfNumber, type PdfObject, type PdfRef, PdfStream, PdfString } from '../../src/finishing/libpdf.ts'; // prettier-ignore
import { keepPages } from '../../src/finishing/merge/choose-pages.ts';
import { mergeParts } from '../../src/finishing/merge/merge-parts.ts';
import { inspectPdf } from '../support/pdf-oracle.ts';

const name = (text: string) => PdfName.of(text);
const text = (value: string) => PdfString.fromString(value);
const number = (value: number) => PdfNumber.of(value);
const list = (...items: PdfObject[]) => new PdfArray(items);

interface Maker {
  pdf: PDF;
  catalog: PdfDict;
  pages: PdfRef[];
  add: (entries: Record<string, PdfObject>) => { ref: PdfRef; dict: PdfDict };
}

const DEEP = 12_000;

/** Valid syntax with a structure that nobody has in mind. */
const HOSTILE: Record<string, (maker: Maker) => void> = {
  'an outline that leads back to itself': ({ catalog, pages, add }) => {
    const item = add({ Title: text('a'), Dest: list(pages[0]!, name('Fit')) });
    const next = add({ Title: text('b'), Dest: list(pages[1]!, name('Fit')), Next: item.ref, First: item.ref });
    item.dict.set('Next', next.ref);
    item.dict.set('First', item.ref);
    catalog.set('Outlines', add({ First: item.ref, Last: item.ref }).ref);
  },
  'an outline that is very deep': ({ catalog, pages, add }) => {
    let below = add({ Title: text('last'), Dest: list(pages[0]!, name('Fit')) }).ref;
    for (let level = 0; level < DEEP; level++)
      below = add({ Title: text('t'), Dest: list(pages[1]!, name('Fit')), First: below, Last: below }).ref;
    catalog.set('Outlines', add({ First: below, Last: below }).ref);
  },
  'tags that lead back to themselves': ({ pdf, catalog, pages, add }) => {
    const root = add({ Type: name('StructTreeRoot') });
    const one = add({ Type: name('StructElem'), S: name('P'), P: root.ref, Pg: pages[0]! });
    const two = add({ S: name('Span'), P: one.ref, Pg: pages[1]!, K: list(one.ref, number(0), root.ref) });
    one.dict.set('K', list(two.ref, two.ref, one.ref, number(0)));
    const attributes = list();
    const ref = pdf.context.register(attributes);
    attributes.push(ref, ref);
    one.dict.set('A', ref);
    root.dict.set('K', list(one.ref, two.ref, root.ref));
    const tree = add({ Nums: list(number(0), list(one.ref), number(1), list(two.ref)) });
    tree.dict.set('Kids', list(tree.ref));
    root.dict.set('ParentTree', tree.ref);
    catalog.set('StructTreeRoot', root.ref);
  },
  'tags that are very deep': ({ catalog, pages, add }) => {
    const root = add({ Type: name('StructTreeRoot') });
    let above = add({ S: name('Document'), P: root.ref });
    root.dict.set('K', above.ref);
    for (let level = 0; level < DEEP; level++) {
      const below = add({ S: name('Div'), P: above.ref });
      above.dict.set('K', below.ref);
      above = below;
    }
    above.dict.set('K', number(0));
    above.dict.set('Pg', pages[1]!);
    root.dict.set('ParentTree', add({ Nums: list(number(1), list(above.ref)) }).ref);
    catalog.set('StructTreeRoot', root.ref);
  },
  'names that lead back to themselves': ({ catalog, pages, add }) => {
    const tree = add({ Names: list(text('x'), list(pages[0]!, name('Fit'))) });
    tree.dict.set('Kids', list(tree.ref, tree.ref));
    catalog.set('Names', add({ Dests: tree.ref, EmbeddedFiles: tree.ref }).ref);
    catalog.set('PageLabels', add({ Kids: list(tree.ref), Nums: list(number(0), tree.ref) }).ref);
  },
  'a form that leads back to itself': ({ catalog, add, pdf, pages }) => {
    const field = add({ T: text('a'), FT: name('Tx') });
    const widget = add({ Subtype: name('Widget'), Rect: list(number(0)), Parent: field.ref, Kids: list(field.ref) });
    field.dict.set('Kids', list(widget.ref, field.ref));
    field.dict.set('Parent', widget.ref);
    (pdf.getObject(pages[1]!) as PdfDict).set('Annots', list(widget.ref));
    catalog.set('AcroForm', add({ Fields: list(widget.ref, field.ref, field.ref), CO: list(field.ref) }).ref);
  },
  'layers that lead back to themselves': ({ catalog, pdf, add, pages }) => {
    const layer = add({ Type: name('OCG'), Name: text('a') });
    const order = list(layer.ref);
    const ref = pdf.context.register(order);
    for (let count = 0; count < 50; count++) order.push(ref);
    catalog.set('OCProperties', add({ OCGs: list(layer.ref), D: add({ Order: ref }).ref }).ref);
    (pdf.getObject(pages[1]!) as PdfDict).set('Resources', add({ Properties: add({ L: layer.ref }).ref }).ref);
  },
  'resources that lead back to themselves, and a chain of them': ({ pdf, add, pages }) => {
    let chain = add({ End: number(1) }).ref;
    for (let level = 0; level < DEEP; level++) chain = add({ Next: chain }).ref;
    const loop = add({ Chain: chain });
    loop.dict.set('Self', list(loop.ref));
    for (const page of pages) (pdf.getObject(page) as PdfDict).set('Resources', loop.ref);
  },
  'many fields with one name': ({ catalog, add }) => {
    const fields = Array.from({ length: 5_000 }, () => add({ T: text('a'), FT: name('Tx') }).ref);
    catalog.set('AcroForm', add({ Fields: list(...fields) }).ref);
  },
};

async function make(build: (maker: Maker) => void): Promise<Uint8Array> {
  const pdf = PDF.create();
  const pages = [0, 1, 2].map(() => pdf.addPage().ref);
  for (const [index, page] of pages.entries()) (pdf.getObject(page) as PdfDict).set('StructParents', number(index));
  const add = (entries: Record<string, PdfObject>) => {
    const dict = PdfDict.of(entries);
    return { dict, ref: pdf.context.register(dict) };
  };
  build({ pdf, catalog: pdf.getCatalog(), pages, add });
  return pdf.save();
}

describe('PDFs that nobody has in mind', () => {
  it.for(Object.keys(HOSTILE))('%s', async (kind) => {
    const bytes = await make(HOSTILE[kind]!);
    const draft = () => new Draft({ bytes, pages: 3, isUploaded: true });
    const [kept] = await keepPages([draft()], '3,2');
    const one = await PDF.load(await kept!.bytes());
    expect(one.getPageCount()).toBe(2);
    const [merged] = await mergeParts([draft(), draft()], { titles: ['a', null] });
    expect(merged).toMatchObject({ pages: 6, isUploaded: true });
    const all = await PDF.load(await merged!.bytes());
    expect(all.getPageCount()).toBe(6);
    if (!kind.includes('deep')) expect(await problemsOf(await merged!.bytes())).toEqual([]); // the oracle is recursive
  });
});

const problemsOf = async (bytes: Uint8Array) => (await inspectPdf(bytes)).problems;

describe('what parts have in common', () => {
  it('is stored once, and what is not the same is not', async () => {
    const withImage = (byte: number) =>
      make(({ pdf, add, pages }) => {
        const profile = pdf.context.register(new PdfStream([['N', number(3)]], new Uint8Array(5_000).fill(7)));
        const image = (fill: number) =>
          pdf.context.register(new PdfStream([['ColorSpace', list(name('ICCBased'), profile)]], new Uint8Array(9_000).map((_, index) => (index * 31 * fill) >> 3))); // prettier-ignore
        const both = add({ Common: image(1), Own: image(byte) });
        for (const page of pages) (pdf.getObject(page) as PdfDict).set('Resources', add({ XObject: both.ref }).ref);
      });
    const sources = await Promise.all([2, 3, 2, 5].map(withImage));
    const [merged] = await mergeParts(sources.map((bytes) => new Draft({ bytes, pages: 3 })), { titles: [] }); // prettier-ignore
    const { streams, problems } = await inspectPdf(await merged!.bytes());
    expect({ streams, problems }).toEqual({ streams: 1 + 1 + 3, problems: [] }); // profile, common, own
  });

  it('stays apart where pages have it from nodes above them', async () => {
    const turned = (angle: number) =>
      make(({ pdf, catalog, pages }) => {
        const root = pdf.getObject(catalog.getRef('Pages')!) as PdfDict;
        root.set('Rotate', number(angle));
        root.set('MediaBox', list(...[0, 0, 100 + angle, 400].map(number)));
        for (const page of pages) (pdf.getObject(page) as PdfDict).delete('MediaBox');
      });
    const sources = await Promise.all([90, 180].map(turned));
    const [merged] = await mergeParts(sources.map((bytes) => new Draft({ bytes, pages: 3 })), { titles: [] }); // prettier-ignore
    const pages = (await PDF.load(await merged!.bytes())).getPages();
    expect(pages.map((page) => [page.rotation, page.getMediaBox().width])).toEqual([
      ...Array.from({ length: 3 }, () => [90, 190]),
      ...Array.from({ length: 3 }, () => [180, 280]),
    ]);
  });

  it('is found in documents of more than 20,000 objects', async () => {
    const bytes = await make(({ pdf, add, pages }) => {
      const all = Array.from({ length: 25_000 }, (_, index) => add({ N: number(index) }).ref);
      (pdf.getObject(pages[0]!) as PdfDict).set('PieceInfo', list(...all));
    });
    const [merged] = await mergeParts([1, 2].map(() => new Draft({ bytes, pages: 3 })), { titles: [] }); // prettier-ignore
    await expect(problemsOf(await merged!.bytes())).resolves.toEqual([]);
  });
});

describe('what parts have of their own', () => {
  const merge = async (...builds: ((maker: Maker) => void)[]) => {
    const sources = await Promise.all(builds.map(make));
    const drafts = sources.map((bytes) => new Draft({ bytes, pages: 3 }));
    const [merged] = await mergeParts(drafts, { titles: [] });
    return PDF.load(await merged!.bytes());
  };

  it('layers: those that are hidden stay hidden', async () => {
    const layered =
      (title: string, config: Record<string, PdfObject>) =>
      ({ pdf, catalog, add, pages }: Maker) => {
        const [one, two] = ['1', '2'].map((each) => add({ Type: name('OCG'), Name: text(title + each) }).ref);
        const lists = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, value === PdfNull.instance ? list(one!) : value])); // prettier-ignore
        catalog.set('OCProperties', PdfDict.of({ OCGs: list(one!, two!), D: PdfDict.of({ Order: list(one!, list(text('more'), two!)), ...lists }) })); // prettier-ignore
        (pdf.getObject(pages[0]!) as PdfDict).set('Resources', add({ Properties: add({ A: one!, B: two! }).ref }).ref);
      };
    const pdf = await merge(layered('a', { OFF: PdfNull.instance }), layered('b', { BaseState: name('OFF'), ON: PdfNull.instance })); // prettier-ignore
    const names = (array: PdfArray | undefined) => array?.toArray().map((ref) => (pdf.getObject(ref as PdfRef) as PdfDict).getString('Name')?.asString()); // prettier-ignore
    const properties = pdf.getCatalog().getDict('OCProperties');
    expect(names(properties?.getArray('OCGs'))).toEqual(['a1', 'a2', 'b1', 'b2']);
    expect(names(properties?.getDict('D')?.getArray('OFF'))).toEqual(['a1', 'b2']);
    expect(properties?.getDict('D')?.getArray('Order')?.length).toBe(4);
  });

  it('fields: their fonts and how they are set', async () => {
    const form =
      (font: string) =>
      ({ catalog, add }: Maker) => {
        const resources = PdfDict.of({ Font: PdfDict.of({ Helv: add({ BaseFont: name(font) }).ref }) });
        const field = add({ T: text('a'), FT: name('Tx') }).ref;
        const own = add({ T: text('b'), FT: name('Tx'), DA: text('0 g /Helv 9 Tf') }).ref;
        catalog.set('AcroForm', PdfDict.of({ Fields: list(field, own), DR: resources, DA: text('/Helv 10 Tf'), SigFlags: number(3) })); // prettier-ignore
      };
    const pdf = await merge(form('Helvetica'), form('Courier'), form('Helvetica'));
    const joined = pdf.getCatalog().getDict('AcroForm');
    const fields = joined?.getArray('Fields')?.toArray().map((ref) => pdf.getObject(ref as PdfRef) as PdfDict) ?? []; // prettier-ignore
    const shown = fields.map((field) => [field.getString('T')?.asString(), field.getString('DA')?.asString()]);
    expect(joined?.has('SigFlags')).toBe(false);
    expect(shown).toEqual([
      ['a', undefined], ['b', '0 g /Helv 9 Tf'],
      ['a_2', '/Helv_2 10 Tf'], ['b_2', '0 g /Helv_2 9 Tf'],
      ['a_3', undefined], ['b_3', '0 g /Helv 9 Tf'],
    ]); // prettier-ignore
  });
});

import { describe, expect, it } from 'vitest';
import type { Split } from '../../src/domain/finishing.ts';
import { Draft } from '../../src/finishing/draft.ts';
import { keepPages, rotatePages, splitPages } from '../../src/finishing/merge/choose-pages.ts';
import { PDF, PdfArray, PdfDict, PdfName, PdfNumber, PdfString } from '../../src/finishing/libpdf.ts';
import { mergeParts } from '../../src/finishing/merge/merge-parts.ts';
import { setBookmarks } from '../../src/finishing/merge/set-bookmarks.ts';
import { qpdf } from '../../src/finishing/qpdf.ts';
import { inspectPdf } from '../support/pdf-oracle.ts';
import { type RichModel, richPdf, seeded } from '../support/rich-pdf.ts';

const draftOf = ({ bytes, model }: { bytes: Uint8Array; model: RichModel }) => new Draft({ bytes, pages: model.pages });

/** What should be found of a document when these pages (from 0) are kept, in this order. */
function expected({ links, bookmarks, labels, fields, rows }: RichModel, pages: readonly number[]) {
  const at = (page: number) => pages.indexOf(page);
  const isKept = (page: number) => at(page) >= 0;
  const kept = bookmarks.flatMap(({ title, page, children }) => {
    const below = children.filter((child) => isKept(child.page)).toSorted((a, b) => at(a.page) - at(b.page));
    const isInOrder = pages.every((each, index) => index === 0 || each > pages[index - 1]!);
    const own = isInOrder ? children.filter((child) => isKept(child.page)) : below;
    if (!isKept(page) && own.length === 0) return [];
    const leads = isKept(page) ? page : own[0]!.page;
    return [{ leads, isInOrder, items: [{ level: 1, title, page: at(leads) + 1 }, ...own.map((child) => ({ level: 2, title: child.title, page: at(child.page) + 1 }))] }]; // prettier-ignore
  });
  const sorted = kept.every(({ isInOrder }) => isInOrder) ? kept : kept.toSorted((a, b) => at(a.leads) - at(b.leads));
  return {
    links: pages.flatMap((page, index) =>
      links
        .filter(({ from, to }) => from === page && to !== undefined && isKept(to))
        .map(({ to }) => ({ from: index + 1, to: at(to!) + 1 })),
    ),
    bookmarks: sorted.flatMap(({ items }) => items),
    labels: labels.length > 0 ? pages.map((page) => labels[page]) : [],
    fields: fields.filter((field) => field.pages.some(isKept)).map(({ name }) => name),
    rows: rows.filter(isKept).length,
  };
}

const rowsOf = (tags: readonly string[]) => tags.filter((tag) => tag.endsWith('/Table/TR/TH')).length;
const all = ({ pages }: RichModel) => Array.from({ length: pages }, (_, page) => page);

describe('merge', () => {
  it.for(Array.from({ length: 60 }, (_, seed) => seed + 1))(
    'keeps everything of documents made with the seed %i',
    async (seed) => {
      const random = seeded(seed);
      const sources = await Promise.all(Array.from({ length: 2 + random(3) }, () => richPdf(random)));
      const [merged] = await mergeParts(sources.map(draftOf), { titles: sources.map((_, index) => `Part ${index}`) });
      const bytes = await merged!.bytes();
      const found = await inspectPdf(bytes);
      expect(found.problems).toEqual([]);
      await expect(qpdf(bytes, ['--check', '/in.pdf'], { output: '/in.pdf' })).resolves.toBeDefined();

      const each = sources.map(({ model }) => expected(model, all(model)));
      const starts = sources.map((_, index) =>
        sources.slice(0, index).reduce((sum, { model }) => sum + model.pages, 0),
      );
      expect(found.pages).toBe(sources.reduce((sum, { model }) => sum + model.pages, 0));
      expect(found.links).toEqual(each.flatMap(({ links }, index) => links.map(({ from, to }) => ({ from: from + starts[index]!, to: to + starts[index]! })))); // prettier-ignore
      expect(found.bookmarks).toEqual(each.flatMap(({ bookmarks }, index) => [
      { level: 1, title: `Part ${index}`, page: starts[index]! + 1 },
      ...bookmarks.map(({ level, title, page }) => ({ level: level + 1, title, page: page + starts[index]! })),
    ])); // prettier-ignore
      const isLabelled = each.some(({ labels }) => labels.length > 0);
      const labels = each.flatMap((one, index) => one.labels.length > 0 ? one.labels : all(sources[index]!.model).map((page) => `D${page + starts[index]! + 1}`)); // prettier-ignore
      expect(found.labels).toEqual(isLabelled ? labels : []);
      expect(found.fields.length).toBe(each.flatMap(({ fields }) => fields).length);
      expect(rowsOf(found.tags)).toBe(each.reduce((sum, { rows }) => sum + rows, 0));
      expect([...found.files.values()].toSorted()).toEqual(differentFiles(sources.map(({ model }) => model.files)));
    },
  );
});

describe('a merge of prepared parts', () => {
  const withLink = async (from: string, own: string) => {
    const pdf = PDF.create();
    const pages = [pdf.addPage(), pdf.addPage()].map(({ ref }) => ref);
    const rect = new PdfArray([0, 0, 9, 9].map((side) => PdfNumber.of(side)));
    const link = PdfDict.of({ Subtype: PdfName.of('Link'), Rect: rect, Dest: PdfString.fromString(from) });
    (pdf.getObject(pages[0]!) as PdfDict).set('Annots', new PdfArray([link]));
    pdf.getCatalog().set('Dests', PdfDict.of({ [own]: new PdfArray([pages[1]!, PdfName.of('Fit')]) }));
    pdf.setTitle(`Title of ${own}`);
    return new Draft({ bytes: await pdf.save(), pages: 2 });
  };

  it('leads from part to part by names that only the other has', async () => {
    const drafts = [await withLink('b', 'a'), await withLink('b', 'b'), await withLink('nowhere', 'c')];
    const [merged] = await mergeParts(drafts, { titles: ['First', null, null] });
    const found = await inspectPdf(await merged!.bytes());
    expect(found.links).toEqual([
      { from: 1, to: 4 },
      { from: 3, to: 4 },
    ]);
    expect(found.bookmarks.map(({ title }) => title)).toEqual(['First', 'Title of b', 'Title of c']);
    expect((await merged!.document()).getTitle()).toBeUndefined(); // they do not agree
  });
});

/** Files with the same name and the same content are one. */
function differentFiles(files: Map<string, string>[]): string[] {
  const found = new Set(files.flatMap((map) => [...map].map(([name, content]) => `${name}\n${content}`)));
  return [...found].map((file) => file.split('\n')[1]!).toSorted();
}

describe('pages', () => {
  it.for(Array.from({ length: 60 }, (_, seed) => seed + 1))(
    'keeps what belongs to the pages, with the seed %i',
    async (seed) => {
      const random = seeded(1_000 + seed);
      const source = await richPdf(random);
      const pages = all(source.model).toSorted(() => random(3) - 1).slice(0, 1 + random(source.model.pages)); // prettier-ignore
      const draft = draftOf(source);
      const [kept] = await keepPages([draft], pages.map((page) => page + 1).join(','));
      if (kept === draft) return; // all of them
      const found = await inspectPdf(await kept!.bytes());
      const { rows, ...rest } = expected(source.model, pages);
      expect(found).toMatchObject({ problems: [], pages: pages.length, ...rest, files: source.model.files });
      expect(rowsOf(found.tags)).toBe(rows);
      const paragraphs = found.marked.filter(({ tag }) => tag.split('/').length === 3 && !tag.endsWith('/Link'));
      expect(paragraphs.map(({ page }) => page)).toEqual(pages.map((_, index) => index + 1));
    },
  );

  it('says which selection fits no page', async () => {
    const source = blank(3);
    await expect(keepPages([source], '70-')).rejects.toMatchObject({
      code: 'finishing_invalid',
      message: `finishing.pages: "70-" fits no page; the PDF has 3`,
    });
  });
});

describe('split', () => {
  const pagesOf = async (pages: number, split: Split) => {
    const source = blank(pages);
    const files = await splitPages([source], split);
    return Promise.all(files.map(async (file) => (await inspectPdf(await file.bytes())).pages));
  };

  it('makes a file of every so many pages, or at pages', async () => {
    await expect(pagesOf(7, { every: 3 })).resolves.toEqual([3, 3, 1]);
    await expect(pagesOf(3, { every: 3 })).resolves.toEqual([3]);
    await expect(pagesOf(7, { at: [6, 2, 2] })).resolves.toEqual([1, 4, 2]);
  });

  it('refuses pages that are not there, and too many files', async () => {
    await expect(pagesOf(3, { at: [2, 4] })).rejects.toThrow('split.at[1]: 4 is after the last page; the PDF has 3');
    await expect(pagesOf(1_001, { every: 1 })).rejects.toThrow('allowed: at most 1000 files');
  });

  it('gives each file its own bookmarks, links and tags', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const source = await richPdf(seeded(2_000 + seed));
      const files = await splitPages([draftOf(source)], { every: 2 });
      if (files.length > 1)
        for (const [index, file] of files.entries()) {
          const found = await inspectPdf(await file.bytes());
          const pages = all(source.model).slice(index * 2, index * 2 + 2);
          const { rows, ...rest } = expected(source.model, pages);
          expect(found).toMatchObject({ problems: [], ...rest });
          expect(rowsOf(found.tags)).toBe(rows);
        }
    }
  });
});

describe('rotate', () => {
  const anglesOf = async (draft: Draft) => (await draft.document()).getPages().map((page) => page.rotation);

  it('adds to what a page is turned by already', async () => {
    const [once] = await rotatePages([blank(3)], 270);
    await expect(anglesOf(once!)).resolves.toEqual([270, 270, 270]);
    const [twice] = await rotatePages([once!], [{ angle: 180, pages: '1' }, { angle: 90, pages: '1,3' }]); // prettier-ignore
    await expect(anglesOf(twice!)).resolves.toEqual([180, 270, 0]);
  });

  it('says which selection fits no page', async () => {
    const turns = [{ angle: 90 }, { angle: 90, pages: '9' }];
    await expect(rotatePages([blank(3)], turns)).rejects.toThrow('finishing.rotate[1].pages: "9" fits no page; the PDF has 3'); // prettier-ignore
  });
});

describe('bookmarks', () => {
  it('replaces those that there are', async () => {
    const sources = await Promise.all([richPdf(seeded(11)), richPdf(seeded(12))]);
    const [merged] = await mergeParts(sources.map(draftOf), { titles: [null, null] });
    const source = merged!;
    const children = [{ title: 'Zwei – 二', page: 1 }];
    const [draft] = await setBookmarks([source], [{ title: 'One', page: source.pages, children }]);
    const found = await inspectPdf(await draft!.bytes());
    expect(found).toMatchObject({
      problems: [],
      bookmarks: [
        { level: 1, title: 'One', page: source.pages },
        { level: 2, title: 'Zwei – 二', page: 1 },
      ],
    });
    const [none] = await setBookmarks([new Draft({ bytes: await draft!.bytes(), pages: source.pages })], []);
    expect((await inspectPdf(await none!.bytes())).bookmarks).toEqual([]);
    expect((await none!.document()).getCatalog().has('PageMode')).toBe(false);
  });

  it('names the bookmark whose page is not there', async () => {
    const bookmarks = [{ title: 'a', page: 1, children: [{ title: 'b', page: 2 }, { title: 'c', page: 4 }] }]; // prettier-ignore
    await expect(setBookmarks([blank(3)], bookmarks)).rejects.toMatchObject({
      code: 'finishing_invalid',
      message: 'finishing.bookmarks[0].children[1].page: 4; allowed: 1 to 3, the pages of the PDF',
    });
  });
});

function blank(pages: number): Draft {
  const pdf = PDF.create();
  for (let page = 0; page < pages; page++) pdf.addPage();
  return Draft.of(pdf, { isUploaded: false });
}

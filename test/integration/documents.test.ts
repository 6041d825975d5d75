import { execFile } from 'node:child_process';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { blocksOf, documentExamples, documentsPage } from '../support/document-examples.ts';
import { temporaryDirectory } from '../support/files.ts';
import { above, below, run, textsOf } from '../support/on-page.ts';
import { type PrintedDocument, type PrintedPage, readPages } from '../support/printed-pages.ts';
import { pdfOf } from '../support/renderer.ts';
import { startService } from '../support/service.ts';

const examples = documentExamples();
const service = await startService({ worker: true });

async function print(name: string): Promise<PrintedDocument> {
  const example = examples.find((each) => each.name === name);
  if (!example || !service.renderer) throw new Error(`no example: ${name}`);
  const { chunks } = await pdfOf(service.renderer, { html: example.html, options: example.options });
  return readPages(Buffer.concat(chunks));
}

const A4 = [210, 297];
const A5 = [148, 210];
const A5_LANDSCAPE = [210, 148];

const sizes = ({ pages }: PrintedDocument) => pages.map(({ size }) => size);
/** Within a millimetre. */
const near = (value: number) => expect.closeTo(value, -0.3);
const middle = ({ left, right }: { left: number; right: number }) => (left + right) / 2;

/** What is checked of each example, by its heading. */
const CHECKS: Record<string, (document: PrintedDocument) => void> = {
  'Page x of y': (document) => {
    expect(sizes(document)).toEqual([A5, A5, A5]);
    for (const [index, page] of document.pages.entries()) {
      expect(run(page, 'Report 2026')).toMatchObject({ left: near(18), size: 8 });
      expect(run(page, 'Confidential').right).toEqual(near(130));
      expect(above(page, 22)).toEqual(['Report 2026', 'Confidential']);
      const number = run(page, 'Page ');
      expect(number.text).toBe(`Page ${index + 1} of 3`);
      expect(number.y).toBeGreaterThan(188);
      expect(middle(number)).toEqual(near(74));
    }
    expect(document.pages.map((page) => page.runs.findLast(({ size }) => size > 10)?.text)).toEqual([
      'Report',
      'Figures',
      'Outlook',
    ]);
  },

  'Another first page': ({ pages: [first, second, ...more] }) => {
    expect(more).toEqual([]);
    expect(first?.paints).toEqual([
      { kind: 'fill', color: '#1d3557', left: 0, top: 0, right: near(148), bottom: near(210) },
    ]);
    expect(textsOf(first)).toEqual(['Example Press, 2026', 'The year', 'in paper']);
    expect(run(first, 'The year').y).toBeGreaterThan(70);
    expect(second?.paints).toEqual([]);
    expect(above(second, 20)).toEqual(['The year in paper']);
    expect(below(second, 190)).toEqual(['2']);
    expect(run(second, 'The text').y).toBeLessThan(30);
  },

  'A letterhead': (document) => {
    const [first, second] = document.pages;
    expect(sizes(document)).toEqual([A4, A4]);
    expect(above(first, 45)).toEqual(['Example Ltd']);
    expect(run(first, 'Example Ltd')).toMatchObject({ left: near(25), y: near(27) });
    expect(run(first, '1 Paper Street').y).toEqual(near(285));
    expect(first?.paints[0]).toEqual({
      kind: 'fill',
      color: '#008080',
      left: 0,
      top: 0,
      right: near(210),
      bottom: near(6),
    });
    expect(run(first, 'Ann Miller')).toMatchObject({ left: near(25), y: near(49) });
    expect(above(second, 30)).toEqual(['Example Ltd · Offer 4711', 'Page 2']);
    expect(run(second, 'Page 2').right).toEqual(near(190));
    expect(second?.paints).toEqual([]);
  },

  'Left and right pages': (document) => {
    expect(sizes(document)).toEqual([A5, A5, A5]);
    const [first, second, third] = document.pages;
    for (const [page, number] of [[first, '1'], [third, '3']] as const) {
      expect(page?.runs.filter(({ size }) => size === 8)).toEqual([
        expect.objectContaining({ text: 'Chapter one', right: near(133) }),
        expect.objectContaining({ text: number, right: near(133) }),
      ]);
    } // prettier-ignore
    expect(run(first, 'The first page').left).toEqual(near(25));
    expect(run(second, 'The second').left).toEqual(near(15));
    expect(run(second, 'Paper and ink').left).toEqual(near(15));
    expect(run(second, '2')).toMatchObject({ left: near(15) });
  },

  'Landscape pages between': (document) => {
    expect(sizes(document)).toEqual([A5, A5_LANDSCAPE, A5]);
    expect(document.pages.map((page) => textsOf(page)[0])).toEqual(['1 / 3', '2 / 3', '3 / 3']);
    const sum = run(document.pages[1], 'Sum');
    expect(sum.y).toBeLessThan(25);
    expect(sum.right).toBeGreaterThan(190);
    expect(textsOf(document.pages[2])).toContain('The text goes on in portrait.');
  },

  'Mixed paper sizes': (document) => {
    expect(sizes(document)).toEqual([A5, [100, 60], [420, 297]]);
    expect(textsOf(document.pages[1])).toEqual(['Ann Miller', '12 Market Square', 'Oxford OX1 1AA']);
    expect(run(document.pages[1], 'Ann')).toMatchObject({ left: near(6), size: 14 });
    expect(document.pages[2]?.paints).toEqual([
      expect.objectContaining({ kind: 'stroke', left: near(25), right: near(395) }),
    ]);
  },

  'Page numbers that begin anew': (document) => {
    expect(document.pages.map((page) => below(page, 190))).toEqual([[], ['i'], ['ii'], ['1'], ['2']]);
    expect(document.pages.map((page) => above(page, 190))).toEqual([
      ['A book'], ['Preface'], ['Contents'], ['The first page of the text'], ['The second page of the text'],
    ]); // prettier-ignore
    expect(document.pages.map(({ paints }) => paints.length)).toEqual([1, 0, 0, 0, 0]);
  },

  'Running section titles': (document) => {
    expect(document.pages.map((page) => above(page, 22))).toEqual([['Paper'], ['Paper'], ['Ink: “black”']]);
    expect(textsOf(document.pages[1])).toEqual(['Paper', '2', 'Still paper.']);
    expect(run(document.pages[2], 'From soot').y).toBeLessThan(60);
    expect(document.pages.every(({ runs: [title] }) => Math.abs((title?.left ?? 0) - 18) < 1)).toBe(true);
  },

  'Table heads on every page': (document) => {
    expect(sizes(document)).toEqual([A5, A5, A5]);
    for (const page of document.pages) {
      expect(above(page, 23)).toEqual(['No.', 'Article', 'Pieces']);
      const foot = run(page, 'Prices without tax');
      expect(foot.y).toBeGreaterThan(
        Math.max(...page.runs.filter(({ text }) => /^Article \d/.test(text)).map(({ y }) => y)),
      );
    }
    const articles = document.pages.flatMap((page) => textsOf(page).filter((text) => /^Article \d/.test(text)));
    expect(articles).toEqual(Array.from({ length: 40 }, (_, n) => `Article ${n + 1}`));
  },

  'Rows that are not torn': (document) => {
    const days = document.pages.map((page) => textsOf(page).filter((text) => text.startsWith('Day ')));
    expect(days).toEqual([
      ['Day 1', 'Day 2', 'Day 3'],
      ['Day 4', 'Day 5'],
    ]);
    for (const [index, page] of document.pages.entries()) {
      for (const part of ['Breakfast', 'Walk', 'Lunch', 'Museum', 'Tea', 'Rest', 'Dinner', 'Theatre', 'Note of day'])
        expect(textsOf(page).filter((text) => text.startsWith(part))).toHaveLength(days[index]?.length ?? 0);
      expect(page.runs[0]).toMatchObject({ text: index === 0 ? 'Day 1' : 'Day 4', y: near(20.5) });
    }
  },

  'Totals that keep their rows': (document) => {
    const [first, second, ...more] = document.pages;
    expect(more).toEqual([]);
    expect(textsOf(first).slice(-2)).toEqual(['Item 20', '10.00']);
    expect(textsOf(second)).toEqual([
      'Item',
      'EUR',
      'Item 21',
      '10.00',
      'Net',
      '210.00',
      'VAT 20 %',
      '42.00',
      'Total',
      '252.00',
    ]);
    // The last item has left the first page, though there was room for it.
    expect(run(first, 'Item 20').y + 8).toBeLessThan(195);
    for (const text of ['10.00', '210.00', '42.00', '252.00']) expect(run(second, text).right).toEqual(near(133));
  },

  'Breaks where they belong': (document) => {
    const [first, second, third, ...more] = document.pages;
    expect(more).toEqual([]);
    expect(textsOf(first)).toEqual(['1', 'First chapter', 'Some text']);
    expect(textsOf(second).slice(0, 3)).toEqual(['2', 'A box', expect.stringMatching(/^It does not fit/)]);
    expect(second?.paints).toEqual([expect.objectContaining({ kind: 'stroke', color: '#457b9d' })]);
    expect((second?.paints[0]?.bottom ?? 0) - (second?.paints[0]?.top ?? 0)).toEqual(near(40));
    expect(textsOf(third)).toEqual(['3', 'Second chapter', 'On a page of its own.']);
  },

  'Widows and orphans': (document) => {
    const second = (page?: PrintedPage) => textsOf(page).filter((text) => text.startsWith('Second'));
    // Four lines would fit, and leave two.
    expect(document.pages.map(second)).toEqual([
      ['Second, line 1', 'Second, line 2', 'Second, line 3'],
      ['Second, line 4', 'Second, line 5', 'Second, line 6'],
    ]);
    expect(run(document.pages[0], 'Second, line 3').y).toBeLessThan(189);
  },

  Columns: (document) => {
    const [first] = document.pages;
    expect(new Set(sizes(document).map(String))).toEqual(new Set([String(A4)]));
    const lefts = new Set(first?.runs.filter(({ text }) => /^News \d/.test(text)).map(({ left }) => left));
    expect([...lefts]).toEqual([near(20), near(79.5), near(139)]);
    const title = run(first, 'The daily paper');
    expect(above(first, title.y + 0.1)).toEqual(['The daily paper']);
    const figure = first?.paints.find(({ color }) => color === '#e9c46a');
    expect((figure?.bottom ?? 0) - (figure?.top ?? 0)).toEqual(near(42));
    expect(first?.paints.filter(({ color }) => color === '#cccccc').map(({ left }) => left)).toEqual([
      near(75.5),
      near(134.8),
    ]);
    const news = document.pages.flatMap(
      (page) =>
        textsOf(page)
          .join(' ')
          .match(/News \d+\./g) ?? [],
    );
    expect(news).toEqual(Array.from({ length: 16 }, (_, n) => `News ${n + 1}.`));
  },

  'Backgrounds to the edge': ({ pages: [poster, text, ...more] }) => {
    expect(more).toEqual([]);
    const edges = { left: 0, top: 0, right: near(148), bottom: near(210) };
    expect(poster?.paints.at(-1)).toMatchObject(edges);
    expect(textsOf(poster)).toEqual(['Autumn', 'on paper']);
    expect(run(poster, 'Autumn')).toMatchObject({ left: near(20), size: 30 });
    expect(text?.paints).toEqual([{ kind: 'fill', color: '#fdf6e3', ...edges }]);
    expect(textsOf(text)).toEqual(['2', 'This page is tinted to its edges.']);
  },

  'A watermark on each page': (document) => {
    expect(document.pages).toHaveLength(3);
    for (const [index, page] of document.pages.entries()) {
      expect(textsOf(page)).toEqual(['DRAFT', `The ${['first', 'second', 'third'][index]} page of a draft.`]); // so it is under the text
      expect(run(page, 'DRAFT').size).toBe(64);
    }
    expect(new Set(document.pages.map((page) => run(page, 'DRAFT').y)).size).toBe(1);
  },

  'Fonts and images in page boxes': ({ pages: [page, ...more] }) => {
    expect(more).toEqual([]);
    const [logo] = page?.paints ?? [];
    expect(logo).toEqual({
      kind: 'fill',
      color: '#008080',
      left: near(20),
      top: near(9),
      right: near(44),
      bottom: near(21),
    });
    expect(above(page, 30)).toEqual(['Example Ltd', '1 Paper Street', 'London']);
    for (const line of ['Example Ltd', '1 Paper Street', 'London']) expect(run(page, line).right).toEqual(near(128));
    const sideways = run(page, 'Form');
    expect(sideways.left).toBeGreaterThan(128);
    expect(middle({ left: sideways.y, right: run(page, '12-B').y })).toBeGreaterThan(95);
    expect(run(page, 'Bank').y).toBeLessThan(run(page, 'Account').y);
    expect(run(page, '1')).toMatchObject({ size: 14, right: near(128) });
    expect(page?.paints.slice(1).every(({ top }) => Math.abs(top - 180) < 1)).toBe(true);
  },

  'Bleed and crop marks': (document) => {
    expect(sizes(document)).toEqual([
      [111, 81],
      [111, 81],
    ]);
    for (const [index, page] of document.pages.entries()) {
      const [marks, card, ...others] = page.paints;
      expect(others).toEqual([]);
      expect(marks).toEqual({ kind: 'stroke', color: '#000000', left: 0, top: 0, right: near(111), bottom: near(81) });
      const color = ['#2a9d8f', '#264653'][index];
      expect(card).toEqual({ kind: 'fill', color, left: near(10), top: near(10), right: near(101), bottom: near(71) });
    }
    expect(document.pages.map(textsOf)).toEqual([['Ann Miller', 'Printer'], ['example.com']]);
  },

  'Notes at the end': ({ pages: [text, notes, ...more] }) => {
    expect(more).toEqual([]);
    expect(text?.runs.filter(({ size }) => size < 8 && size > 7).map((each) => each.text)).toEqual(['1', '2']);
    expect(text?.links).toEqual(['n1', 'n2']);
    expect(notes?.links).toEqual(['r1', 'r2']);
    expect(above(notes, 190)).toEqual(['1. Some 700 years. back', '2. Printing with movable type, too. back']);
  },

  'Notes in the margin': (document) => {
    const notes = document.pages.map((page) => page.runs.find(({ left }) => left > 100));
    expect(notes).toEqual([
      expect.objectContaining({ left: near(104), text: expect.stringMatching(/^1 Lamp black/) }),
      expect.objectContaining({ left: near(104), text: expect.stringMatching(/^2 And iron salt/) }),
    ]);
    const texts = [run(document.pages[0], 'Ink was made'), run(document.pages[1], 'Later it was made')];
    for (const [index, text] of texts.entries()) expect(Math.abs(text.y - (notes[index]?.y ?? 0))).toBeLessThan(4);
    expect(document.pages.every(({ runs }) => runs.every(({ right }) => right < 137))).toBe(true);
  },

  'Table of contents': (document) => {
    expect(document.pages).toHaveLength(5);
    expect(document.pages[0]?.links).toEqual(['paper', 'ink', 'press']);
  },

  'Links and bookmarks': (document) => {
    expect(document.bookmarks).toEqual(['Manual', '>Care', '>>In winter']);
    expect(document.pages[0]?.links).toEqual(['care', 'https://example.com/']);
    expect(textsOf(document.pages[0]).join(' ')).toContain('more (https://example.com/).');
    expect(textsOf(document.pages[1])[0]).toBe('Care');
  },

  Hyphenation: ({ pages: [page] }) => {
    expect(textsOf(page)[0]).toMatch(/^Die Donau.*‐$/);
    expect(textsOf(page).join('').replaceAll('‐', '')).toContain('Donaudampfschifffahrtsgesellschaft');
  },
};

describe('the examples of docs/documents.md', () => {
  it('are all checked, and each check has an example', () => {
    expect(examples.map(({ name }) => name)).toEqual(Object.keys(CHECKS));
  });

  it.each(Object.entries(CHECKS))('%s', async (name, check) => check(await print(name)));
});

describe('the program that prints twice', () => {
  it('writes the numbers of the pages into the contents', async () => {
    const [program = ''] = blocksOf(documentsPage, 'js');
    const directory = await temporaryDirectory('contents');
    await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(directory, 'node_modules'));
    await writeFile(join(directory, 'print.mjs'), program.replace('http://127.0.0.1:3000', service.address));
    await writeFile(
      join(directory, 'book.html'),
      examples.find(({ name }) => name === 'Table of contents')?.html ?? '',
    );
    const env = { ...process.env, PDFPROMPT_KEY: service.key };
    await promisify(execFile)(process.execPath, ['print.mjs'], { cwd: directory, env });

    const { pages, bookmarks } = await readPages(await readFile(join(directory, 'book.pdf')));
    expect(pages).toHaveLength(5);
    const numbers = pages[0]?.runs.filter(({ right, y }) => right > 125 && y < 100);
    expect(numbers?.map(({ text, y }) => [text, y])).toEqual(
      [['2', 'Paper'], ['4', 'Ink'], ['5', 'The press']].map(([number, title = '']) => [number, near(run(pages[0], title).y)]),
    ); // prettier-ignore
    expect([pages[1], pages[3], pages[4]].map((page) => run(page, textsOf(page)[1] ?? '').text)).toEqual([
      'Paper',
      'Ink',
      'The press',
    ]);
    expect(bookmarks).toEqual(['Contents', '>Paper', '>Ink', '>The press']);
  });
});

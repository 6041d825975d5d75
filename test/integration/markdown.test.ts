import { getDocumentProxy } from 'unpdf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { renderMarkdown } from '../../src/templating/markdown/render-markdown.ts';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

const { renderer } = await createRenderer();
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

async function print(markdown: string, options: object = {}, styleSheet?: string) {
  const html = renderMarkdown(markdown, { allowHtml: false, locale: 'en', styleSheet });
  const { chunks } = await pdfOf(renderer, { html, options: { format: 'A4', ...options } });
  const bytes = new Uint8Array(Buffer.concat(chunks));
  const pdf = await readPdf(bytes);
  return { ...pdf, bytes, text: pdf.text.map((page) => page.replaceAll(/\s+/g, ' ')) };
}

const rows = (count: number) =>
  Array.from({ length: count }, (_, at) => `| row ${at} | ${'words '.repeat(20)}end ${at} |`);

it('prints markdown with numbered pages, and the head of a table on each of its pages', async () => {
  const markdown = [
    '# A long table\n\nWith a note.[^1] <b>&\n\n| Name of it | What |\n|---|---|',
    ...rows(120),
    '\n- [x] done\n\n$$\nE = mc^2\n$$\n\n[^1]: The note.',
  ];
  const { pages, text, size } = await print(markdown.join('\n'));
  expect(pages).toBeGreaterThan(3);
  expect(size).toEqual([596, 842]);
  for (const [index, page] of text.entries()) {
    expect(page).toContain(`${index + 1} / ${pages}`);
    if (/row \d/.test(page)) expect(page).toContain('Name of it');
    // A row is whole: where one begins it ends.
    for (const [, number = ''] of page.matchAll(/row (\d+)/g)) expect(page).toContain(`end ${number}`);
  }
  expect(text[0]).toContain('<b>&');
  expect(text.at(-1)).toContain('The note.');
  expect(text.join(' ')).toMatch(/done .*𝐸|E ?= ?m ?c ?2/);
});

it('never leaves a heading alone at the end of a page', async () => {
  const section = (at: number) => `## Heading ${at}\n\n### Below ${at}\n\n${`Text ${at} `.repeat(30 + (at % 7) * 13)}`;
  const { pages, text } = await print(Array.from({ length: 60 }, (_, at) => section(at)).join('\n\n'));
  expect(pages).toBeGreaterThan(5);
  for (const page of text)
    for (const [, number = ''] of page.matchAll(/(?:Heading|Below) (\d+)/g)) expect(page).toContain(`Text ${number} Text`);
}); // prettier-ignore

it('splits code over pages only if it is long', async () => {
  const code = (at: number, lines: number) =>
    ['```js', ...Array.from({ length: lines }, (_, line) => `// block${at} line${line}`), '```'].join('\n');
  const { pages, text } = await print(
    Array.from({ length: 40 }, (_, at) => code(at, 5 + (at % 8))).join('\n\nThen.\n\n'),
  );
  expect(pages).toBeGreaterThan(4);
  for (const page of text)
    for (const [, at = ''] of page.matchAll(/block(\d+) line0/g))
      expect(page).toContain(`block${at} line${4 + (Number(at) % 8)}`);
  const long = await print(`${'Text.\n\n'.repeat(15)}${code(0, 40)}`);
  expect([long.pages, long.text[0]?.includes('line3'), long.text[0]?.includes('line39')]).toEqual([2, true, false]);
});

it('keeps what is wide on the page, on paper of each size', async () => {
  const wide = Array.from({ length: 14 }, (_, at) => `column${at}`);
  const line = (cells: string[]) => `|${cells.join('|')}|`;
  const table = [line(wide), line(wide.map(() => '-')), line(wide.map(() => 'w'.repeat(30)))].join('\n');
  const code = `\`\`\`\n${'x'.repeat(400)}end-of-code\n\`\`\``;
  for (const format of ['A4', 'A5', 'Letter']) {
    const { bytes, size } = await print(`${table}\n\n${code}\n\n${'https://example.com/'.padEnd(300, 'y')}\n\n`, {
      format,
    });
    const items = await placed(bytes);
    const letters = items.map(({ str }) => str).join('').replaceAll(/\s/g, ''); // prettier-ignore
    expect([...letters.matchAll(/w/g)].length).toBe(14 * 30);
    expect(letters).toContain('end-of-code');
    const [width] = size;
    const outside = items.filter(({ left, right }) => left < MARGIN - 1 || right > width - MARGIN + 1);
    expect(outside).toEqual([]);
  }
});

/** Points of 20 mm. */
const MARGIN = 56.7;

/** Every piece of text, and where it is, in points. */
async function placed(bytes: Uint8Array): Promise<{ str: string; left: number; right: number }[]> {
  const document = await getDocumentProxy(new Uint8Array(bytes));
  const pages = Array.from({ length: document.numPages }, (_, at) => document.getPage(at + 1));
  const found = [];
  for (const page of pages) {
    const { items } = await (await page).getTextContent();
    for (const item of items) {
      if (!('str' in item) || !item.str.trim()) continue;
      const left = (item.transform as number[])[4] ?? 0;
      found.push({ str: item.str, left, right: left + item.width });
    }
  }
  return found;
}

it('prints with the style sheet of somebody else instead', async () => {
  const { text, size } = await print('# A\n\nb', { preferCSSPageSize: true }, '@page { size: A5; @top-left { content: "mine" } }');
  expect(size).toEqual([420, 595]);
  expect(text.join(' ')).toContain('mine');
  expect(text.join(' ')).not.toContain('1 / 1');
}); // prettier-ignore

import { expect, it } from 'vitest';
import type { PdfDescriptions } from '../../src/domain/pdf-description.ts';
import type { FinishedFile } from '../support/finished.ts';
import { finished, startSteps } from '../support/finished.ts';
import { undoLater } from '../support/clean-up.ts';
import { pdfInfo, picturesOfPages, qpdfProblems, runPdfTool, textOfPages } from '../support/pdf-tools.ts';
import { inspectPdf } from '../support/pdf-oracle.ts';
import { createRenderer } from '../support/renderer.ts';

const { renderer } = await createRenderer();
await renderer.start();
undoLater(() => renderer.stop());
const deps = { renderer, finisher: await startSteps() };

const PRINT = { options: { width: '3in', height: '4in', outline: true, tagged: true } };
const document = (title: string, pages: number) =>
  `<!doctype html><html lang="en"><title>${title}</title>${Array.from({ length: pages }, (_, page) => `<h1 style="break-after: page">${title}${page + 1}</h1>`).join('').replace(/ style="break-after: page"(?=[^"]*$)/, '')}`; // prettier-ignore

async function made(body: object, files: Record<string, Uint8Array> = {}): Promise<FinishedFile[]> {
  const outcome = await finished(deps, body, files);
  if (!Array.isArray(outcome)) throw new Error(JSON.stringify(outcome));
  for (const { bytes, type = 'pdf' } of outcome) if (type === 'pdf') expect(qpdfProblems(bytes, '--password=open')).toBe(''); // prettier-ignore
  return outcome;
}

async function described(body: object, files: Record<string, Uint8Array> = {}) {
  const [file, ...others] = await made({ ...body, output: 'json' }, files);
  expect({ type: file?.type, others }).toEqual({ type: 'application/json', others: [] });
  return (JSON.parse(String(file?.bytes)) as PdfDescriptions).files;
}

const uploads = Object.fromEntries(
  await Promise.all(
    ([['a.pdf', 1], ['b.pdf', 3], ['c.pdf', 2]] as const).map(async ([name, pages]) => {
      const [file] = await made({ ...PRINT, html: document(name.slice(0, 1).toUpperCase(), pages) });
      return [name, file?.bytes ?? new Uint8Array()] as const;
    }),
  ),
); // prettier-ignore
/** The three of them, each named like its file. */
const parts = Object.keys(uploads).map((name) => ({ pdf: { file: name }, filename: name }));
const textOf = ({ bytes }: FinishedFile) =>
  textOfPages(bytes, '-upw', 'open').map((text) => text.trim().split('\n')[0]);
const summary = (files: FinishedFile[]) => files.map((file) => [file.name, file.part, textOf(file)]);

it('parts that are not merged are files of their own, in their order, by their names', async () => {
  const files = await made(
    { parts: [...parts, { ...PRINT, html: document('D', 1) }], split: { parts: true } },
    uploads,
  );
  expect(summary(files)).toEqual([
    ['a.pdf', 0, ['A1']],
    ['b.pdf', 1, ['B1', 'B2', 'B3']],
    ['c.pdf', 2, ['C1', 'C2']],
    [undefined, 3, ['D1']],
  ]);
});

it('pages that printed parts have alone are enough: no step is needed', async () => {
  const printed = ['A', 'B'].map((title) => ({ ...PRINT, html: document(title, 1), filename: title }));
  expect(summary(await made({ parts: printed, split: { parts: true } }))).toEqual([
    ['A.pdf', 0, ['A1']],
    ['B.pdf', 1, ['B1']],
  ]);
});

it.each<[object, object, [string, string[]][]]>([
  [{ every: 2 }, {}, [['a.pdf', ['A1']], ['b.pdf', ['B1', 'B2']], ['b-2.pdf', ['B3']], ['c.pdf', ['C1', 'C2']]]],
  [{ at: [2] }, {}, [['a.pdf', ['A1']], ['b.pdf', ['B1']], ['b-2.pdf', ['B2', 'B3']], ['c.pdf', ['C1']], ['c-2.pdf', ['C2']]]],
  [{ ranges: ['1', '3-', '2-1'] }, {}, [['a.pdf', ['A1']], ['a-2.pdf', ['A1']], ['b.pdf', ['B1']], ['b-2.pdf', ['B3']], ['b-3.pdf', ['B2', 'B1']], ['c.pdf', ['C1']], ['c-2.pdf', ['C2', 'C1']]]],
  [{ every: 1 }, { pages: '2-, 1' }, [['a.pdf', ['A1']], ['b.pdf', ['B2']], ['b-2.pdf', ['B3']], ['b-3.pdf', ['B1']], ['c.pdf', ['C2']], ['c-2.pdf', ['C1']]]],
])('each part is split too: %j', async (split, finishing, expected) => {
  const files = await made({ parts, split: { parts: true, ...split }, finishing }, uploads);
  expect(files.map((file) => [file.name, textOf(file)])).toEqual(expected);
}); // prettier-ignore

it('ranges of the pages of one PDF may leave some out, and overlap', async () => {
  const files = await made({ parts, split: { ranges: ['5-', '1, 4', '2-3', '9-'] } }, uploads);
  expect(files.map(textOf)).toEqual([['C1', 'C2'], ['A1', 'B3'], ['B1', 'B2']]); // prettier-ignore
  await expect(finished(deps, { parts, split: { ranges: ['1', '8'] } }, uploads)).resolves.toEqual({
    code: 'finishing_invalid',
    message: 'split.ranges[1]: "8" fits no page; the PDF has 6',
  });
});

it('every step is done for each part, which it counts from 1', async () => {
  const finishing = {
    rotate: [
      { angle: 90, pages: '1-' },
      { angle: 180, pages: '3' },
    ],
    overlay: [
      { text: 'STAMP', pages: 'last' },
      { text: 'SECOND', pages: '2' },
      { html: '<p style="margin: 0">page <b class="pageNumber"></b> of <b class="totalPages"></b></p>', pages: '2-' },
      { html: '<p style="margin: 0">all <b class="totalPages"></b></p>', pages: '1' },
      { pdf: 'c.pdf', page: 'same', position: 'bottom', fit: 0.2 },
    ],
    flatten: true,
    properties: { author: 'Ann' },
    attachments: [{ file: 'data.csv' }],
    encrypt: { userPassword: 'open' },
  };
  const data = Buffer.from('a;b');
  const files = await made({ parts, split: { parts: true }, finishing }, { ...uploads, 'data.csv': data });
  expect(files.map(({ name, pages }) => [name, pages])).toEqual([['a.pdf', 1], ['b.pdf', 3], ['c.pdf', 2]]); // prettier-ignore
  for (const { bytes, pages } of files) {
    expect(pdfInfo(bytes, '-upw', 'open')).toMatchObject({ Author: 'Ann', 'Page rot': '90', Encrypted: expect.stringContaining('AES-256') }); // prettier-ignore
    expect(runPdfTool('pdfdetach', ['-list', '-upw', 'open', '{}'], bytes).output).toContain('data.csv');
    const texts = textOfPages(bytes, '-upw', 'open');
    for (const [index, text] of texts.entries()) {
      const number = index + 1;
      expect(text.includes('STAMP')).toBe(number === pages);
      expect(text.includes('SECOND')).toBe(number === 2);
      expect(text).toContain(number === 1 ? `all ${pages}` : `page ${number} of ${pages}`);
      expect(text).toContain(`C${Math.min(number, 2)}`);
    }
  }
});

it('pages that none of the parts has are refused', async () => {
  const failure = (finishing: object) => finished(deps, { parts, split: { parts: true }, finishing }, uploads);
  const [code, file] = ['finishing_invalid', 'c.pdf'];
  await expect(failure({ rotate: [{ angle: 90, pages: '4' }] })).resolves.toEqual({ code, message: 'finishing.rotate[0].pages: "4" fits no page; the PDF has 3' }); // prettier-ignore
  for (const layer of [{ text: 'x' }, { pdf: file }])
    await expect(failure({ overlay: [{ ...layer, pages: '4-5' }] })).resolves.toEqual({ code, message: 'finishing.overlay[0].pages: "4-5" fits no page of 3' }); // prettier-ignore
});

it('several files are conforming, or an invoice each', async () => {
  const printed = ['A', 'B'].map((title) => ({ ...PRINT, html: document(title, 1) }));
  const files = await made({ parts: printed, split: { parts: true }, finishing: { conformance: ['PDF/A-3b', 'PDF/UA-1'] } }); // prettier-ignore
  expect(files).toHaveLength(2);
  for (const { bytes } of files) expect(pdfInfo(bytes, '-meta')).toBeTruthy();
  const both = files.map(({ bytes }, index) => [`${index}.pdf`, bytes] as const);
  const found = await described({ parts: both.map(([file]) => ({ pdf: { file } })) }, Object.fromEntries(both));
  expect(found.map(({ conformance }) => conformance)).toEqual([['PDF/A-3b', 'PDF/UA-1'], ['PDF/A-3b', 'PDF/UA-1']]); // prettier-ignore
});

it('bookmarks of parts are their own, or theirs by title, or both, or given with the part', async () => {
  const bookmarks = async (body: object) => {
    const [file] = await made({ parts, ...body }, uploads);
    const { bookmarks: found } = await inspectPdf(file?.bytes ?? new Uint8Array());
    return found.map(({ title, page, level }) => `${'-'.repeat(level - 1)}${title}:${page}`).join(' ');
  };
  const own = 'A1:1 B1:2 B2:3 B3:4 C1:5 C2:6';
  expect(await bookmarks({ finishing: { bookmarks: 'own' } })).toBe(own);
  expect(await bookmarks({ finishing: { bookmarks: 'titles' } })).toBe('A:1 B:2 C:5');
  expect(await bookmarks({})).toBe('A:1 -A1:1 B:2 -B1:2 -B2:3 -B3:4 C:5 -C1:5 -C2:6');
  expect(await bookmarks({ finishing: { bookmarks: [] } })).toBe('');
  const given = parts.map((part, index) => ({ ...part, bookmarks: [{ title: `<${index}>`, page: 1, children: [{ title: 'c', page: 1 }] }] })); // prettier-ignore
  expect(await bookmarks({ parts: given, finishing: { bookmarks: 'own' } })).toBe('<0>:1 -c:1 <1>:2 -c:2 <2>:5 -c:5');
  const wrong = [parts[0], { ...parts[1], bookmarks: [{ title: 'x', page: 4 }] }];
  await expect(finished(deps, { parts: wrong }, uploads)).resolves.toMatchObject({
    code: 'finishing_invalid',
    message: expect.stringContaining('parts[1].bookmarks[0].page: 4; allowed: 1 to 3'),
  });
  const apart = await made({ parts: given, split: { parts: true } }, uploads);
  const { bookmarks: last } = await inspectPdf(apart[2]?.bytes ?? new Uint8Array());
  expect(last).toMatchObject([{ title: '<2>', page: 1, level: 1 }, { title: 'c', page: 1, level: 2 }]); // prettier-ignore
});

it('json says what is in each part, uploaded, encrypted or printed', async () => {
  const properties = {
    title: 'Ännual',
    author: 'Ann',
    keywords: ['one', 'two, three'],
    creator: 'Writer',
    producer: 'Maker',
    created: '2006-09-18T16:27:50-04:00',
    modified: '2007-01-02T03:04:05Z',
    trapped: 'Unknown',
    language: 'de',
    custom: { Copyright: 'Ann', Marked: true, Draft: false, 'A b': 'c', Version: 1.7, Tags: ['x', 'y, z'] },
  };
  const attachments = [{ file: 'data.csv', description: 'Figures', relationship: 'Data' }];
  const data = Buffer.from('a;b');
  const finishing = { properties, attachments, encrypt: { userPassword: 'open' }, rotate: 90 };
  const [locked] = await made({ parts: [parts[1]], finishing }, { ...uploads, 'data.csv': data });
  const [first, second, third] = await described(
    { parts: [{ pdf: { file: 'locked.pdf', password: 'open' }, filename: 'locked.pdf' }, parts[0], { ...PRINT, html: document('D', 2) }] },
    { ...uploads, 'locked.pdf': locked?.bytes ?? new Uint8Array() },
  ); // prettier-ignore
  expect(first).toMatchObject({
    part: 0,
    filename: 'locked.pdf',
    pages: 3,
    pageSizes: Array.from({ length: 3 }, () => ({ width: 288, height: 216 })),
    version: expect.stringMatching(/^1\.[4-7]$|^2\.0$/),
    isEncrypted: true,
    isSigned: false,
    hasForm: false,
    properties: {
      ...properties,
      modified: '2007-01-02T03:04:05+00:00',
      custom: { ...properties.custom, Version: '1.7' },
    },
    bookmarks: [1, 2, 3].map((page) => ({ title: `B${page}`, page })),
    attachments: [{ name: 'data.csv', mediaType: 'text/csv', size: 3, description: 'Figures', relationship: 'Data' }],
    conformance: [],
    facturx: null,
  });
  expect(second).toMatchObject({
    part: 1,
    filename: 'a.pdf',
    pages: 1,
    isEncrypted: false,
    properties: { title: 'A' },
  });
  expect(third).toMatchObject({ part: 2, filename: null, pages: 2, bookmarks: [{ title: 'D1', page: 1 }, { title: 'D2', page: 2 }] }); // prettier-ignore
  await expect(finished(deps, { pdf: { file: 'x.pdf' }, output: 'json' }, { 'x.pdf': locked?.bytes ?? data })).resolves.toMatchObject({ code: 'pdf_refused', message: expect.stringContaining('pdf.password: required') }); // prettier-ignore
  await expect(finished(deps, { parts: [parts[0], { pdf: { file: 'x.pdf' } }], output: 'json' }, { ...uploads, 'x.pdf': data })).resolves.toMatchObject({ code: 'pdf_refused', message: expect.stringContaining('parts[1].pdf') }); // prettier-ignore
});

it('properties are written over those that a PDF has, in Info and XMP, for readers that are not ours', async () => {
  const [first] = await made({ parts: [parts[0]], finishing: { properties: { author: 'Ann', custom: { Tags: ['x', 'y'], Kept: 'yes' } } } }, uploads); // prettier-ignore
  const given = { x: first?.bytes ?? new Uint8Array() };
  const properties = {
    producer: 'Maker',
    created: '2006-09-18T16:27:50-04:00',
    trapped: 'True',
    custom: { Marked: true },
  };
  const [second] = await made({ pdf: { file: 'x' }, finishing: { properties } }, given);
  const bytes = second?.bytes ?? new Uint8Array();
  expect(pdfInfo(bytes, '-rawdates')).toMatchObject({ Title: 'A', Author: 'Ann', Producer: 'Maker', CreationDate: "D:20060918162750-04'00'" }); // prettier-ignore
  expect(pdfInfo(bytes, '-custom')).toMatchObject({ Kept: 'yes', Tags: 'x, y', Marked: 'True' });
  const [found] = await described({ pdf: { file: 'x' } }, { x: bytes });
  expect(found?.properties).toMatchObject({ author: 'Ann', trapped: 'True', custom: { Kept: 'yes', Tags: ['x', 'y'], Marked: true } }); // prettier-ignore
});

it('pictures of pages are those of a merge, and parts apart have none', async () => {
  expect(picturesOfPages((await made({ parts }, uploads))[0]?.bytes ?? new Uint8Array())).toHaveLength(6);
  await expect(finished(deps, { parts, split: { parts: true }, output: { type: 'png', pages: '1' } }, uploads)).resolves.toEqual({ refused: ['split: png has a file for each page; allowed with pdf only'] }); // prettier-ignore
});

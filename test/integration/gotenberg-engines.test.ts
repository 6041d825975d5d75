import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkPdf } from '../../src/finishing/check/check-pdf.ts';
import { unzip } from '../../src/sources/unzip.ts';
import { undoLater } from '../support/clean-up.ts';
import { invoiceXml } from '../support/invoices.ts';
import { pdfInfo, picturesOfPages, qpdfProblems, runPdfTool, textOfPages } from '../support/pdf-tools.ts';
import { type Pixels, pixelsOf } from '../support/pixels.ts';
import { startService } from '../support/service.ts';

const { address, request } = await startService({
  worker: true,
  env: { COMPAT: 'gotenberg', COMPAT_USER: 'ann@example.com', COMPAT_TIMEOUT: '30' },
});

type SentFile = readonly [name: string, bytes: Uint8Array, field?: string];
type Values = Readonly<Record<string, string | readonly string[]>>;

interface Answer {
  status: number;
  type: string | null;
  /** of `Content-Disposition` */
  name: string | undefined;
  bytes: Buffer;
}

/** Sends a form to a route, without a key. */
async function post(
  route: string,
  files: readonly SentFile[],
  values: Values = {},
  outputName?: string,
): Promise<Answer> {
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) for (const each of [value].flat()) form.append(name, each);
  for (const [name, bytes, field = 'files'] of files) form.append(field, new Blob([new Uint8Array(bytes)]), name);
  const headers = outputName === undefined ? undefined : { 'Gotenberg-Output-Filename': outputName };
  const answer = await fetch(`${address}/forms/${route}`, { method: 'POST', body: form, ...(headers && { headers }) });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const name = /filename="(.*)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1];
  return { status: answer.status, type: answer.headers.get('content-type'), name, bytes };
}

/** The PDF that a route makes. */
async function pdfOf(route: string, files: readonly SentFile[], values: Values = {}): Promise<Buffer> {
  const { status, type, bytes } = await post(`pdfengines/${route}`, files, values);
  if (status !== 200 || type !== 'application/pdf') throw new Error(`${status} ${type}: ${bytes.toString()}`);
  return bytes;
}

const folder = mkdtempSync(join(tmpdir(), 'pdfprompt-engines-'));
undoLater(() => rm(folder, { recursive: true }));
let count = 0;

/** The files that a route makes, by their names in the zip. */
async function filesOf(route: string, files: readonly SentFile[], values: Values = {}): Promise<Map<string, Buffer>> {
  const { status, type, bytes } = await post(route, files, values);
  if (status !== 200 || type !== 'application/zip') throw new Error(`${status} ${type}: ${bytes.toString()}`);
  const path = join(folder, `${++count}.zip`);
  await writeFile(path, bytes);
  const place = (_: string, index: number) => `${path}-${index}`;
  const found = await unzip(path, { maxFiles: 100, maxBytes: 100_000_000, place });
  return new Map(await Promise.all(found.map(async (file) => [file.name, await readFile(file.path)] as const)));
}

async function read(route: string, files: readonly SentFile[]): Promise<unknown> {
  const { status, type, bytes } = await post(`pdfengines/${route}`, files);
  if (status !== 200) throw new Error(bytes.toString());
  expect(type).toBe('application/json');
  return JSON.parse(bytes.toString());
}

async function printed(numbers: readonly number[], style = ''): Promise<Buffer> {
  const pages = numbers.map(
    (page) => `<p${page === numbers.at(-1) ? '' : ' style="break-after: page"'}>Page ${page}</p>`,
  );
  const html = `<!DOCTYPE html><html lang="en"><title>Pages</title><style>${style}</style>${pages.join('')}`;
  const options = { format: 'A4', tagged: true, printBackground: true };
  const answer = await request('/v1/pdf', { method: 'POST', body: JSON.stringify({ html, options }) });
  if (answer.status !== 200) throw new Error(await answer.text());
  return Buffer.from(await answer.arrayBuffer());
}

const [one, two, three] = await Promise.all([printed([1]), printed([2]), printed([1, 2, 3])]);
const words = (pdf: Uint8Array) => textOfPages(pdf, '-raw').map((text) => text.trim());
const attached = (pdf: Uint8Array) => runPdfTool('pdfdetach', ['-list', '{}'], pdf).output;
const seen = async (pdf: Uint8Array, page = 0): Promise<Pixels> =>
  pixelsOf(picturesOfPages(pdf, { dpi: 36 })[page] ?? Buffer.alloc(0));

/** How many pixels are not white. */
function inked({ width, height, at }: Pixels, isMeant = (_x: number, _y: number) => true): number {
  let found = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (isMeant(x / width, y / height) && Math.min(...at(x, y)) < 200) found++;
  return found;
}

describe('merge and split', () => {
  it('merges in the order of the numbers in the names', async () => {
    const files: SentFile[] = [['cover.pdf', await printed([4])], ['10.pdf', two], ['9.pdf', one]];
    const answer = await post('pdfengines/merge', files, {}, 'sub/foo');
    expect({ status: answer.status, type: answer.type, name: answer.name }).toEqual({ status: 200, type: 'application/pdf', name: 'foo.pdf' });
    expect(words(answer.bytes)).toEqual(['Page 1', 'Page 2', 'Page 4']);
    expect(qpdfProblems(answer.bytes)).toBe('');
  }); // prettier-ignore

  it('keeps or makes bookmarks as it is told', async () => {
    const bookmarks = JSON.stringify([{ title: 'Own', page: 1 }]);
    const marked = await pdfOf('bookmarks/write', [['a.pdf', three]], { bookmarks });
    const files: SentFile[] = [['1.pdf', marked], ['2.pdf', marked]];
    const bookmarksOf = async (values: Values) => {
      const merged = await pdfOf('merge', files, values);
      return ((await read('bookmarks/read', [['m.pdf', merged]])) as Record<string, unknown>)['m.pdf'];
    };
    expect(await bookmarksOf({})).toEqual([]);
    expect(await bookmarksOf({ titleBookmarks: '1' })).toEqual([
      { title: 'Pages', page: 1, children: [{ title: 'Own', page: 1 }] },
      { title: 'Pages', page: 4, children: [{ title: 'Own', page: 4 }] },
    ]);
    const map = { bookmarks: '{"2.pdf":[{"title":"New","page":2}]}', autoIndexBookmarks: 'true' };
    expect(await bookmarksOf(map)).toEqual([{ title: 'Own', page: 1 }, { title: 'New', page: 5 }]);
  }); // prettier-ignore

  it('splits into files with numbers from 0', async () => {
    const files: SentFile[] = [['pages_3.pdf', three], ['pages_1.pdf', one]];
    const made = await filesOf('pdfengines/split', files, { splitMode: 'intervals', splitSpan: '2' });
    expect([...made].map(([name, pdf]) => [name, words(pdf)])).toEqual([
      ['pages_1_0.pdf', ['Page 1']],
      ['pages_3_0.pdf', ['Page 1', 'Page 2']],
      ['pages_3_1.pdf', ['Page 3']],
    ]);
    const alike: SentFile[] = [['report1.pdf', three], ['report1-2.pdf', one]];
    const parts = await filesOf('pdfengines/split', alike, { splitMode: 'intervals', splitSpan: '1' });
    expect(new Map([...parts].map(([name, pdf]) => [name, words(pdf)]))).toEqual(new Map([
      ['report1_0.pdf', ['Page 1']],
      ['report1_1.pdf', ['Page 2']],
      ['report1_2.pdf', ['Page 3']],
      ['report1-2_0.pdf', ['Page 1']],
    ])); // prettier-ignore
    const pages = await filesOf('pdfengines/split', [['pages_3.pdf', three]], { splitMode: 'pages', splitSpan: '2-' });
    expect([...pages].map(([name, pdf]) => [name, words(pdf)])).toEqual([
      ['pages_3_0.pdf', ['Page 2']],
      ['pages_3_1.pdf', ['Page 3']],
    ]);
    const values = { splitMode: 'pages', splitSpan: '2-', splitUnify: 'true' };
    const unified = await post('pdfengines/split', [['pages_3.pdf', three]], values);
    expect({ name: unified.name, words: words(unified.bytes) }).toEqual({ name: 'pages_3.pdf', words: ['Page 2', 'Page 3'] });
  }); // prettier-ignore
});

describe('what is seen', () => {
  it('turns pages', async () => {
    const rotated = await pdfOf('rotate', [['a.pdf', three]], { rotateAngle: '90', rotatePages: '1,3' });
    const sizes = await Promise.all([0, 1, 2].map((page) => seen(rotated, page)));
    expect(sizes.map(({ width, height }) => width > height)).toEqual([true, false, true]);
    const [first] = sizes;
    if (!first) throw new Error('there is no page');
    expect(inked(first, (x, y) => x > 0.8 && y < 0.3)).toBeGreaterThan(0);
    expect(inked(first, (x) => x < 0.5)).toBe(0);
    const whole = await filesOf('pdfengines/rotate', [['b.pdf', two], ['a.pdf', one]], { rotateAngle: '180' });
    expect([...whole.keys()]).toEqual(['a.pdf', 'b.pdf']);
    expect([...whole.values()].map((pdf) => pdfInfo(pdf)['Page rot'])).toEqual(['180', '180']);
  }); // prettier-ignore

  it('puts text along the diagonal, under or over the page', async () => {
    const before = inked(await seen(three));
    for (const kind of ['watermark', 'stamp']) {
      const values = { [`${kind}Source`]: 'text', [`${kind}Expression`]: 'CONFIDENTIAL', [`${kind}Pages`]: '1-2' };
      const made = await pdfOf(kind, [['a.pdf', three]], values);
      const [first, third] = await Promise.all([seen(made), seen(made, 2)]);
      expect(inked(first)).toBeGreaterThan(before + 100);
      expect(inked(first, (x, y) => x < 0.5 && y > 0.5)).toBeGreaterThan(0);
      expect(inked(first, (x, y) => x > 0.5 && y < 0.5)).toBeGreaterThan(0);
      expect(inked(first, (x, y) => x > 0.55 && y > 0.6)).toBe(0);
      expect(inked(third, (_, y) => y > 0.2)).toBe(0);
      expect(words(made)[0]?.replaceAll(/\s/g, '')).toContain('CONFIDENTIAL');
    }
    const covered = await printed([1], 'html, body { background: #ff0000 }');
    const values = { watermarkSource: 'text', watermarkExpression: 'X', watermarkOptions: '{"scale":"1","color":"#0000ff"}' };
    const isBlue = ({ width, height, at }: Pixels) =>
      Array.from({ length: width * height }, (_, index) => at(index % width, Math.floor(index / width))).some(([red = 0, , blue = 0]) => blue > 200 && red < 50);
    expect(isBlue(await seen(await pdfOf('watermark', [['a.pdf', covered]], values)))).toBe(false);
    const over = { stampSource: 'text', stampExpression: 'X', stampOptions: '{"scale":"1","color":"#0000ff"}' };
    expect(isBlue(await seen(await pdfOf('stamp', [['a.pdf', covered]], over)))).toBe(true);
  }); // prettier-ignore

  it('puts images, PDFs and page numbers where it is told', async () => {
    const red = await printed([1], 'html, body { background: #ff0000 } p { display: none }');
    const [png] = picturesOfPages(red, { dpi: 36 });
    if (!png) throw new Error('there is no picture');
    const values = {
      stampSource: ['image', 'pdf', 'text'],
      stampExpression: ['', '', 'Page %p of %P'],
      stampOptions: ['{"pos":"tl","rot":0,"scale":"0.2"}', '{"pos":"br","rot":0,"scale":"0.2"}', '{"pos":"bl","rot":0,"scale":"1 abs"}'],
    };
    const made = await pdfOf('stamp', [['a.pdf', three], ['x.png', png, 'stamp'], ['x.pdf', red, 'stamp']], values);
    const { width, height, at } = await seen(made, 1);
    const colour = (x: number, y: number) => at(Math.floor(x * width), Math.floor(y * height)).slice(0, 3).map((value) => Math.round(value / 5) * 5);
    expect(colour(0.05, 0.05)).toEqual([255, 0, 0]);
    expect(colour(0.95, 0.95)).toEqual([255, 0, 0]);
    expect([colour(0.95, 0.05), colour(0.5, 0.5), colour(0.3, 0.3), colour(0.7, 0.7)]).toEqual(Array.from({ length: 4 }, () => [255, 255, 255]));
    expect(words(made).map((text) => /Page \d of \d/.exec(text)?.[0])).toEqual(['Page 1 of 3', 'Page 2 of 3', 'Page 3 of 3']);
  }); // prettier-ignore
});

describe('what PDFs say', () => {
  const metadata = {
    Author: 'Julien', Copyright: 'J', CreateDate: '2006-09-18T16:27:50-04:00', Creator: 'G', Keywords: ['first', 'second'],
    Marked: true, ModDate: '2006-09-18T16:27:50-04:00', PDFVersion: 1.7, Producer: 'P', Subject: 'S', Title: 'T', Trapped: 'Unknown',
  }; // prettier-ignore
  const dates = { CreateDate: '2006:09:18 16:27:50-04:00', ModDate: '2006:09:18 16:27:50-04:00' };

  it('is written and read back, and the rest stays', async () => {
    const written = await pdfOf('metadata/write', [['a.pdf', one]], { metadata: JSON.stringify(metadata) });
    expect(await read('metadata/read', [['foo.pdf', written]])).toMatchObject({ 'foo.pdf': { ...metadata, ...dates } });
    const again = await pdfOf('metadata/write', [['a.pdf', written]], {
      metadata: '{"Title":"Other","FileName":"/x"}',
    });
    expect(await read('metadata/read', [['foo.pdf', again]])).toMatchObject({
      'foo.pdf': { ...metadata, ...dates, Title: 'Other' },
    });
    expect(pdfInfo(again)).toMatchObject({ Title: 'Other', Author: 'Julien' });
  });

  it('is the same after several fields at once', async () => {
    const values = {
      splitMode: 'intervals', splitSpan: '2', pdfa: 'PDF/A-3b', metadata: JSON.stringify(metadata), flatten: 'true',
      watermarkSource: 'text', watermarkExpression: 'CONFIDENTIAL', stampSource: 'text', stampExpression: 'DRAFT', rotateAngle: '90',
    };
    const xml: SentFile = ['e.xml', Buffer.from('<a/>'), 'embeds'];
    const made = await filesOf('pdfengines/split', [['pages_3.pdf', three], xml], values);
    expect([...made.keys()]).toEqual(['pages_3_0.pdf', 'pages_3_1.pdf']);
    for (const pdf of made.values()) {
      expect(await checkPdf(pdf, ['PDF/A-3b'])).toEqual([]);
      expect(attached(pdf)).toContain('e.xml');
    }
    const tags = await read('metadata/read', [...made].map(([name, pdf]) => [name, pdf]));
    expect(tags).toMatchObject({ 'pages_3_0.pdf': { ...metadata, ...dates }, 'pages_3_1.pdf': { ...metadata, ...dates } });
  }); // prettier-ignore

  it('has bookmarks for all, for some, or none', async () => {
    const list = [{ title: 'Index', page: 1, children: [{ title: 'Sub', page: 2 }] }];
    const files: SentFile[] = [['a.pdf', three], ['b.pdf', three]];
    const both = await filesOf('pdfengines/bookmarks/write', files, { bookmarks: JSON.stringify(list) });
    expect(await read('bookmarks/read', [...both])).toEqual({ 'a.pdf': list, 'b.pdf': list });
    const some = await filesOf('pdfengines/bookmarks/write', files, { bookmarks: JSON.stringify({ 'b.pdf': list }) });
    expect(await read('bookmarks/read', [...some])).toEqual({ 'a.pdf': [], 'b.pdf': list });
    const answer = await post('pdfengines/bookmarks/write', files, { bookmarks: '[{"title":"Far","page":99}]' });
    expect(answer.status).toBe(400);
  }); // prettier-ignore
});

describe('how PDFs are kept', () => {
  it('encrypts', async () => {
    const made = await filesOf('pdfengines/encrypt', [['a.pdf', one], ['b.pdf', two]], {
      userPassword: 'foo', ownerPassword: 'bar', allowPrinting: 'false', allowCopying: 'False',
    });
    for (const pdf of made.values()) {
      expect(runPdfTool('pdfinfo', ['{}'], pdf).output).toContain('Incorrect password');
      expect(pdfInfo(pdf, '-upw', 'foo')['Encrypted']).toMatch(/^yes \(print:no copy:no change:yes addNotes:yes algorithm:AES-256\)$/);
    }
    const open = await pdfOf('encrypt', [['a.pdf', one]], { ownerPassword: 'bar', allowModifying: '0' });
    expect(pdfInfo(open)['Encrypted']).toMatch(/change:no/);
    expect(words(open)).toEqual(['Page 1']);
  }); // prettier-ignore

  it('attaches files, and says what they are', async () => {
    const files: SentFile[] = [['a.pdf', one], ['x.xml', Buffer.from('<x/>'), 'embeds'], ['y.txt', Buffer.from('y'), 'embeds']];
    const made = await pdfOf('embed', files, { embedsMetadata: '{"x.xml":{"mimeType":"text/xml","relationship":"Data"}}' });
    expect(attached(made)).toMatch(/2 embedded files[^]*x\.xml[^]*y\.txt/);
    const { output } = runPdfTool('qpdf', ['--qdf', '--object-streams=disable', '{}', '-'], made);
    expect(output).toMatch(/\/AFRelationship \/Data/);
    expect(output).toMatch(/\/Subtype \/text#2fxml/);
  }); // prettier-ignore

  it('makes PDF/A, PDF/UA and Factur-X of what is fit for it', async () => {
    for (const pdfa of ['PDF/A-1b', 'PDF/A-2b', 'PDF/A-3b'] as const)
      expect(await checkPdf(await pdfOf('convert', [['a.pdf', one]], { pdfa, pdfua: 'true' }), [pdfa, 'PDF/UA-1'])).toEqual([]);
    const xml: SentFile = ['invoice.xml', Buffer.from(invoiceXml('EN 16931')), 'facturxXml'];
    const invoice = await pdfOf('factur-x', [['a.pdf', one], xml], { facturxConformanceLevel: 'EN 16931' });
    expect(await checkPdf(invoice, ['PDF/A-3b'])).toEqual([]);
    expect(attached(invoice)).toContain('factur-x.xml');
  }); // prettier-ignore

  it('makes images smaller', async () => {
    const noise = Array.from({ length: 300 }, (_, i) => `radial-gradient(circle at ${(i * 37) % 100}% ${(i * 61) % 100}%, hsl(${i * 13}, 80%, 50%) 1%, transparent 9%)`).join(',');
    const answer = await request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: `<body style="background: ${noise}; height: 900px">`, output: 'png' }) });
    const { id } = (await answer.json()) as { id: string };
    await request(`/v1/jobs/${id}?wait=30`);
    const png = Buffer.from(await (await request(`/v1/jobs/${id}/pdf`)).arrayBuffer());
    const html = `<img src="data:image/png;base64,${png.toString('base64')}">`;
    const heavy = Buffer.from(await (await request('/v1/pdf', { method: 'POST', body: JSON.stringify({ html }) })).arrayBuffer());
    const light = await pdfOf('optimize', [['a.pdf', heavy]], { imageQuality: '40' });
    expect(light.length).toBeLessThan(heavy.length / 2);
    expect(runPdfTool('pdfimages', ['-list', '{}'], light).output).toMatch(/jpeg/);
  }); // prettier-ignore
});

describe('what is refused', () => {
  it.each<[route: string, values: Values, text: RegExp]>([
    ['merge', {}, /^files: required/],
    ['split', {}, /^splitMode: .+\nsplitSpan: .+\nfiles: .+$/],
    ['metadata/write', {}, /^metadata: .+\nfiles: .+$/],
    ['watermark', { watermarkSource: 'image' }, /^watermark: .+\nfiles: .+$/],
  ])('%s without files and with %j', async (route, values, text) => {
    const { status, type, bytes } = await post(`pdfengines/${route}`, [], values);
    expect({ status, type }).toEqual({ status: 400, type: 'text/plain; charset=UTF-8' });
    expect(bytes.toString()).toMatch(text);
  });

  it.each<[route: string, values: Values, text: RegExp]>([
    ['encrypt', { userPassword: 'x'.repeat(200) }, /^userPassword: /],
    ['metadata/write', { metadata: JSON.stringify({ Title: 'x'.repeat(2_000) }) }, /^metadata: /],
    ['bookmarks/write', { bookmarks: '[{"title":"","page":0}]' }, /^bookmarks: /],
    ['stamp', { stampSource: 'text', stampExpression: 'x'.repeat(2_000) }, /^stamp/],
    ['rotate', { rotateAngle: '90', rotatePages: '77' }, /^rotate/],
  ])('%s with %j, by names of the form', async (route, values, text) => {
    const { status, bytes } = await post(`pdfengines/${route}`, [['a.pdf', one]], values);
    expect(bytes.toString()).toMatch(text);
    expect(status).toBe(400);
  });

  it('a PDF that is none', async () => {
    const { status, type } = await post('pdfengines/flatten', [['a.pdf', Buffer.from('hello')]]);
    expect({ status, type }).toEqual({ status: 400, type: 'text/plain; charset=UTF-8' });
  });
});

it('a page that is printed can be split, stamped, and encrypted', async () => {
  const html = Buffer.from('<p style="break-after: page">Page 1</p><p>Page 2</p>');
  const values = { splitMode: 'intervals', splitSpan: '1', stampSource: 'text', stampExpression: 'DRAFT', userPassword: 'foo' };
  const made = await filesOf('chromium/convert/html', [['index.html', html]], values);
  expect([...made.keys()].map((name) => name.replace(/^.*(?=_)/, ''))).toEqual(['_0.pdf', '_1.pdf']);
  for (const pdf of made.values()) expect(textOfPages(pdf, '-upw', 'foo')[0]?.replaceAll(/\s/g, '')).toContain('DRAFT');
}); // prettier-ignore

import { describe, expect, it } from 'vitest';
import type { SentFile, SentForm } from '../../src/compat/conversion.ts';
import { ENGINE_ROUTES } from '../../src/compat/gotenberg/engines/engine-routes.ts';
import { readPostProcessing } from '../../src/compat/gotenberg/engines/post-processing.ts';
import { Fields } from '../../src/compat/gotenberg/fields.ts';
import type { FormConversion } from '../../src/compat/gotenberg/form-route.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { CodedError } from '../../src/kernel/errors.ts';

type Values = Record<string, string | string[]>;

const sent = (name: string, field = 'files'): SentFile => ({
  name,
  field,
  sha256: '00',
  size: 1,
  text: () => Promise.resolve(''),
});

function formOf(values: Values, files: readonly (string | [name: string, field: string])[] = ['a.pdf']): SentForm {
  return {
    fields: new Map(Object.entries(values).map(([name, value]) => [name, [value].flat()])),
    files: files.map((file) => (typeof file === 'string' ? sent(file) : sent(...file))),
  };
}

const about = {
  outputName: undefined,
  uniqueName: 'unique',
  timeoutMs: 30_000,
  toHtml: (text: string) => Promise.resolve(text),
};

async function convert(route: string, form: SentForm, outputName?: string): Promise<FormConversion> {
  const found = ENGINE_ROUTES.find(({ path }) => path === `/forms/pdfengines/${route}`);
  if (!found) throw new Error(`no route ${route}`);
  const conversion = await found.convert(form, { ...about, outputName });
  const files = Object.fromEntries(Object.keys(conversion.files ?? {}).map((path) => [path, 'a'.repeat(64)]));
  expect(parsePdfRequest({ ...conversion.request, files })).toMatchObject({ ok: true });
  return conversion;
}

/** The fields that are refused. */
async function refusals(route: string, form: SentForm): Promise<string[]> {
  try {
    await convert(route, form);
    return [];
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return (error.fields ?? []).map(({ field }) => field);
  }
}

async function finishingOf(route: string, values: Values): Promise<unknown> {
  return (await convert(route, formOf(values))).request['finishing'];
}

describe('What is refused', () => {
  const pdf = (name: string): [string, string] => [name, 'files'];
  it.each<[route: string, values: Values, files: [string, string][], fields: string[]]>([
    ['merge', {}, [], ['files']],
    ['merge', {}, [pdf('a.txt'), ['b.pdf', 'embeds']], ['files']],
    ['merge', { pdfa: 'foo', pdfua: 'foo', metadata: 'foo' }, [pdf('a.pdf')], ['pdfa', 'pdfua', 'metadata']],
    ['merge', { bookmarks: 'foo', titleBookmarks: 'foo' }, [pdf('a.pdf')], ['bookmarks', 'titleBookmarks']],
    ['split', {}, [], ['splitMode', 'splitSpan', 'files']],
    ['split', { splitMode: 'foo', splitSpan: '2' }, [pdf('a.pdf')], ['splitMode']],
    ['split', { splitMode: 'intervals', splitSpan: 'foo' }, [pdf('a.pdf')], ['splitSpan']],
    ['split', { splitMode: 'intervals', splitSpan: '0' }, [pdf('a.pdf')], ['splitSpan']],
    ['split', { splitMode: 'pages', splitSpan: 'foo' }, [pdf('a.pdf')], ['splitSpan']],
    ['split', { splitMode: 'pages', splitSpan: '0-2' }, [pdf('a.pdf')], ['splitSpan']],
    ['rotate', {}, [pdf('a.pdf')], ['rotateAngle']],
    ['rotate', { rotateAngle: '45' }, [pdf('a.pdf')], ['rotateAngle']],
    ['rotate', { rotateAngle: '90', rotatePages: 'x' }, [], ['rotatePages', 'files']],
    ['optimize', { imageQuality: '200' }, [pdf('a.pdf')], ['imageQuality']],
    ['convert', {}, [pdf('a.pdf')], ['pdfa']],
    ['convert', { pdfua: 'false' }, [pdf('a.pdf')], ['pdfa']],
    ['convert', { pdfa: 'foo' }, [pdf('a.pdf')], ['pdfa']],
    ['convert', { pdfua: 'foo' }, [pdf('a.pdf')], ['pdfua']],
    ['metadata/write', {}, [], ['metadata', 'files']],
    ['metadata/write', { metadata: '{"Title": "a\\u0000b"}' }, [pdf('a.pdf')], ['metadata']],
    ['metadata/write', { metadata: '{"Ti\\ntle": "a"}' }, [pdf('a.pdf')], ['metadata']],
    ['metadata/write', { metadata: '{"Keywords": ["a", "\\r"]}' }, [pdf('a.pdf')], ['metadata']],
    ['metadata/write', { metadata: '{"Title": {"a": 1}}' }, [pdf('a.pdf')], ['metadata']],
    ['metadata/write', { metadata: '{"Keywords": [1]}' }, [pdf('a.pdf')], ['metadata']],
    ['metadata/write', { metadata: '{"CreateDate": "yesterday"}' }, [pdf('a.pdf')], ['metadata']],
    ['metadata/write', { metadata: '[]' }, [pdf('a.pdf')], ['metadata']],
    ['metadata/read', {}, [], ['files']],
    ['bookmarks/write', {}, [], ['bookmarks', 'files']],
    ['bookmarks/write', { bookmarks: '{"a.pdf": 1}' }, [pdf('a.pdf')], ['bookmarks']],
    ['encrypt', {}, [pdf('a.pdf')], ['userPassword']],
    ['encrypt', { allowPrinting: 'false' }, [pdf('a.pdf')], ['userPassword', 'allowPrinting']],
    ['encrypt', { userPassword: 'x', allowCopying: 'maybe' }, [pdf('a.pdf')], ['allowCopying']],
    ['embed', { embedsMetadata: '{"x.xml": 1}' }, [pdf('a.pdf'), ['x.xml', 'embeds']], ['embedsMetadata']],
    ['watermark', {}, [pdf('a.pdf')], ['watermarkSource']],
    ['watermark', { watermarkSource: 'foo' }, [pdf('a.pdf')], ['watermarkSource']],
    ['watermark', { watermarkSource: 'text' }, [pdf('a.pdf')], ['watermarkExpression']],
    ['watermark', { watermarkSource: 'image' }, [pdf('a.pdf')], ['watermark']],
    ['watermark', { watermarkSource: 'pdf' }, [pdf('a.pdf'), pdf('b.pdf')], ['watermark']],
    ['stamp', { stampSource: ['image', 'pdf'] }, [pdf('a.pdf'), ['b.png', 'stamp']], ['stamp']],
    ['stamp', { stampSource: 'text', stampExpression: 'x', stampPages: 'x' }, [pdf('a.pdf')], ['stampPages']],
    ['factur-x', {}, [pdf('a.pdf')], ['facturxXml', 'facturxConformanceLevel']],
    [
      'factur-x',
      { facturxConformanceLevel: 'foo' },
      [pdf('a.pdf'), ['f.xml', 'facturxXml']],
      ['facturxConformanceLevel'],
    ],
    ['merge', { facturxConformanceLevel: 'BASIC' }, [pdf('a.pdf')], ['facturxXml']],
    ['merge', { pdfa: 'PDF/A-1b' }, [pdf('a.pdf'), ['e.xml', 'embeds']], ['pdfa']],
    ['merge', { pdfa: 'PDF/A-2b' }, [pdf('a.pdf'), ['e.xml', 'embeds']], ['pdfa']],
    ['merge', { pdfa: 'PDF/A-3b', userPassword: 'x' }, [pdf('a.pdf')], ['pdfa']],
    ['merge', { allowPrinting: 'false' }, [pdf('a.pdf')], ['allowPrinting']],
  ])('%s with %j and %j', async (route, values, files, fields) => {
    expect(await refusals(route, formOf(values, files))).toEqual(fields);
  });

  it.each([
    '[1]', '"a"', '{"points": true}', '{"points": 0}', '{"opacity": 1.1}', '{"rotation": 200}', '{"diagonal": 3}',
    '{"scale": "2 rel"}', '{"scale": "0"}', '{"position": "middle"}', '{"offset": "1"}', '{"color": "#12"}',
    '{"color": "2 0 0"}', '{"mode": 1}', '{"colour": "red"}', '{"o": 1}', '{"": 1}', '{"border": "1"}', '{"url": "x"}',
    '{"rot": 1, "diag": 1}', '{', 'a', 'op:1:2', '{"fontname": "../x"}', '{"aligntext": "x"}',
  ])('stampOptions %s', async (stampOptions) => {
    const values = { stampSource: 'text', stampExpression: 'x', stampOptions };
    expect(await refusals('stamp', formOf(values))).toEqual(['stampOptions']);
  }); // prettier-ignore
});

describe('The PDFs of a form', () => {
  it('are sorted, each once, whatever their fields are called', async () => {
    const files: (string | [string, string])[] = [
      'b.pdf',
      '10.pdf',
      ['9.PDF', 'x'],
      '9.PDF',
      'notes.txt',
      ['w.pdf', 'stamp'],
    ];
    const { request, files: named = {} } = await convert('merge', formOf({}, files));
    const parts = request['parts'] as { pdf: { file: string } }[];
    expect(parts.map(({ pdf }) => named[pdf.file]?.name)).toEqual(['9.PDF', '10.pdf', 'b.pdf']);
    expect(request).not.toHaveProperty('split');
  });

  it('keep their names in a zip, and one alone keeps its name', async () => {
    const { request, naming } = await convert('flatten', formOf({}, ['b.pdf', 'a.pdf']));
    expect(
      [0, 1].map((position) => naming.inZip?.({ position, own: 'own.pdf', part: position, positionInPart: 0 })),
    ).toEqual(['a.pdf', 'b.pdf']);
    expect(naming.name).toBe('unique');
    expect(request).toMatchObject({ split: { parts: true }, finishing: { flatten: true } });
    expect((await convert('flatten', formOf({}, ['b.x.pdf']))).naming.name).toBe('b.x');
    expect((await convert('flatten', formOf({}, ['b.pdf']), 'foo')).naming.name).toBe('foo');
    expect((await convert('merge', formOf({}, ['b.pdf']))).naming.name).toBe('unique');
  });

  it('that are split have numbers from 0', async () => {
    const values = { splitMode: 'intervals', splitSpan: '2' };
    const { request, naming } = await convert('split', formOf(values, ['report1.pdf', 'report1-2.pdf', 'a.pdf']));
    expect(request['split']).toEqual({ parts: true, every: 2 });
    const parts = request['parts'] as { filename: string }[];
    const stems = parts.map(({ filename }) => filename);
    expect(stems.toSorted()).toEqual(['a', 'report1', 'report1-2']);
    // The second file of report1.pdf is called as the first one of report1-2.pdf would be.
    for (const [part, stem] of stems.entries())
      for (const positionInPart of [0, 1])
        expect(naming.inZip?.({ position: 5, own: 'report1-2.pdf', part, positionInPart })).toBe(
          `${stem}_${positionInPart}.pdf`,
        );
    expect(naming.inZip?.({ position: 5, own: 'own.pdf', part: null, positionInPart: 0 })).toBe('own.pdf');
    const one = await convert('split', formOf(values, ['a.pdf']));
    expect(one.naming.inZip?.({ position: 1, own: 'a-2.pdf', part: null, positionInPart: 1 })).toBe('a_1.pdf');
  });

  it.each([
    [{ splitMode: 'pages', splitSpan: '2-' }, { parts: true, every: 1 }, '2-'],
    [{ splitMode: 'pages', splitSpan: '2-z', splitUnify: '1' }, { parts: true }, '2-last'],
    [{ splitMode: 'pages', splitSpan: '2-end', splitUnify: 'True' }, { parts: true }, '2-last'],
    [{ splitMode: 'pages', splitSpan: '1,l', splitUnify: '0' }, { parts: true, every: 1 }, '1,last'],
  ])('%j', async (values, split, pages) => {
    const { request } = await convert('split', formOf(values));
    expect(request).toMatchObject({ split, finishing: { pages } });
  });

  it('with names that are not allowed, or not different, get others in the job', async () => {
    const names = ['A.pdf', 'a.pdf', '.pdf', '\u202Ex.pdf', `${'é'.repeat(300)}.pdf`];
    const { request, files = {} } = await convert('flatten', formOf({}, names));
    const given = (request['parts'] as { filename: string }[]).map(({ filename }) => filename);
    expect(new Set(given.map((name) => name.toLowerCase())).size).toBe(names.length);
    expect(given.every((name) => name.length <= 200 && !/[\u202E/]/u.test(name) && name !== '')).toBe(true);
    expect(Object.keys(files)).toHaveLength(names.length);
  });
});

describe('Metadata', () => {
  const write = async (metadata: object) => {
    const finishing = (await finishingOf('metadata/write', { metadata: JSON.stringify(metadata) })) as
      { properties: unknown } | undefined;
    return finishing?.properties;
  };

  it.each<[object, unknown]>([
    [{ Title: 'T', Author: 'A', Subject: 'S', Creator: 'C', Producer: 'P' }, { title: 'T', author: 'A', subject: 'S', creator: 'C', producer: 'P' }],
    [{ 'PDF:Title': 'T', 'XMP-pdf:author': 'A' }, { title: 'T', author: 'A' }],
    [{ Keywords: ['a', 'b'] }, { keywords: ['a', 'b'] }],
    [{ Keywords: 'a, b; c' }, { keywords: ['a', 'b', 'c'] }],
    [{ CreateDate: '2006-09-18T16:27:50-04:00' }, { created: '2006-09-18T16:27:50-04:00' }],
    [{ ModDate: '2006:09:18 16:27:50Z' }, { modified: '2006-09-18T16:27:50Z' }],
    [{ ModifyDate: '2006:09:18' }, { modified: '2006-09-18T00:00:00Z' }],
    [{ Trapped: 'Unknown' }, { trapped: 'Unknown' }],
    [{ Trapped: true }, { trapped: 'True' }],
    [{ Title: 5 }, { title: '5' }],
    [{ Copyright: 'J', Marked: true, PDFVersion: 1.7, Tags: ['x'] }, { custom: { Copyright: 'J', Marked: true, PDFVersion: 1.7, Tags: ['x'] } }],
    [{ FileName: '/etc/x', 'System:Directory': '/', symlink: 'a', HardLink: 'b', 'File:FilePermissions': 'c', 'FileName#': 'd' }, undefined],
    [{ Title: null, Author: 'A' }, { author: 'A' }],
    [{}, undefined],
  ])('%j is written as %j', async (metadata, properties) => {
    expect(await write(metadata)).toEqual(properties);
  }); // prettier-ignore

  it('is read by the names of ExifTool', async () => {
    const { request, toAnswer } = await convert('metadata/read', formOf({}, ['foo.pdf', 'bar.pdf']));
    expect(request['output']).toBe('json');
    const properties = {
      title: 'T', author: 'A', subject: 'S', creator: 'C', producer: 'P', trapped: 'Unknown', keywords: ['a', 'b'],
      created: '2006-09-18T16:27:50-04:00', modified: '2006-09-18T16:27:50Z', custom: { Marked: true, Copyright: 'J', Level: '1.7' },
    }; // prettier-ignore
    const json = {
      files: [
        { version: '1.7', pages: 2, properties: {} },
        { version: '1.7', pages: 3, properties },
      ],
    };
    expect(toAnswer?.(json)).toMatchObject({
      'bar.pdf': { PDFVersion: 1.7, PageCount: 2, FileName: 'bar.pdf' },
      'foo.pdf': {
        Title: 'T', Author: 'A', Subject: 'S', Creator: 'C', Producer: 'P', Trapped: 'Unknown', Keywords: ['a', 'b'],
        CreateDate: '2006:09:18 16:27:50-04:00', ModDate: '2006:09:18 16:27:50Z', Marked: true, Copyright: 'J', Level: 1.7, PageCount: 3,
      },
    }); // prettier-ignore
  });
});

describe('Bookmarks', () => {
  const list = [{ title: 'Index', page: 1, children: [{ title: 'Sub', page: 1, children: null }] }];
  const clean = [{ title: 'Index', page: 1, children: [{ title: 'Sub', page: 1 }] }];

  it('are written into all PDFs, or into those that are named', async () => {
    const files = ['a.pdf', 'b.pdf'];
    const all = await convert('bookmarks/write', formOf({ bookmarks: JSON.stringify(list) }, files));
    expect(all.request['parts']).toMatchObject([{ bookmarks: clean }, { bookmarks: clean }]);
    const one = await convert('bookmarks/write', formOf({ bookmarks: JSON.stringify({ 'b.pdf': list }) }, files));
    expect((one.request['parts'] as object[]).map((part) => 'bookmarks' in part)).toEqual([false, true]);
  });

  it('of a merged PDF are those of the form, and else its own if they are kept', async () => {
    const lists = async (values: Values) => {
      const { request } = await convert('merge', formOf({ bookmarks: '{"a.pdf": []}', ...values }, ['a.pdf', 'b.pdf']));
      return (request['parts'] as { bookmarks?: unknown }[]).map(({ bookmarks }) => bookmarks);
    };
    expect(await lists({})).toEqual([[], []]);
    expect(await lists({ autoIndexBookmarks: '1' })).toEqual([[], undefined]);
  });

  it('are read as lists', async () => {
    const { toAnswer } = await convert('bookmarks/read', formOf({}, ['a.pdf', 'b.pdf']));
    const json = { files: [{ bookmarks: [{ title: 'T', page: 2, children: [] }] }, { bookmarks: [] }] };
    expect(toAnswer?.(json)).toEqual({ 'a.pdf': [{ title: 'T', page: 2 }], 'b.pdf': [] });
  });

  it.each<[Values, unknown]>([
    [{}, []],
    [{ autoIndexBookmarks: 'true' }, 'own'],
    [{ titleBookmarks: 'true' }, 'both'],
    [{ autoIndexBookmarks: '1', titleBookmarks: '1' }, 'both'],
    [{ bookmarks: JSON.stringify(list) }, clean],
    [{ bookmarks: '{"a.pdf": []}' }, 'own'],
  ])('of a merged PDF with %j', async (values, bookmarks) => {
    expect(await finishingOf('merge', values)).toMatchObject({ bookmarks });
  });
});

describe('Stamps', () => {
  const DEFAULTS = { position: 'center', margin: 0, opacity: 1, rotate: 'diagonal-up', fit: 0.5 };
  const TEXT = { ...DEFAULTS, text: 'x', fontFamily: 'Helvetica', fontSize: 24, color: '#808080' };
  const layerOf = async (values: Values) => {
    const finishing = (await finishingOf('stamp', { stampSource: 'text', stampExpression: 'x', ...values })) as {
      overlay: object[];
    };
    return finishing.overlay[0];
  };

  it.each<[string, object]>([
    ['', {}],
    ['{}', {}],
    ['{"rot": "45", "scale": "0.5 abs", "fillcolor": "#FF0000"}', { rotate: -45, scale: 0.5, fit: undefined, color: '#ff0000' }],
    ['{"font": "Times-BoldItalic", "points": 48, "color": "1 0 .5"}', { fontFamily: 'Times', bold: true, italic: true, fontSize: 48, color: '#ff0080' }],
    ['{"fontname": "Roboto"}', { fontFamily: 'Roboto' }],
    ['{"font": "Courier-Oblique"}', { fontFamily: 'Courier', italic: true }],
    ['{"rotation": 0, "opacity": 0.15}', { rotate: 0, opacity: 0.15 }],
    ['{"diagonal": "2"}', { rotate: 'diagonal-down' }],
    ['{"d": 1, "pos": "tl", "off": "10 -20"}', { position: 'top-left', offset: { x: 10, y: 20 } }],
    ['{"position": "bottom-right"}', { position: 'bottom-right' }],
    ['{"scalefactor": 0.9}', { fit: 0.9 }],
    ['{"scalefactor": "2"}', { scale: 2, fit: undefined }],
    ['{"bgcolor": "lightgray", "margins": "5", "aligntext": "center"}', { background: '#e5e5e5', padding: 5, align: 'center' }],
    ['{"margins": 5, "rendermode": 0}', {}],
    ['rotation:-180, position:tl, scalefactor:0.20, opacity:0.4', { rotate: 180, position: 'top-left', fit: 0.2, opacity: 0.4 }],
  ])('options %s', async (stampOptions, expected) => {
    expect(await layerOf({ stampOptions })).toEqual({ ...TEXT, ...expected });
  }); // prettier-ignore

  it('break lines, and show page numbers', async () => {
    expect(await layerOf({ stampExpression: 'a\\nb 100%%' })).toMatchObject({ text: 'a\nb 100%' });
    const numbered = (await layerOf({ stampExpression: '<%p> of %P', stampOptions: 'scale:1 abs, pos:bc' })) as {
      html: string;
    };
    expect(Object.keys(numbered)).toEqual(['html']);
    expect(numbered.html).toContain('&lt;<span class="pageNumber"></span>&gt; of <span class="totalPages"></span>');
    expect(numbered.html).toContain('24pt');
  });

  it('are parallel lists, whose files come in order', async () => {
    const values = {
      watermarkSource: ['text', 'image', 'pdf'],
      watermarkExpression: ['DRAFT'],
      watermarkPages: ['1-2', '', '3'],
      watermarkOptions: ['{"opacity": "0.5"}', ''],
    };
    const files: [string, string][] = [['a.pdf', 'files'], ['w.PNG', 'watermark'], ['w.pdf', 'watermark']];
    const { request, files: named = {} } = await convert('watermark', formOf(values, files));
    const { underlay } = request['finishing'] as { underlay: { image?: string; pdf?: string }[] };
    expect(underlay).toMatchObject([
      { text: 'DRAFT', pages: '1-2', opacity: 0.5 },
      { image: 'watermark-1.png', ...DEFAULTS },
      { pdf: 'watermark-2.pdf', page: 'same', pages: '3' },
    ]);
    expect(named['watermark-2.pdf']?.name).toBe('w.pdf');
    expect(request['parts']).toHaveLength(1);
  }); // prettier-ignore
});

describe('The other fields', () => {
  it.each<[route: string, values: Values, finishing: object | undefined]>([
    ['rotate', { rotateAngle: '270' }, { rotate: [{ angle: 270 }] }],
    ['rotate', { rotateAngle: '90', rotatePages: '1,3' }, { rotate: [{ angle: 90, pages: '1,3' }] }],
    ['optimize', {}, { images: { maxDpi: false, quality: 80, reencode: true } }],
    ['optimize', { imageQuality: '40' }, { images: { maxDpi: false, quality: 40, reencode: true } }],
    ['convert', { pdfa: 'PDF/A-1b', pdfua: 'true' }, { conformance: ['PDF/A-1b', 'PDF/UA-1'] }],
    ['convert', { pdfa: 'PDF/A-2b', pdfua: '1' }, { conformance: ['PDF/A-2b', 'PDF/UA-1'] }],
    ['convert', { pdfua: 'True' }, { conformance: ['PDF/UA-1'] }],
    ['encrypt', { userPassword: 'u' }, { encrypt: { userPassword: 'u' } }],
    ['encrypt', { ownerPassword: 'o', allowPrinting: 'false', allowFillingForms: '1' }, { encrypt: { ownerPassword: 'o', permissions: { print: false, fillForms: true } } }],
    ['embed', {}, undefined],
    ['merge', { imageQuality: '40' }, { bookmarks: [] }],
    ['merge', { flatten: '1', optimizeImages: 'true' }, { flatten: true, images: { maxDpi: false, quality: 80, reencode: true }, bookmarks: [] }],
  ])('of %s: %j', async (route, values, finishing) => {
    expect(await finishingOf(route, values)).toEqual(finishing);
  }); // prettier-ignore

  it('say what attachments are', async () => {
    const values = { embedsMetadata: '{"x.xml": {"mimeType": "text/xml", "relationship": "Data"}}' };
    const files: [string, string][] = [['a.pdf', 'files'], ['x.xml', 'embeds'], ['b.pdf', 'embeds']];
    const { request, files: named = {} } = await convert('embed', formOf(values, files));
    expect(request['finishing']).toEqual({
      attachments: [
        { file: 'embed-1.xml', name: 'x.xml', mediaType: 'text/xml', relationship: 'Data' },
        { file: 'embed-2.pdf', name: 'b.pdf' },
      ],
    });
    expect(Object.values(named).map(({ name }) => name)).toEqual(['a.pdf', 'x.xml', 'b.pdf']);
  }); // prettier-ignore

  it('make an invoice', async () => {
    const values = { facturxConformanceLevel: 'EN 16931', facturxVersion: '1.0', facturxDocumentType: 'ORDER' };
    const { request } = await convert('factur-x', formOf(values, ['a.pdf', ['f.xml', 'facturxXml']]));
    expect(request['finishing']).toEqual({
      facturx: { file: 'facturx.xml', level: 'EN 16931', documentType: 'ORDER', version: '1.0' },
    });
  });

  it('of a route that prints are the same, and splitting is one of them', () => {
    const form = formOf({ splitMode: 'intervals', splitSpan: '2', pdfa: 'PDF/A-3b', flatten: '1', userPassword: '' });
    const fields = new Fields(form);
    expect(readPostProcessing(form, fields)).toEqual({
      finishing: { conformance: ['PDF/A-3b'] },
      every: 2,
      bookmarks: undefined,
      files: {},
    });
    expect(() => fields.check()).not.toThrow();
    const without = formOf({ splitMode: 'pages' });
    const refused = new Fields(without);
    readPostProcessing(without, refused);
    expect(() => refused.check()).toThrow('splitSpan');
  });
});

describe('What is large', () => {
  const JSON_FIELDS = {
    'merge bookmarks': ['bookmarks', {}],
    'merge metadata': ['metadata', {}],
    'merge embedsMetadata': ['embedsMetadata', {}],
    'merge stampOptions': ['stampOptions', { stampSource: 'text', stampExpression: 'a' }],
  } satisfies Record<string, [string, Values]>;
  const LARGE: [what: string, text: string, allowed: RegExp][] = [
    ['nested', `${'[{"title":"a","page":1,"children":'.repeat(6_000)}[]${'}]'.repeat(6_000)}`, /at most 32 levels/],
    ['nested and open', '['.repeat(100_000), /at most 32 levels/],
    ['many', JSON.stringify(Object.fromEntries(Array.from({ length: 40_000 }, (_, at) => [`a${at}`, 1]))), /at most 20000 values/],
  ]; // prettier-ignore

  it.each(
    Object.entries(JSON_FIELDS).flatMap(([name, [field, values]]) =>
      LARGE.map(([what, text, allowed]) => [`${name}, ${what}`, { ...values, [field]: text }, field, allowed] as const),
    ),
  )('%s, is refused before it is read', async (_, values, field, allowed) => {
    const error = await convert('merge', formOf(values)).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'invalid_request', fields: [{ field }] });
    expect((error as CodedError).message).toMatch(allowed);
  });

  it('in one option of a stamp names no more than there can be', async () => {
    const options = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`pos${at}`, 1]));
    const described = Object.keys(options).map((_, at) => `x${'abcdefghij'[at % 10]}${'y'.repeat(at)}:1`);
    for (const stampOptions of [JSON.stringify(options), described.join(',')]) {
      const values = { stampSource: 'text', stampExpression: 'a', stampOptions };
      const form = formOf(values);
      await expect(convert('stamp', form)).rejects.toThrow('stampOptions: allowed: at most 100 options');
    }
  });

  it('is refused in 50 places at most', async () => {
    const metadata = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`a${at}`, {}]));
    expect(await refusals('merge', formOf({ metadata: JSON.stringify(metadata) }))).toHaveLength(50);
    const stampSource = Array.from({ length: 200 }, () => 'x');
    expect(await refusals('stamp', formOf({ stampSource }))).toHaveLength(50);
  });
});

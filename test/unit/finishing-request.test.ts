import { describe, expect, it } from 'vitest';
import { CONFORMANCES } from '../../src/domain/finishing.ts';
import { points } from '../../src/domain/layer.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';

function problemsOf(json: unknown): string[] {
  const parsed = parsePdfRequest(json);
  return parsed.ok ? [] : parsed.fields.map(({ field, message }) => `${field}: ${message}`);
}

const files = {
  'a.pdf': { text: '' },
  'letter.png': { text: '' },
  'data.csv': { text: '' },
  'invoice.xml': { text: '' },
};
const JOB = '01890a5d-ac96-774b-bcce-b302099a8057';

/** Everything that can be asked for, each alone; the name is that of the field. */
const ASKED: Record<string, object> = {
  'finishing.pages': { finishing: { pages: '2-, 1' } },
  'finishing.rotate': { finishing: { rotate: [{ angle: 90, pages: 'odd' }] } },
  'finishing.overlay': { finishing: { overlay: [{ image: 'letter.png', width: '3cm' }] }, files },
  'finishing.underlay': { finishing: { underlay: [{ pdf: 'a.pdf', page: 2 }] }, files },
  'finishing.flatten': { finishing: { flatten: true } },
  'finishing.images': { finishing: { images: {} } },
  'finishing.properties': { finishing: { properties: { title: 'x', custom: { a: 'b' } } } },
  'finishing.bookmarks': { finishing: { bookmarks: [{ title: 'a', page: 1 }] } },
  'finishing.attachments': { finishing: { attachments: [{ file: 'data.csv' }] }, files },
  'finishing.facturx': { finishing: { facturx: { file: 'invoice.xml', level: 'EN 16931' } }, files },
  'finishing.PDF/A-1b': { finishing: { conformance: 'PDF/A-1b' } },
  'finishing.PDF/A-2b': { finishing: { conformance: 'PDF/A-2b' } },
  'finishing.PDF/A-3b': { finishing: { conformance: ['PDF/A-3b'] } },
  'finishing.PDF/UA-1': { finishing: { conformance: ['PDF/UA-1'] } },
  'finishing.objectStreams': { finishing: { objectStreams: false } },
  'finishing.linearize': { finishing: { linearize: true } },
  'finishing.encrypt': { finishing: { encrypt: { ownerPassword: 'x' } } },
  'finishing.sign': { finishing: { sign: true } },
  split: { split: { at: [2, 5] } },
  'split by parts': { split: { parts: true } },
  json: { output: 'json' },
  png: { output: 'png' },
  'png of pages': { output: { type: 'png', pages: 'first', dpi: 144 } },
};
const NAMES = Object.keys(ASKED);

/** The field that is refused when both are asked for. */
const EXCLUDED: [string, string, string][] = [
  ['finishing.encrypt', 'finishing.PDF/A-1b', 'finishing.encrypt'],
  ['finishing.PDF/A-1b', 'finishing.PDF/A-2b', 'finishing.conformance'],
  ['finishing.PDF/A-1b', 'finishing.PDF/A-3b', 'finishing.conformance'],
  ['finishing.facturx', 'finishing.PDF/A-1b', 'finishing.facturx'],
  ['finishing.attachments', 'finishing.PDF/A-1b', 'finishing.attachments'],
  ['finishing.encrypt', 'finishing.PDF/A-2b', 'finishing.encrypt'],
  ['finishing.encrypt', 'finishing.PDF/A-3b', 'finishing.encrypt'],
  ['finishing.encrypt', 'finishing.facturx', 'finishing.encrypt'],
  ['finishing.PDF/A-2b', 'finishing.PDF/A-3b', 'finishing.conformance'],
  ['finishing.facturx', 'finishing.PDF/A-2b', 'finishing.facturx'],
  ['finishing.attachments', 'finishing.PDF/A-2b', 'finishing.attachments'],
  ['finishing.linearize', 'finishing.sign', 'finishing.linearize'],
  ['finishing.facturx', 'split', 'split'],
  ['split by parts', 'png', 'split'],
  ['split by parts', 'png of pages', 'split'],
  ['split', 'json', 'split'],
  ['split by parts', 'json', 'split'],
  ['split', 'png', 'split'],
  ['split', 'png of pages', 'split'],
  ['png', 'png of pages', 'output'],
];
const OF_A_FILE = new Set(['images', 'properties', 'bookmarks', 'attachments', 'facturx', 'PDF/A-1b', 'PDF/A-2b', 'PDF/A-3b', 'PDF/UA-1', 'linearize', 'encrypt', 'sign']); // prettier-ignore

/** What the pair is refused for; undefined: it is allowed. */
function refusedFor(first: string, second: string): string | undefined {
  const isPair = ([a, b]: [string, string, string]) => (a === first && b === second) || (a === second && b === first);
  const found = EXCLUDED.find(isPair)?.[2];
  if (found !== undefined) return found;
  const of = [first, second].find((name) => name.startsWith('finishing.'));
  if (of === undefined) return undefined;
  if ([first, second].some((name) => name === 'png' || name === 'json')) return 'finishing';
  if (first !== 'png of pages' && second !== 'png of pages') return undefined;
  const field = of.slice('finishing.'.length);
  if (!OF_A_FILE.has(field)) return undefined;
  return `finishing.${field.startsWith('PDF/') ? 'conformance' : field}`;
}

const conformanceOf = (name: string) => CONFORMANCES.filter((each) => name === `finishing.${each}`);

function both(first: string, second: string): Record<string, unknown> {
  const [a, b] = [ASKED[first], ASKED[second]] as { finishing?: object }[];
  const conformance = [...conformanceOf(first), ...conformanceOf(second)];
  const finishing = { ...a?.finishing, ...b?.finishing, ...(conformance.length > 0 && { conformance }) };
  return { html: 'x', ...a, ...b, ...(Object.keys(finishing).length > 0 && { finishing }) };
}

const PAIRS = NAMES.flatMap((first, index) => NAMES.slice(index + 1).map((second) => [first, second] as const)).filter(
  (pair) =>
    new Set(pair.map((name) => (ASKED[name] !== undefined && 'output' in ASKED[name] ? 'output' : name))).size > 1, // one field
);

describe('what is asked for', () => {
  it.each(NAMES)('%s alone is allowed', (name) => {
    expect(problemsOf({ html: 'x', ...ASKED[name] })).toEqual([]);
  });

  it.each(PAIRS)('%s with %s is allowed, or refused by name', (first, second) => {
    const field = refusedFor(first, second);
    const problems = problemsOf(both(first, second));
    if (field === undefined) expect(problems).toEqual([]);
    else expect(problems.map((each) => each.slice(0, each.indexOf(':')))).toContain(field);
  });

  it('is only the rest of the request where nothing is asked for', () => {
    expect(parsePdfRequest({ html: 'x', output: 'pdf' })).toMatchObject({ ok: true });
    const parsed = parsePdfRequest({ html: 'x', output: 'pdf', finishing: null, split: null });
    expect(parsed.ok && parsed.request.result).toBeUndefined();
  });
});

describe('a problem of finishing, parts, output or split', () => {
  it.each<[object, string[]]>([
    [{ finishing: [] }, ['finishing: allowed: an object']],
    [{ finishing: { overly: [] } }, ['finishing.overly: unknown field; did you mean overlay?']],
    [{ finishing: { overlay: [{ text: 'x', imge: 'a' }] } }, ['finishing.overlay[0].imge: unknown field; did you mean image?']],
    [{ finishing: { overlay: {} } }, ['finishing.overlay: allowed: a list']],
    [{ finishing: { overlay: [{}] } }, ['finishing.overlay[0].html: required: exactly one of html, text, image, pdf']],
    [{ finishing: { overlay: [{ html: 'x', text: 'y' }] } }, ['finishing.overlay[0].text: required: exactly one of html, text, image, pdf']],
    [{ finishing: { overlay: [{ html: 'x', fontSize: 3 }] } }, ['finishing.overlay[0].fontSize: allowed with text, not with html']],
    [{ finishing: { overlay: [{ text: 'x', color: 'red' }] } }, ['finishing.overlay[0].color: allowed: a colour such as #d00000']],
    [{ finishing: { overlay: [{ text: 'x', pages: '2to4' }] } }, ['finishing.overlay[0].pages: allowed: pages and ranges such as "1-3, 8, 11-", first, last, odd, even']],
    [{ finishing: { rotate: 45 } }, ['finishing.rotate: allowed: 90, 180, 270, or a list of {angle, pages}']],
    [{ finishing: { rotate: [{ angle: 90, page: '1' }] } }, ['finishing.rotate[0].page: unknown field; did you mean pages?']],
    [{ finishing: { rotate: [{ angle: 45 }] } }, ['finishing.rotate[0].angle: allowed: 90, 180, 270: degrees, clockwise']],
    [{ finishing: { encrypt: { password: 'x' } } }, ['finishing.encrypt.password: unknown field; did you mean userPassword?', 'finishing.encrypt.userPassword: required: userPassword, ownerPassword, or both']],
    [{ finishing: { sign: { resaon: 'x' } } }, ['finishing.sign.resaon: unknown field; did you mean reason?']],
    [{ finishing: { sign: 'yes' } }, ['finishing.sign: allowed: true, or an object with reason, location, contact']],
    [{ finishing: { conformance: 'PDF/A-4' } }, ['finishing.conformance: allowed: PDF/A-1b, PDF/A-2b, PDF/A-3b, PDF/UA-1, or a list of them']],
    [{ finishing: { facturx: { xml: 'x', level: 'basic' } } }, ['finishing.facturx.level: allowed: MINIMUM, BASIC WL, BASIC, EN 16931, EXTENDED, XRECHNUNG']],
    [{ finishing: { facturx: { level: 'BASIC' } } }, ['finishing.facturx.xml: required: either file or xml']],
    [{ finishing: { encrypt: {} } }, ['finishing.encrypt.userPassword: required: userPassword, ownerPassword, or both']],
    [{ finishing: { encrypt: { userPassword: 'ä'.repeat(64) } } }, ['finishing.encrypt.userPassword: allowed: at most 127 bytes as UTF-8, no control characters']],
    [{ finishing: { encrypt: { userPassword: 'x', permissions: { printing: true } } } }, [
      'finishing.encrypt.permissions.printing: unknown field; allowed: print, copy, modify, annotate, fillForms, assemble',
    ]],
    [{ finishing: { bookmarks: 'all' } }, ['finishing.bookmarks: allowed: a list of {title, page, children}, or for several parts both, titles, own']],
    [{ finishing: { properties: { created: '2026' } } }, ['finishing.properties.created: allowed: a date and time with a time zone, such as 2026-11-25T19:34:32+01:00']],
    [{ finishing: { properties: { custom: { a: [1] } } } }, ['finishing.properties.custom.a[0]: allowed: text']],
    [{ finishing: { properties: { custom: { Title: 'x' } } } }, ['finishing.properties.custom: allowed: names other than Title, Author, Subject, Keywords, Creator, Producer, CreationDate, ModDate, Trapped']],
    [{ finishing: { images: { maxDpi: 7 } } }, ['finishing.images.maxDpi: allowed: 36 to 1200']],
    [{ finishing: { overlay: [{ text: 'a\tb' }] } }, ['finishing.overlay[0].text: allowed: at least one character, and no control characters but line breaks']],
    [{ finishing: { overlay: [{ text: 'x', fit: 0.5, scale: 2 }] } }, ['finishing.overlay[0].fit: allowed: only one of width, scale, fit']],
    [{ finishing: { overlay: [{ text: 'x', padding: 2 }] } }, ['finishing.overlay[0].padding: allowed with background only']],
    [{ finishing: { overlay: [{ text: 'x', rotate: 'diagonal' }] } }, ['finishing.overlay[0].rotate: allowed: -360 to 360, diagonal-up, diagonal-down']],
    [{ finishing: { overlay: [{ text: 'x', fontFamily: "a'b" }] } }, ['finishing.overlay[0].fontFamily: allowed: a family of fonts such as Helvetica, Times or Courier']],
    [{ finishing: { overlay: [{ html: 'x', rotate: 3 }] } }, ['finishing.overlay[0].rotate: allowed with text, image, pdf, not with html']],
    [{ finishing: { bookmarks: [{ title: 'a', page: 1, children: [{ titel: 'b', title: 'b', page: 1 }] }] } }, ['finishing.bookmarks[0].children[0].titel: unknown field; did you mean title?']],
    [{ finishing: { properties: { titel: 'x' } } }, ['finishing.properties.titel: unknown field; did you mean title?']],
    [{ finishing: { images: { maxDPI: 100 } } }, ['finishing.images.maxDPI: unknown field; did you mean maxDpi?']],
    [{ split: { evry: 2 } }, ['split.evry: unknown field; did you mean every?', 'split.every: required: one of parts, every, at, ranges']],
    [{ split: { every: 0 } }, ['split.every: allowed: 1 to 100000']],
    [{ split: { every: 2, at: [3] } }, ['split.at: allowed: only one of every, at, ranges']],
    [{ split: { parts: true, at: [3], ranges: ['1'] } }, ['split.ranges: allowed: only one of every, at, ranges']],
    [{ split: {} }, ['split.every: required: one of parts, every, at, ranges']],
    [{ split: { ranges: ['1', '2to4'] } }, ['split.ranges[1]: allowed: pages and ranges such as "1-3, 8, 11-", first, last, odd, even']],
    [{ split: 2 }, ['split: allowed: an object']],
    [{ output: { type: 'json', pages: '1' } }, ['output.pages: allowed with png, jpeg and webp']],
    [{ output: { type: 'json', quality: 5 } }, ['output.quality: json has none; allowed with jpeg and webp']],
    [{ output: 'tiff' }, ['output: allowed: pdf, png, jpeg, webp, html, json, or an object with type, quality, pages, dpi, fullPage, clip, selector, omitBackground']],
    [{ output: { type: 'png', clp: {} } }, ['output.clp: unknown field; did you mean clip?']],
    [{ output: { type: 'png', clip: { x: 0, y: 0, width: 1, heigth: 1, height: 1 } } }, ['output.clip.heigth: unknown field; did you mean height?']],
    [{ output: { type: 'png', quality: 5 } }, ['output.quality: png has none; allowed with jpeg and webp']],
    [{ output: { type: 'pdf', dpi: 96 } }, ['output.dpi: allowed with png, jpeg and webp']],
    [{ output: { type: 'png', dpi: 96 } }, ['output.dpi: allowed with pages only; viewport.deviceScaleFactor is for the page itself']],
    [{ output: { type: 'png', pages: '1', selector: 'p' } }, ['output.selector: allowed without pages: for a picture of the page itself']],
    [{ output: { type: 'png', fullPage: true, selector: 'p' } }, ['output.selector: allowed: only one of fullPage, clip, selector']],
    [{ output: { type: 'jpeg', omitBackground: true } }, ['output.omitBackground: jpeg is never transparent; allowed with png and webp']],
    [{ parts: [{ html: 'x' }] }, ['html: allowed: exactly one of html, url, markdown, template, pdf, files, parts']],
  ])('%j is named, with what is allowed', (body, problems) => {
    expect(problemsOf({ html: 'x', ...body })).toEqual(problems);
  }); // prettier-ignore

  it.each<[object, string[]]>([
    [{ parts: {} }, ['parts: allowed: a list']],
    [{ parts: [] }, ['parts: allowed: 1 or more items']],
    [{ parts: ['x'] }, ['parts[0]: allowed: an object']],
    [{ parts: [{ htmll: 'x' }] }, ['parts[0].htmll: unknown field; did you mean html?']],
    [{ parts: [{ html: 'x' }, {}] }, ['parts[1].html: required: exactly one of html, url, markdown, template, pdf, files']],
    [{ parts: [{ html: 'x', parts: [{ html: 'y' }] }] }, ['parts[0].parts: unknown field; it is one of the whole request']],
    [{ parts: [{ html: 'x', filename: 'a.pdf' }, { html: 'y', filename: 'A' }] }, ['parts[1].filename: A is the name of another part; allowed: names that differ']],
    [{ parts: [{ html: 'x', filename: 'a/b' }] }, ['parts[0].filename: allowed: a file name without / and']],
    [{ parts: [{ html: 'x', bookmarks: [{ titel: 'a', title: 'a', page: 1 }] }] }, ['parts[0].bookmarks[0].titel: unknown field; did you mean title?']],
    [{ parts: [{ html: 'x', finishing: {} }] }, ['parts[0].finishing: unknown field; it is one of the whole request']],
    [{ parts: [{ html: 'x', options: { scale: 9 } }] }, ['parts[0].options.scale: allowed: 0.1 to 2']],
    [{ parts: [{ pdf: { file: 'b.pdf' } }], files: { 'a.pdf': { text: '' } } }, ['parts[0].pdf.file: it is not one of the files that were sent; did you mean a.pdf?']],
    [{ parts: [{ pdf: { job: 'x' } }] }, ['parts[0].pdf.job: allowed: the id of a job']],
    [{ parts: [{ pdf: { job: JOB }, options: {} }] }, ['parts[0].options: pdf is not printed; allowed with other sources']],
    [{ pdf: { jb: JOB } }, ['pdf.jb: unknown field; did you mean job?', 'pdf: required: either job or file']],
    [{ pdf: { job: JOB, file: 'a.pdf' }, files }, ['pdf: required: either job or file']],
    [{ pdf: { job: JOB }, output: 'png' }, ['output: pdf is not one page of a browser; allowed with output.pages']],
    [{ parts: [{ html: 'x' }], output: 'png' }, ['output: parts is not one page of a browser; allowed with output.pages']],
    [
      { html: 'x', files, finishing: { overlay: [{ image: 'leter.png' }, { pdf: 'A.pdf' }], attachments: [{ file: 'dat.csv' }], facturx: { file: 'nothing.xml', level: 'BASIC' } } },
      [
        'finishing.overlay[0].image: it is not one of the files that were sent; did you mean letter.png?',
        'finishing.overlay[1].pdf: it is not one of the files that were sent; did you mean a.pdf?',
        'finishing.attachments[0].file: it is not one of the files that were sent; did you mean data.csv?',
        'finishing.facturx.file: it is not one of the files that were sent',
      ],
    ],
  ])('%j is named too', (body, problems) => {
    const found = problemsOf(body);
    expect(found).toHaveLength(problems.length);
    for (const [index, problem] of problems.entries()) expect(found[index]).toContain(problem);
  }); // prettier-ignore
});

it('lists have bounds', () => {
  expect(problemsOf({ parts: Array.from({ length: 501 }, () => ({ html: 'x' })) })).toEqual([
    'parts: allowed: at most 500 parts',
  ]);
  const bookmarks = (count: number) => Array.from({ length: count }, () => ({ title: 'a', page: 1 }));
  expect(problemsOf({ html: 'x', finishing: { bookmarks: bookmarks(5_000) } })).toEqual([]);
  expect(problemsOf({ html: 'x', finishing: { bookmarks: bookmarks(5_001) } })).toEqual([
    'finishing.bookmarks: allowed: at most 5000 items',
  ]);
  const [first = {}, ...rest] = bookmarks(5_001);
  expect(problemsOf({ html: 'x', finishing: { bookmarks: [{ ...first, children: rest }] } })).toEqual([
    'finishing.bookmarks: allowed: at most 5000',
  ]);
});

it('files of all parts together have a bound, which shared ones reach soonest', () => {
  const id = 'a'.repeat(64);
  const shared = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`${index}.css`, id]));
  const parts = (count: number) => Array.from({ length: count }, () => ({ html: 'x' }));
  expect(problemsOf({ parts: parts(99), files: shared })).toEqual([]);
  expect(problemsOf({ parts: parts(100), files: shared })).toEqual([
    'files: allowed: at most 10000 for all parts together; give each part its own',
  ]);
});

it('a part has its own files over those of the request, and its own options over its options', () => {
  const parsed = parsePdfRequest({
    options: { format: 'A5', landscape: true },
    locale: 'de',
    files: { 'a.css': { text: 'shared' }, 'b.css': { text: 'shared' } },
    parts: [
      { html: 'x', files: { 'a.css': { text: 'own' } }, options: { landscape: false } },
      { html: 'y', title: 'Second', locale: 'fr' },
      { url: 'https://example.com/' },
    ],
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  expect(parsed.request.parts).toMatchObject([
    { options: { format: 'A5', landscape: false }, locale: 'de', files: { 'a.css': { text: 'own' }, 'b.css': { text: 'shared' } } },
    { options: { format: 'A5', landscape: true }, locale: 'fr', title: 'Second', files: { 'a.css': { text: 'shared' } } },
    { source: { kind: 'url' } },
  ]); // prettier-ignore
  expect(parsed.request.parts[2]).not.toHaveProperty('files');
});

it.each([
  [28, 28],
  ['28', Number.NaN],
  ['10mm', (10 * 72) / 25.4],
  ['1in', 72],
  ['2cm', (20 * 72) / 25.4],
  ['16px', 12],
  ['7.5pt', 7.5],
])('%j is %d points', (length, expected) => {
  if (Number.isNaN(expected))
    expect(problemsOf({ html: 'x', finishing: { overlay: [{ text: 'x', margin: length }] } })).toHaveLength(1); // prettier-ignore
  else expect(points(length)).toBeCloseTo(expected, 9);
});

import { expect, it } from 'vitest';
import type { SentForm } from '../../src/compat/conversion.ts';
import { ENGINE_ROUTES } from '../../src/compat/gotenberg/engines/engine-routes.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import { seeded } from '../support/rich-pdf.ts';

/** What means something in a field. */
const MEANT: Record<string, readonly string[]> = {
  splitMode: ['intervals', 'pages'],
  splitSpan: ['2', '1'],
  splitUnify: ['true', '0'],
  pdfa: ['PDF/A-1b', 'PDF/A-2b', 'PDF/A-3b'],
  pdfua: ['True', 'false'],
  metadata: ['{"Title":"x","Keywords":["a","b"],"Marked":true}', '{"ModDate":"2006:09:18 16:27:50Z","Pages":7}'],
  userPassword: ['u'],
  ownerPassword: ['o'],
  allowPrinting: ['true', 'false'],
  embedsMetadata: ['{"x.xml":{"mimeType":"text/xml","relationship":"Data"}}', '{"x.xml":{"relationship":"Nothing"}}'],
  rotateAngle: ['90', '180', '270'],
  rotatePages: ['1,3', '2-', 'odd'],
  optimizeImages: ['1', 'f'],
  imageQuality: ['1', '100'],
  flatten: ['true'],
  bookmarks: [
    '[{"title":"x","page":1,"children":[]}]',
    '{"a.pdf":[{"title":"x","page":1}]}',
    '[{"title":"","page":0}]',
  ],
  autoIndexBookmarks: ['true', 'false'],
  titleBookmarks: ['true', 'false'],
  facturxConformanceLevel: ['BASIC', 'EN 16931'],
  facturxDocumentType: ['INVOICE', 'ORDER'],
  facturxVersion: ['1.0', 'x'],
};
for (const kind of ['stamp', 'watermark']) {
  MEANT[`${kind}Source`] = ['text', 'image', 'pdf'];
  MEANT[`${kind}Expression`] = ['DRAFT', 'Page %p of %P', 'a\\nb', 'x'.repeat(3_000)];
  MEANT[`${kind}Pages`] = ['1', '2-', '1-l'];
  MEANT[`${kind}Options`] = [
    '{"points":24,"op":"0.5"}',
    '{"rot":"45","scale":"0.5 abs"}',
    '{"font":"Times-Roman","pos":"tl"}',
  ];
}
const FIELDS = Object.keys(MEANT);
/** What routes cannot do without. */
const REQUIRED: Record<string, readonly string[]> = {
  split: ['splitMode', 'splitSpan'],
  rotate: ['rotateAngle'],
  convert: ['pdfa'],
  'metadata/write': ['metadata'],
  'bookmarks/write': ['bookmarks'],
  encrypt: ['userPassword'],
  watermark: ['watermarkSource', 'watermarkExpression'],
  stamp: ['stampSource', 'stampExpression'],
};
const FILE_FIELDS = ['files', 'embeds', 'stamp', 'watermark', 'facturxXml'];

/** What means something in other fields, or in none. */
const VALUES = [
  'true', '0', 'text', 'image', 'pdf', 'intervals', 'pages', '1', '90', '2-', '1-3,l', '9-1', 'odd', '1.5', '-1', 'NaN', '',
  ' ', 'PDF/A-2b', 'PDF/A-3b', 'BASIC', 'INVOICE', 'ORDER', '1.0', 'a\nb', 'Page %p', '%', '\u0000', '\u202E', '{}', '[]',
  'null', '1e999', '"x"', '{"Title":"x"}', '{"Title":1e400}', '{"__proto__":"x"}', '{"constructor":"x"}', '{"Author":"\\u0001"}',
  '[{"title":"x","page":1}]', '[{"title":"","page":0}]', '[{"title":"x","page":1,"children":[{"title":"y","page":2}]}]',
  '[null]', '[[]]', '{"a.pdf":[{"title":"x","page":1}]}', '{"a.pdf":{}}', '{"toString":[]}', '{"a.pdf":{"relationship":"Nothing"}}',
  '{"points":24,"op":"0.5"}', '{"rot":"45","scale":"0.5 abs"}', '{"font":"Times-Roman","pos":"tl","off":"1 2"}', 'op:.5', 'x:y',
  'x'.repeat(3_000), `[${'['.repeat(500)}`, '9'.repeat(40),
]; // prettier-ignore
const NAMES = ['a.pdf', 'b.PDF', '.pdf', '1.pdf', 'a b.pdf', 'ä.pdf', 'x.xml', 'x.png', 'x', `${'n'.repeat(212)}.pdf`, '__proto__', '\u202Ea.pdf']; // prettier-ignore

/** Names of the form, which messages may begin with. */
const CALLED = new Set([...FIELDS, ...FILE_FIELDS]);

it.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'a form of anything becomes a request, or a list of its own fields: seed %i',
  async (seed) => {
    const random = seeded(seed);
    const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
    for (let round = 0; round < 50; round++) {
      const route = pick(ENGINE_ROUTES);
      const fields = new Map<string, string[]>();
      const required = REQUIRED[route.path.replace('/forms/pdfengines/', '')] ?? [];
      for (const field of [...required, ...Array.from({ length: random(6) }, () => pick(FIELDS))]) {
        const values = random(20) === 0 ? VALUES : (MEANT[field] ?? VALUES);
        const count = random(4) === 0 ? 2 : 1;
        fields.set(field, Array.from({ length: count }, () => pick(values))); // prettier-ignore
      }
      const files = Array.from({ length: random(7) }, (_, index) => ({
        name: index === 0 ? 'a.pdf' : pick(NAMES),
        field: index === 0 ? 'files' : pick(FILE_FIELDS),
        sha256: 'a'.repeat(64),
        size: 1,
        text: () => Promise.resolve(''),
      }));
      const form: SentForm = { fields, files };
      const refused = await refusals(route, form);
      const unknown = refused.filter((field) => !CALLED.has(field));
      expect({ route: route.path, fields: Object.fromEntries(fields), unknown }).toMatchObject({ unknown: [] });
    }
  },
);

/** Fields that are refused, as the caller calls them. */
async function refusals(route: (typeof ENGINE_ROUTES)[number], form: SentForm): Promise<string[]> {
  const toHtml = (text: string) => Promise.resolve(text);
  try {
    const about = { outputName: undefined, uniqueName: 'unique', timeoutMs: 30_000, toHtml };
    const { request, files = {}, fields = {}, naming } = await route.convert(form, about);
    expect(naming.name).not.toBe('');
    const sent = Object.fromEntries(Object.entries(files).map(([path, { sha256 }]) => [path, sha256]));
    const parsed = parsePdfRequest({ ...request, files: sent });
    if (parsed.ok) return [];
    return parsed.fields.map(({ field }) => {
      const paths = Object.keys(fields).filter((path) => field.startsWith(path));
      return fields[paths.toSorted((a, b) => b.length - a.length)[0] ?? ''] ?? field;
    });
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    expect(error.code).toBe('invalid_request');
    return (error.fields ?? []).map(({ field }) => field);
  }
}

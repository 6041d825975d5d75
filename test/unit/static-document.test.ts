import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import { isStatic } from '../../src/render/static-document.ts';

/** The same conditions as plain expressions, which take more than linear time and so are not used by the program. */
const PLAIN = [
  /<\s*\/?\s*(?:script|noscript|i?frame|fencedframe|portal|object|embed|applet|video|audio)/i,
  /<meta[^>]*(?:referrer|http-equiv(?!\s*=\s*["']?\s*(?:content-type|x-ua-compatible)\b))/i,
  /<(?:link|style)[^>]*\s(?:title|blocking)\s*=/i,
  /[^a-z]on[a-z]+\s*=/i,
  /javascript\s*:/i,
  /srcdoc/i,
  /scripting/i,
];

const PIECES = [
  '<', '>', '</', '/', ' ', '\n', '\t', '=', '"', "'", ' = ', '= "', 'x', 'p', '<p>', '<meta', '<META ', '<meta charset="utf-8">', '<link', '<style', '<style>',
  'script', 'noscript', 'iframe', 'frame', 'object', 'video', 'referrer', 'http-equiv', 'content-type', 'Content-Type', 'content-typed', 'x-ua-compatible', 'refresh',
  ' title', ' blocking', 'title', ' onload', ' on', 'once', 'javascript', ':', 'java&#115;cript', 'srcdoc', 'scripting', 'name', 'content',
]; // prettier-ignore

describe('whether a document is static', () => {
  it('is judged at least as carefully as the plain patterns do, over generated documents', () => {
    const random = seededRandom(7);
    const pick = () => PIECES[Math.floor(random() * PIECES.length)] ?? '';
    let found = 0;
    for (let turn = 0; turn < 40_000; turn++) {
      const html = Array.from({ length: 1 + Math.floor(random() * 12) }, pick).join('');
      if (!isStatic(html)) continue;
      found++;
      if (PLAIN.some((hint) => hint.test(html))) expect(html).toBe('not static');
    }
    expect(found).toBeGreaterThan(8_000);
  });

  it.each([
    '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>x</title><p title="y">x',
    '<meta http-equiv="Content-Type" content="text/html; charset=utf-8"><meta http-equiv = \' x-ua-compatible\' content="ie=edge">',
    '<link rel="stylesheet" href="x.css"><style media="print">p { color: red }</style>',
    '<p>on = off, conditions = none, <b>once</b></p><a href="https://example.com/">x</a>',
  ])('is yes for %s', (html) => expect(isStatic(html)).toBe(true));

  it('is yes for an invoice', () => {
    expect(isStatic(readFileSync(new URL('../fixtures/invoice.html', import.meta.url), 'utf8'))).toBe(true);
  });
});

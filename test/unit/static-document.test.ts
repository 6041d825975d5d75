import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import { isStatic } from '../../src/render/static-document.ts';

/** The same conditions as plain expressions, which take more than linear time and so are not used by the program. */
const PLAIN = [
  /<\s*\/?\s*(?:script|noscript|i?frame|fencedframe|portal|object|embed|applet|video|audio)/i,
  /http-equiv(?!\s*=\s*["']?\s*(?:content-type|x-ua-compatible)\b)/i,
  /<meta(?![a-z0-9])[^<>]*referrer/i,
  /<(?:link|style)(?:\s[^<>]*[\s"'/]|[\s/])(?:title|blocking)\s*=/i,
  /<(?:meta|link|style)(?:[\s/][^<>]*)?(?:<|$)/i, // which has no end
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

  it('is the same with large data URLs, of which only the ends are read', () => {
    const random = seededRandom(8);
    const pick = () => PIECES[Math.floor(random() * PIECES.length)] ?? '';
    const few = () => Array.from({ length: Math.floor(random() * 5) }, pick).join('');
    const short = `base64,${'A+/9'.repeat(5)}`;
    const answers = { true: 0, false: 0 };
    for (let turn = 0; turn < 10_000; turn++) {
      const html = few() + short + few();
      const expected = isStatic(html);
      answers[`${expected}`]++;
      const large = html.replaceAll(short, `base64,${'A+/9'.repeat(400)}`);
      if (isStatic(large) !== expected) expect(html).toBe(`static: ${expected}`);
    }
    expect(Math.min(answers.true, answers.false)).toBeGreaterThan(1_000);
  });

  it.each([
    '/onload=x',
    '/onload =x',
    '<script>',
    '"onload="x',
    '>javascript:',
    '/onload\r=x',
    '/x/srcdoc=',
    ')(scripting:none)',
    '*/(scripting)',
  ])('is no if %j ends a large data URL', (end) => {
    const large = `base64,${'A'.repeat(5_000)}`;
    expect(isStatic(`<p ${large}${end}`)).toBe(false);
    expect(isStatic(`<p ${large}${end} ${large}`)).toBe(false);
  });

  it.each([
    '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>x</title><p title="y">x',
    '<meta http-equiv="Content-Type" content="text/html; charset=utf-8"><meta http-equiv = \' x-ua-compatible\' content="ie=edge">',
    '<link rel="stylesheet" href="x.css"><style media="print">p { color: red }</style>',
    '<link rel=stylesheet href=a.css media=print><meta charset=utf-8/><style></style><meta name="x" content="a, b; c">',
    '<p>on = off, conditions = none, <b>once</b></p><a href="https://example.com/">x</a>',
  ])('is yes for %s', (html) => expect(isStatic(html)).toBe(true));

  // Quotes hide the end of a tag, or an attribute.
  it.each([
    `<meta content="img-src 'none'" x=">" http-equiv="Content-Security-Policy">`,
    '<meta content="3;url=about:blank" x=">" http-equiv=refresh>',
    '<link x=">" title="theirs" rel=stylesheet href="data:text/css,p{}">',
    '<link x=a" y=">" title=theirs rel=stylesheet href="data:text/css,p{}">',
    `<style x='>' title=theirs>`,
    '<style/title=theirs>',
    '<style media="x"title=theirs>',
    '<link x="<" title=theirs>',
    '<meta name="&#114;eferrer" content="no-referrer">',
    '<meta content="x" name=&#x72;eferrer>',
    '<style title=theirs',
  ])('is no for %s', (html) => expect(isStatic(`<p>x</p>${html}<p>x</p>`)).toBe(false));

  it('is yes for an invoice', () => {
    expect(isStatic(readFileSync(new URL('../fixtures/invoice.html', import.meta.url), 'utf8'))).toBe(true);
  });
});

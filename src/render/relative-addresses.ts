import type { CDPSession } from 'puppeteer';
import type { FailedResource } from '../domain/job.ts';

/** Addresses that are told of. */
const MAX_FOUND = 1_000;

/**
 * Whether a document may name a resource by an address that needs a base: cheap, so that most documents, which name
 * none, cost nothing more. Every document with a script may, once that has run.
 */
export function mayNeedBase(html: string): boolean {
  return HINTS.some((hint) => hint.test(html));
}

/** Each way begins with a character that is rare in what makes documents large, and is bounded on both sides of it. */
const HINTS = [
  /<script/i,
  /@import/i,
  /\((?<=image-set\()/i,
  /=(?<=srcset\s{0,9}=)/i,
  /=(?<=(?:src|href|poster|data|background)\s{0,9}=)\s{0,9}["']?\s{0,9}(?!["'\s>#]|data:|https?:)/i,
  /\((?<=url\()\s{0,9}["']?\s{0,9}(?!["'\s)#]|data:|https?:)/i,
];

const REASON = 'relative_address: it has no base here; use an absolute URL, a data: URL or <base href>';
const INVALID = 'invalid_address: it is no URL';

/**
 * What a document without a base names by addresses that need one. The browser asks nobody for these, so nothing
 * fails that could be heard of.
 */
export async function relativeAddresses(session: CDPSession): Promise<FailedResource[]> {
  const { result } = await session.send('Runtime.evaluate', { expression: FIND_RELATIVE, returnByValue: true });
  const found = Array.isArray(result.value) ? (result.value as unknown[]) : [];
  return found.map(String).map((url) => ({ url, reason: URL.canParse(url, 'http://base.invalid') ? REASON : INVALID }));
}

/** Runs in the page. A link (`a href`) is no resource; nor is an empty address, which asks for nothing with a base either. */
const FIND_RELATIVE = String.raw`(() => {
  const found = new Set();
  const look = (address) => {
    const text = (address ?? '').trim();
    if (text !== '' && found.size < ${MAX_FOUND} && !URL.canParse(text, document.baseURI)) found.add(text.slice(0, 500));
  };
  const attributes = {
    src: 'img,script,iframe,embed,video,audio,source,track,input[type=image]',
    poster: 'video',
    data: 'object',
    background: 'body,table,tr,td,th',
    href: 'link[rel~=stylesheet],image,use,feImage',
    'xlink:href': 'image,use,feImage',
  };
  for (const [name, selector] of Object.entries(attributes))
    for (const element of document.querySelectorAll(selector)) look(element.getAttribute(name));
  for (const element of document.querySelectorAll('[srcset]'))
    for (const [, address] of (element.getAttribute('srcset') ?? '').matchAll(/\s*(data:\S+|[^\s,]\S*?)(?:,|\s[^,]*(?:,|$)|$)/gi))
      look(address);

  const scanStyle = (style) => {
    for (const [, quoted, unquoted] of style.cssText.matchAll(/url\((?:"((?:[^"\\]|\\.)*)"|([^"')\s]*))\)/g))
      look(quoted ?? unquoted);
  };
  const isUsed = (selector) => {
    try {
      return document.querySelector(selector.replaceAll(/::?(?:before|after|marker|first-l\w+)/g, '') || '*') !== null;
    } catch {
      return true;
    }
  };
  /** Of a font with such an address it is known whether a text wanted it. */
  const hasFailed = (family) =>
    [...document.fonts].some((font) => font.status === 'error' && bare(font.family) === bare(family));
  const bare = (name) => name.replaceAll(/["']/g, '');
  const scanRules = (rules) => {
    for (const rule of rules) {
      if (rule instanceof CSSImportRule) look(rule.href);
      else if (rule instanceof CSSFontFaceRule) {
        if (hasFailed(rule.style.getPropertyValue('font-family'))) scanStyle(rule.style);
      } else if (rule instanceof CSSStyleRule && isUsed(rule.selectorText)) scanStyle(rule.style);
      if ('cssRules' in rule) scanRules(rule.cssRules);
    }
  };
  // Those of other style sheets are relative to them.
  for (const sheet of document.styleSheets) if (sheet.href === null) scanRules(sheet.cssRules);
  for (const element of document.querySelectorAll('[style*="url("]')) scanStyle(element.style);
  return [...found];
})()`;

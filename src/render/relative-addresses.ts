import type { CDPSession } from 'puppeteer';
import type { FailedResource } from '../domain/job.ts';
import { withoutBase64 } from './without-base64.ts';

/** URLs reported, at most. */
const MAX_FOUND = 1_000;

/**
 * Whether a document may contain a relative URL of a resource; true for every document with a script. A quick test, so
 * that the slower search in the page can be skipped for most documents.
 */
export function mayNeedBase(html: string): boolean {
  const signs = withoutBase64(html);
  return HINTS.some((hint) => hint.test(signs));
}

/** Each begins with a character that is rare in large documents, and reads only a few characters around it. */
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
 * The relative URLs of resources in a document without other files. In about:blank the browser makes no request for
 * them, so no failed request would report them.
 * @param ownOrigin of the document, if it has one
 */
export async function relativeAddresses(session: CDPSession, ownOrigin = ''): Promise<FailedResource[]> {
  const expression = `${FIND_RELATIVE}('${ownOrigin}')`;
  const { result } = await session.send('Runtime.evaluate', { expression, returnByValue: true });
  const found = Array.isArray(result.value) ? (result.value as unknown[]) : [];
  return found.map(String).map((url) => ({ url, reason: URL.canParse(url, 'http://base.invalid') ? REASON : INVALID }));
}

/** Runs in the page. Links (`a href`) are not resources, and an empty URL loads nothing. */
const FIND_RELATIVE = String.raw`((ownOrigin) => {
  const found = new Set();
  const check = (address) => {
    const text = (address ?? '').trim();
    if (text === '' || text.startsWith('#') || found.size >= ${MAX_FOUND}) return;
    const url = URL.parse(text, document.baseURI);
    if (!url || url.origin === ownOrigin) found.add(text.slice(0, 500));
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
    for (const element of document.querySelectorAll(selector)) check(element.getAttribute(name));
  for (const element of document.querySelectorAll('[srcset]'))
    for (const [, address] of (element.getAttribute('srcset') ?? '').matchAll(/\s*(data:\S+|[^\s,]\S*?)(?:,|\s[^,]*(?:,|$)|$)/gi))
      check(address);

  const scanStyle = (style) => {
    for (const [, quoted, unquoted] of style.cssText.matchAll(/url\((?:"((?:[^"\\]|\\.)*)"|([^"')\s]*))\)/g))
      check(quoted ?? unquoted);
  };
  const isUsed = (selector) => {
    try {
      return document.querySelector(selector.replaceAll(/::?(?:before|after|marker|first-l\w+)/g, '') || '*') !== null;
    } catch {
      return true;
    }
  };
  /** Fonts are loaded, and fail, only if a text uses them. */
  const hasFailed = (family) =>
    [...document.fonts].some((font) => font.status === 'error' && bare(font.family) === bare(family));
  const bare = (name) => name.replaceAll(/["']/g, '');
  const scanRules = (rules) => {
    for (const rule of rules) {
      if (rule instanceof CSSImportRule) check(rule.href);
      else if (rule instanceof CSSFontFaceRule) {
        if (hasFailed(rule.style.getPropertyValue('font-family'))) scanStyle(rule.style);
      } else if (rule instanceof CSSStyleRule && isUsed(rule.selectorText)) scanStyle(rule.style);
      if ('cssRules' in rule) scanRules(rule.cssRules);
    }
  };
  // URLs in other style sheets are relative to the style sheet.
  for (const sheet of document.styleSheets) if (sheet.href === null) scanRules(sheet.cssRules);
  for (const element of document.querySelectorAll('[style*="url("]')) scanStyle(element.style);
  return [...found];
})`;

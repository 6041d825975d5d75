import type { CDPSession } from 'puppeteer';
import type { PrintSettings } from '../domain/pdf-request.ts';
import { ServedOrigin } from '../egress/served-origin.ts';
import { refersAcross } from '../sources/refers-across.ts';
import type { Content } from '../sources/source-type.ts';
import { mayNeedBase } from './relative-addresses.ts';

/** Signs of what scripts cannot do in about:blank, where HTML is put otherwise. They match too much rather than too little. */
const HINTS = [
  /localStorage|sessionStorage|indexedDB|\bcookie\b|cookieStore|BroadcastChannel|SharedWorker/,
  /\bimport\s*[({*"']/,
  /\bcreateElement\(\s*["'`]script/,
  /\blocation\s*[.=),;[\]]|\bhistory\s*\.\s*go\b|\bpushState\b|\breplaceState\b|\bbaseURI\b/,
  /\bdocument\s*\.\s*(?:URL|domain|documentURI)\b/,
];
/** Matches up to the end of the tag, so that no character is read twice. */
const SCRIPT_TAG = /<script[^>]*/gi;
/** A document with more of them gets an origin unread. */
const MAX_SCRIPTS = 1_000;
/** A module needs a base, and a script from elsewhere cannot be judged. One with a relative URL is not there at all, … */
const SCRIPT_HINT = /module|importmap|\ssrc\s*=\s*(?:["']\s*)?[a-z]+:/i;
/** … unless the document has a base. */
const BASE = /<base\s/i;

/**
 * Whether a script of a document may need an origin. Takes time linear in the document's size. Static documents, which
 * run no script, must not be asked about.
 */
export function needsOrigin(html: string): boolean {
  if (HINTS.some((hint) => hint.test(html))) return true;
  const hasBase = BASE.test(html);
  let count = 0;
  for (const [tag] of html.matchAll(SCRIPT_TAG))
    if (++count > MAX_SCRIPTS || SCRIPT_HINT.test(tag) || (hasBase && /\ssrc/i.test(tag))) return true;
  return false;
}

/** What a request adds to its document. */
type Added = Pick<PrintSettings, 'addStyleTag' | 'addScriptTag'>;
type AddedScript = NonNullable<Added['addScriptTag']>[number];

/** Whether a script that is added to the document may need an origin. One from elsewhere cannot be judged. */
function scriptNeedsOrigin({ content, type = '' }: AddedScript): boolean {
  return content === undefined || /module|importmap/i.test(type) || HINTS.some((hint) => hint.test(content));
}

interface OriginOptions {
  /** whether it is static */
  isJustLayout: boolean;
  mayRunScripts: boolean;
  /** whether the page may take the files from the document before; then there are no requests for them */
  mayBeKept?: boolean;
}

/**
 * A new origin for content that needs one. To go there costs more than to print most documents. So a static document
 * stays in about:blank, and only its files are there.
 */
export function ownOrigin(
  content: Content,
  { isJustLayout, mayRunScripts, mayBeKept = true }: OriginOptions,
  { addStyleTag, addScriptTag = [] }: Added = {},
): ServedOrigin | undefined {
  if ('url' in content) return undefined;
  const { html, files } = content;
  if (files) {
    if (html === undefined || !isJustLayout) return new ServedOrigin(files);
    if (!mayNeedBase(html) && !addStyleTag) return undefined;
    return new ServedOrigin(files, { isBase: mayStay(content, { addStyleTag }), mayBeKept });
  }
  if (!mayRunScripts || isJustLayout || html === undefined) return undefined;
  if (!needsOrigin(html) && !addScriptTag.some(scriptNeedsOrigin)) return undefined;
  const bytes = Buffer.from(html);
  const document = { type: 'text/html; charset=utf-8', size: bytes.byteLength, content: bytes };
  const file = async (path: string) => (path === '/' ? document : undefined);
  return new ServedOrigin({ entry: '/', file }, { isAlone: true });
}

/** Whether a static document with files may stay in about:blank, so that only its files are at an origin. */
export function mayStay(content: Content, { addStyleTag }: Added): boolean {
  if (!('html' in content) || content.html === undefined || content.isBound) return false;
  return !addStyleTag?.some((tag) => refersAcross(tag.content ?? '')) && withBase(content.html, '') !== undefined;
}

/** What comes before the first element. */
const START = /^\uFEFF?(?:\s|<!--(?:(?!-->)[^])*-->|<\?[^>]*>)*<!doctype[^>]*>/i;
/**
 * What a document without a doctype at its start must not have: a doctype that was not found, or style sheets, which
 * then need no media type, but only at the same origin.
 */
const WITHOUT_DOCTYPE = /<!doctype|<link|@import/i;
/** Characters within which the doctype is looked for. */
const MAX_START = 65_536;
/** A document with its own base keeps it. What a file is checked for, and parts of another one, need the same origin. */
const BOUND = [
  /<base\s/i,
  /\sintegrity\s{0,9}=/i,
  /use-credentials/i,
  /<use\s[^<>]{0,1000}?href\s{0,9}=(?!\s{0,9}["']?#)/i,
];

/** A document whose relative URLs begin at an origin. @returns undefined if it has to be there itself */
export function withBase(html: string, origin: string): string | undefined {
  if (BOUND.some((sign) => sign.test(html)) || refersAcross(html)) return undefined;
  const start = START.exec(html.slice(0, MAX_START))?.[0] ?? '';
  if (start === '' && WITHOUT_DOCTYPE.test(html)) return undefined;
  return `${start}<base href="${origin}/">${html.slice(start.length)}`;
}

/**
 * Removes links to other places of the origin from the PDF, since its readers cannot reach them. Links to a place in the
 * document stay. No link is changed that has a relative URL, since a style sheet may print it: instead the document
 * gets a base from which these URLs are none.
 */
export async function unlinkOrigin(session: CDPSession, { origin, url }: ServedOrigin): Promise<void> {
  const expression = `(function unlink({ document, location, frames }) {
    const isOwn = (url) => url.startsWith('${origin}/');
    const { pathname } = isOwn(location.href) ? location : new URL(${JSON.stringify(url)});
    const links = [...document.links].filter(({ href }) => isOwn(href));
    for (const link of links)
      if (link.hash !== '' && link.pathname === pathname && link.search === location.search)
        link.setAttribute('href', link.hash);
    if (isOwn(document.baseURI) && document.querySelector('a, area')) {
      const base = document.createElement('base');
      base.href = 'about:blank';
      (document.head ?? document.documentElement).prepend(base);
    }
    for (const link of links) if (isOwn(link.href)) link.setAttribute('href', 'http://[');
    for (let index = 0; index < frames.length; index++)
      try {
        unlink(frames[index]);
      } catch {} // of another origin
  })(window)`;
  await session.send('Runtime.evaluate', { expression });
}

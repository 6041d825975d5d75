import { withoutBase64 } from './without-base64.ts';

/**
 * Signs that a document does more than layout: it may run a script, load another document, or change its page beyond
 * its own life (a policy, a preferred style sheet). They match too much rather than too little.
 */
const HINTS = [
  /<[\s/]*(?:script|noscript|i?frame|fencedframe|portal|object|embed|applet|video|audio)/i,
  /[^a-z]on[a-z]+\s*=/i, // onload=
  /javascript\s*:/i,
  /srcdoc/i,
  /scripting/i, // @media (scripting: none)
  // Everything a meta element can declare, except for the encoding. In the whole text: quotes may hide where a tag ends.
  /http-equiv(?!\s*=\s*(?:["']\s*)?(?:content-type|x-ua-compatible)\b)/i,
];

const TAG = /<(?:meta|link|style)(?![a-z0-9])/gi;
/** A tag as people and programs write it: in any other, quotes may hide where it ends and which attributes it has. */
const PLAIN_TAG = /<(?:meta|link|style)(?:\s+[a-z][\w:-]*(?:\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=`]+))?)*\s*\/?>/iy;
const TAG_HINTS = [
  /referrer|^<meta[^]*&/i, // which may be written with character references
  /\s(?:title|blocking)\s*=/i,
];

/**
 * Whether a document is static, so that its page can be reused without wiping. Most invoices, tickets and reports are. A
 * static document is rendered without scripts, so a wrong answer is harmless. Takes time linear in the document's size.
 */
export function isStatic(html: string): boolean {
  const has = (text: string) => (hint: RegExp) => hint.test(text);
  const signs = withoutBase64(html);
  if (HINTS.some(has(signs))) return false;
  for (const { index } of signs.matchAll(TAG)) {
    PLAIN_TAG.lastIndex = index;
    const [tag] = PLAIN_TAG.exec(signs) ?? [];
    if (tag === undefined || TAG_HINTS.some(has(tag))) return false;
  }
  return true;
}

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
];

/** Matches up to the end of the tag, so that no character is read twice. */
const TAG = /<(?:meta|link|style)[^>]*/gi;
const TAG_HINTS = [
  // everything a meta element can declare, except for the encoding
  /referrer|http-equiv(?!\s*=\s*(?:["']\s*)?(?:content-type|x-ua-compatible)\b)/i,
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
  for (const [tag] of signs.matchAll(TAG)) if (TAG_HINTS.some(has(tag))) return false;
  return true;
}

/**
 * What a document can do beyond being laid out: run a script, bring another document in, or leave
 * something in its page that outlasts it (a policy, a preferred style sheet). Broad on purpose.
 */
const HINTS = [
  /<[\s/]*(?:script|noscript|i?frame|fencedframe|portal|object|embed|applet|video|audio)/i,
  /[^a-z]on[a-z]+\s*=/i, // onload=
  /javascript\s*:/i,
  /srcdoc/i,
  /scripting/i, // @media (scripting: none)
];

/** Always matches up to the end of the tag, so that no character is read twice, however many tags begin there. */
const TAG = /<(?:meta|link|style)[^>]*/gi;
const TAG_HINTS = [
  // whatever a meta element declares, but the encoding
  /referrer|http-equiv(?!\s*=\s*(?:["']\s*)?(?:content-type|x-ua-compatible)\b)/i,
  /\s(?:title|blocking)\s*=/i,
];

/**
 * Whether a document is mere layout, so that its page can be used again as it is. It is rendered with
 * scripts switched off, so nothing runs if the judgement is wrong; most invoices, tickets and reports are.
 * Time is linear in the document.
 */
export function isStatic(html: string): boolean {
  const has = (text: string) => (hint: RegExp) => hint.test(text);
  if (HINTS.some(has(html))) return false;
  for (const [tag] of html.matchAll(TAG)) if (TAG_HINTS.some(has(tag))) return false;
  return true;
}

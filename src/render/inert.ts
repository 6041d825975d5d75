/**
 * What a document can do beyond being laid out: run a script, bring another document in, or leave
 * something in its page that outlasts it (a policy, a preferred style sheet). Broad on purpose.
 */
const HINTS = [
  /<\s*\/?\s*(?:script|noscript|i?frame|fencedframe|portal|object|embed|applet|video|audio)/i,
  // whatever a meta element declares, but the encoding
  /<meta[^>]*(?:referrer|http-equiv(?!\s*=\s*["']?\s*(?:content-type|x-ua-compatible)\b))/i,
  /<(?:link|style)[^>]*\s(?:title|blocking)\s*=/i,
  /[^a-z]on[a-z]+\s*=/i, // onload=
  /javascript\s*:/i,
  /srcdoc/i,
  /scripting/i, // @media (scripting: none)
];

/**
 * Whether a document is mere layout, so that its page can be used again as it is. It is rendered with
 * scripts switched off, so nothing runs if the judgement is wrong; most invoices, tickets and reports are.
 */
export function isInert(html: string): boolean {
  return !HINTS.some((hint) => hint.test(html));
}

/**
 * Signs that a static document loads something by an absolute URL. They need not find all: on a page that tenants share
 * nothing is loaded from outside, and a document that tries is printed again on a page of its own tenant, which takes
 * twice as long. Each begins with a character that is rare in large documents, and reads only a few characters around it.
 */
const HINTS = [
  /@import/i,
  /<base\s/i,
  /\((?<=image-set\()/i,
  /=(?<=srcset\s{0,9}=)/i,
  /=(?<=(?:src|background)\s{0,9}=)\s{0,9}(?:["']|&quot;|&#39;)?\s{0,9}(?:https?:)?\/\//i,
  /\((?<=url\()\s{0,9}(?:["']|&quot;|&#39;)?\s{0,9}(?:https?:)?\/\//i,
  /<(?:link|image|use|feImage)\s[^<>]{0,1000}?href\s{0,9}=\s{0,9}(?:["']|&quot;|&#39;)?\s{0,9}(?:https?:)?\/\//i,
];

/** Whether a static document seems to load something from outside. Takes time linear in its size. */
export function loadsFromOutside(html: string): boolean {
  return HINTS.some((hint) => hint.test(html));
}

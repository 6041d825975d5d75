import { base64Contents } from './base64-contents.ts';

/** Characters before the end of a content that may belong to what follows, such as the name of an attribute. */
const KEPT = 100;

/** A document without the content of its large data URLs, for tests that look for signs in it. */
export function withoutBase64(html: string): string {
  let text = '';
  let from = 0;
  for (const { start, end } of base64Contents(html)) {
    text += html.slice(from, start);
    from = end - KEPT;
  }
  return from === 0 ? html : text + html.slice(from);
}

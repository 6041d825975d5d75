const BEGIN = 'base64,';
/** What ends the content of a data URL, also one that is not closed. Without one of these nothing in HTML or CSS begins. */
const STOPS = ['<', '>', '=', ':', '(', ')', '@', '*', '"', "'", ' ', '\n', '\r', '\t', '\f'];
/** Characters of a shorter content are kept. */
const MIN_SKIPPED = 1_000;
/** Characters before a stop that may belong to it, such as the name of an attribute. */
const KEPT = 100;

/**
 * A document without the content of its large data URLs, for tests that look for signs in it: fonts and images are most
 * of the bytes of many documents. Takes time linear in the document's size, and little: it searches single characters.
 */
export function withoutBase64(html: string): string {
  let text = '';
  let from = 0;
  const next = STOPS.map(() => -1); // the first place of each that is not before the content
  for (let at = html.indexOf(BEGIN); at !== -1; at = html.indexOf(BEGIN, from)) {
    const start = at + BEGIN.length;
    let end = html.length;
    for (const [index, stop] of STOPS.entries()) {
      let place = next[index] ?? -1;
      if (place < start) {
        place = html.indexOf(stop, start);
        next[index] = place = place === -1 ? Infinity : place;
      }
      end = Math.min(end, place);
    }
    const isSkipped = end - start >= MIN_SKIPPED;
    text += html.slice(from, isSkipped ? start : end);
    from = isSkipped ? end - KEPT : end;
  }
  return from === 0 ? html : text + html.slice(from);
}

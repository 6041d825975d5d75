const BEGIN = 'base64,';
/** What ends the content of a data URL, also one that is not closed. Without one of these nothing in HTML or CSS begins. */
const STOPS = ['<', '>', '=', ':', '(', ')', '@', '*', '"', "'", ' ', '\n', '\r', '\t', '\f'];
/** Characters of a content that is worth being treated apart. */
const MIN_LENGTH = 1_000;

/**
 * Where the contents of the large data URLs of a document are: fonts and images are most of the bytes of many documents.
 * Nobody has checked that they are base64. Takes time linear in the document's size, and little: it searches single
 * characters.
 */
export function* base64Contents(html: string): Iterable<{ start: number; end: number }> {
  const next = STOPS.map(() => -1); // the first place of each that is not before the content
  let end = 0;
  for (let at = html.indexOf(BEGIN); at !== -1; at = html.indexOf(BEGIN, end)) {
    const start = at + BEGIN.length;
    end = html.length;
    for (const [index, stop] of STOPS.entries()) {
      let place = next[index] ?? -1;
      if (place < start) {
        place = html.indexOf(stop, start);
        next[index] = place = place === -1 ? Infinity : place;
      }
      end = Math.min(end, place);
    }
    if (end - start >= MIN_LENGTH) yield { start, end };
  }
}

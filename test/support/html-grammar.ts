/** What a piece of HTML is, and is nothing else: an end tag, a tag with quoted attributes, a text without `<`, the doctype. */
const PIECE = /<\/([a-z0-9]+)>|<([a-z0-9]+)((?:\s+[a-zA-Z:-]+="[^"<>]*")*)\s*\/?>|<!doctype html>|[^<]+/y;
const ATTRIBUTE = /\s+([a-zA-Z:-]+)="([^"]*)"/g;

export interface ReadHtml {
  tags: Set<string>;
  /** names of attributes, and their values decoded */
  attributes: [string, string][];
  /** all that is not a tag, decoded; of `style` elements nothing */
  text: string;
}

/** Reads HTML more strictly than any browser: what is not exactly a tag or a text is an error. */
export function readHtml(html: string): ReadHtml {
  const found: ReadHtml = { tags: new Set(), attributes: [], text: '' };
  const source = html.replaceAll(/<style>[\s\S]*?<\/style>/g, '<style></style>');
  for (PIECE.lastIndex = 0; PIECE.lastIndex < source.length;) {
    const at = PIECE.lastIndex;
    const piece = PIECE.exec(source);
    if (!piece) throw new Error(`not HTML: ${source.slice(at, at + 200)}`);
    const [whole, , tag, attributes] = piece;
    if (tag) found.tags.add(tag);
    for (const [, name = '', value = ''] of (attributes ?? '').matchAll(ATTRIBUTE))
      found.attributes.push([name, decoded(value)]);
    if (!whole.startsWith('<')) found.text += decoded(whole);
  }
  return found;
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' };
const decoded = (text: string) =>
  text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) =>
    name ? (NAMED[name] ?? whole) : String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
  );

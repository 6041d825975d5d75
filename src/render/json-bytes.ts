import { base64Contents } from './base64-contents.ts';

/**
 * A document as a JSON string, in UTF-8. The content of large data URLs has nothing to escape, so it is not read
 * character by character: that takes a third of the time of `JSON.stringify`.
 */
export function jsonBytes(html: string): Buffer {
  const pieces: { text: string; bytes: number }[] = [];
  const add = (text: string, bytes = Buffer.byteLength(text)) => pieces.push({ text, bytes });
  let from = 0;
  for (const { start, end } of base64Contents(html)) {
    const content = html.slice(start, end - ((end - start) % 4));
    if (!isBase64(content)) continue;
    add(escaped(html.slice(from, start)));
    add(content, content.length);
    from = start + content.length;
  }
  add(escaped(html.slice(from)));
  const json = Buffer.allocUnsafe(pieces.reduce((sum, { bytes }) => sum + bytes, 2));
  let at = json.write('"', 0, 'latin1');
  for (const { text, bytes } of pieces) at += json.write(text, at, bytes, text.length === bytes ? 'latin1' : 'utf8');
  json.write('"', at, 'latin1');
  return json;
}

const escaped = (text: string) => JSON.stringify(text).slice(1, -1);

/** The decoder finds what is no base64 faster than any expression. */
function isBase64(text: string): boolean {
  try {
    atob(text);
    return true;
  } catch {
    return false;
  }
}

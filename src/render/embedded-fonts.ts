import { createHash } from 'node:crypto';
import { type FileSet, type ServedFile, ServedOrigin } from '../egress/served-origin.ts';
import { base64Contents } from './base64-contents.ts';
import type { Printable } from './printable.ts';
import { hasRules } from './request-rules.ts';

/** A static document whose embedded fonts became files. */
export interface WithFontFiles {
  /** @param origin of the files: where the fonts were, the document has their URLs */
  html: (origin: string) => string;
  files: FileSet;
  count: number;
}

/** What comes before the content of a font: the beginning of the rule, or the end of another source of it. */
const FONT_URL =
  /(?:@font-face\s*\{[^{}]*\bsrc\s*:\s*(?:local\([^()]*\)\s*,\s*)*|^["']?\s*\)[^;{}<]*,\s*)url\(\s*["']?(data:(font\/[\w.+-]+|application\/(?:x-)?font-[\w.+-]+|application\/octet-stream)(?:;charset=[\w-]+)?;base64,)$/i;
/** Characters in which that is looked for. */
const MAX_BEFORE = 500;
const CLOSED = /^={0,2}["']?\s*\)/;
const STYLE = /^<style(?:\s+(?:type|media)\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[\w/]+))*\s*>/i;
/**
 * What is laid out only when it is printed, style sheets that are not here, what a font may have to be there at once
 * for, and elements that show a style sheet as a text. They match too much rather than too little.
 */
const HINTS = [
  /@(?:top|right|bottom|left)-|content-visibility/i,
  /<link|@import|@\\/i,
  /image\/svg(?!\+xml;(?:charset=[\w-]+;)?base64)/i, // a picture, which loads nothing
  /font-display(?!\s*:\s*(?:auto|block|swap)\b)/i,
  /<(?:textarea|xmp|plaintext|noembed|noframes)/i,
  /<title[^<>]*>[^<]*<(?!\/title)/i,
];
/** What opens and closes a rule, and begins a style sheet. */
const NESTING = /[{}]|@font-face|<style/gi;
/** Characters of fonts that are worth requests for them. */
const MIN_LENGTH = 50_000;

/**
 * The same document with its embedded fonts at an origin of their own, from which the page keeps them. Not if their
 * requests would be seen, or what they are needed for is read before they are there.
 */
export function withFontOrigin(request: Printable): Printable {
  const { isStatic, content } = request;
  if (!isStatic || hasRules(request) || !('html' in content) || content.html === undefined) return request;
  if (content.files || content.arrange !== undefined || request.addStyleTag) return request;
  const fonts = withFontFiles(content.html);
  if (!fonts) return request;
  const origin = new ServedOrigin(fonts.files, { isBase: true, isAlone: true });
  return {
    ...request,
    content: { ...content, html: fonts.html(origin.origin) },
    fonts: { origin, count: fonts.count },
  };
}

/** A font did not arrive that was taken out of a document. In the document it is there at once. */
export class FontsLost extends Error {
  override name = 'FontsLost';
}

/**
 * Takes the fonts out of the style sheets of a static document: its page keeps font files for the next document that has
 * the same, which is then shorter by nearly all. Takes time linear in the document's size.
 * @returns undefined if there are few or none, or if they may have to stay where they are
 */
export function withFontFiles(html: string): WithFontFiles | undefined {
  const files = new Map<string, ServedFile>();
  const pieces: string[] = [];
  const paths: string[] = [];
  let from = 0;
  let seen = 0;
  let tag = 0; // the last before the font; no content has one
  let length = 0;
  let rules = 0;
  for (const { start, end } of base64Contents(html)) {
    const near = html.slice(seen, start).lastIndexOf('<');
    if (near !== -1) tag = seen + near;
    seen = end;
    const [before = '', prefix, type] = FONT_URL.exec(html.slice(Math.max(from, start - MAX_BEFORE), start)) ?? [];
    if (prefix === undefined || type === undefined) continue;
    const closing = CLOSED.exec(html.slice(end, end + 10))?.[0];
    if (closing === undefined || !STYLE.test(html.slice(tag, Math.min(start, tag + MAX_BEFORE)))) continue;
    const padding = closing.lastIndexOf('=') + 1;
    const content = decoded(html.slice(start, end), padding);
    if (!content) continue;
    const path = `/embedded-font-${createHash('sha256').update(type).update(',').update(content).digest('hex')}`;
    files.set(path, { type, size: content.byteLength, content });
    pieces.push(html.slice(from, start - prefix.length));
    paths.push(path);
    from = end + padding;
    length += end - start;
    if (before.startsWith('@')) rules++;
  }
  if (length < MIN_LENGTH) return undefined;
  pieces.push(html.slice(from));
  if (pieces.some((piece) => HINTS.some((hint) => hint.test(piece)))) return undefined;
  if (hasOtherFonts(pieces.join(''), rules)) return undefined;
  return {
    html: (origin) =>
      pieces.map((piece, index) => piece + (index < paths.length ? origin + paths[index] : '')).join(''),
    count: files.size,
    files: { key: [...files.keys()].join(), entry: '/', file: async (path) => files.get(path) },
  };
}

/** Whether there are rules for fonts that depend on a condition, or more than these: all that there are get loaded. */
function hasOtherFonts(text: string, known: number): boolean {
  let depth = 0;
  let rules = 0;
  for (const [sign] of text.matchAll(NESTING)) {
    if (sign === '{') depth++;
    else if (sign === '}') depth--;
    else if (sign.startsWith('@')) {
      if (depth > 0) return true;
      rules++;
    } else depth = 0;
  }
  return rules > known;
}

/** Node takes some text for base64 that a browser does not: it skips what is none, and knows another alphabet. */
function decoded(base64: string, padding: number): Buffer | undefined {
  if ((base64.length + padding) % 4 !== 0 || base64.includes('-') || base64.includes('_')) return undefined;
  const content = Buffer.from(base64, 'base64');
  return content.byteLength === Math.floor((base64.length * 3) / 4) ? content : undefined;
}

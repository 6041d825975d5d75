import type { CustomProperty } from '../../domain/finishing.ts';
import type { PdfProperties } from '../../domain/pdf-description.ts';
import { formatXmpDate, parsePdfDate } from '../archive/pdf-date.ts';
import { keywordsOf, originalName, PDFX } from '../archive/xmp.ts';
import type { XmpProperty, XmpValue } from '../check/xmp.ts';
import { PdfBool, PdfName, PdfNumber, type PdfObject, PdfString } from '../libpdf.ts';
import type { Source } from '../merge/source.ts';

const DC = 'http://purl.org/dc/elements/1.1/';
/** What XMP has under other names, and what is said of conformance. */
const KNOWN = new Set([
  ...['format', 'title', 'creator', 'description', 'subject', 'language'].map((name) => `${DC} ${name}`),
  ...['CreateDate', 'ModifyDate', 'MetadataDate', 'CreatorTool'].map((name) => `http://ns.adobe.com/xap/1.0/ ${name}`),
  ...['Keywords', 'Producer', 'Trapped'].map((name) => `http://ns.adobe.com/pdf/1.3/ ${name}`),
]);
const CLAIMS = /^http:\/\/www\.aiim\.org\/|^urn:/;
const TEXTS = { Title: 'title', Author: 'author', Subject: 'subject', Creator: 'creator', Producer: 'producer', Trapped: 'trapped' } as const; // prettier-ignore

/** What a PDF says of itself: its Info dictionary, and what its XMP has beside that. */
export function propertiesOf(source: Source, xmp: readonly XmpProperty[]): PdfProperties {
  const found: PdfProperties = { ...fromXmp(xmp) };
  const custom: Record<string, CustomProperty> = {};
  for (const [{ value: name }, object] of source.info ?? []) {
    const value = plain(source.look(object));
    if (value === undefined) continue;
    if (Object.hasOwn(TEXTS, name)) found[TEXTS[name as keyof typeof TEXTS]] = String(value);
    else if (name === 'Keywords') found.keywords ??= keywordsOf(String(value));
    else if (name === 'CreationDate') Object.assign(found, dated('created', String(value)));
    else if (name === 'ModDate') Object.assign(found, dated('modified', String(value)));
    else custom[name] = value;
  }
  for (const { space, name, value } of xmp) {
    if (KNOWN.has(`${space} ${name}`) || CLAIMS.test(space)) continue;
    const simple = valueOf(value);
    if (simple !== undefined) custom[space === PDFX ? originalName(name) : name] = simple;
  }
  const language = source.string(source.catalog, 'Lang')?.asString();
  if (language !== undefined && language !== '') found.language = language;
  return Object.keys(custom).length > 0 ? { ...found, custom } : found;
}

/** Info is older, and what it says is said again: its texts are over these. Of keywords only XMP has a list. */
function fromXmp(xmp: readonly XmpProperty[]): PdfProperties {
  const itemsOf = (name: string): string[] => {
    const value = xmp.find((property) => property.space === DC && property.name === name)?.value;
    return [value && valueOf(value)].flat().filter((item) => typeof item === 'string');
  };
  const [title] = itemsOf('title');
  const authors = itemsOf('creator');
  const [subject] = itemsOf('description');
  const keywords = itemsOf('subject');
  return {
    ...(title !== undefined && { title }),
    ...(authors.length > 0 && { author: authors.join(', ') }),
    ...(subject !== undefined && { subject }),
    ...(keywords.length > 0 && { keywords }),
  };
}

function plain(object: PdfObject | undefined): string | number | boolean | undefined {
  if (object instanceof PdfString) return object.asString();
  if (object instanceof PdfName || object instanceof PdfNumber || object instanceof PdfBool) return object.value;
  return undefined;
}

/** @returns nothing if it is no date */
function dated(name: 'created' | 'modified', written: string): PdfProperties {
  const date = parsePdfDate(written);
  return date ? { [name]: formatXmpDate(date) } : {};
}

/** @returns undefined for what has fields of its own */
function valueOf(value: XmpValue): CustomProperty | undefined {
  if (value.kind === 'fields') return undefined;
  if (value.kind === 'text') return value.text === 'True' ? true : value.text === 'False' ? false : value.text;
  const items = value.items.map(({ value: item }) => (item.kind === 'text' ? item.text : undefined));
  if (items.includes(undefined)) return undefined;
  const texts = items as string[];
  return value.kind === 'Alt' ? texts[0] : texts;
}

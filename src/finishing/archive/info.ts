import { type PDF, PdfDict, PdfName, type PdfRef, PdfString } from '../libpdf.ts';
import { formatPdfDate, parsePdfDate, type ZonedDate } from './pdf-date.ts';

/** What the Info dictionary of a PDF says. Absent: it says nothing. */
export interface Info {
  title?: string;
  author?: string;
  subject?: string;
  keywords?: string;
  creator?: string;
  producer?: string;
  created: ZonedDate;
  modified: ZonedDate;
  trapped?: string;
  /** other entries */
  custom: [name: string, value: string][];
  /** those of them that are lists, of which Info has one text */
  lists: Map<string, readonly string[]>;
}

const TEXTS = {
  Title: 'title',
  Author: 'author',
  Subject: 'subject',
  Keywords: 'keywords',
  Creator: 'creator',
  Producer: 'producer',
} as const;

/** The Info dictionary, which can be changed; if there is none, an empty one is added. */
export function infoDictionary(pdf: PDF): PdfDict {
  const { registry, info } = pdf.context;
  const entry = info.trailer.get('Info', (ref) => registry.resolve(ref));
  const dictionary = entry instanceof PdfDict ? entry : new PdfDict();
  // Only a reference is saved.
  if (entry !== dictionary || !info.trailer.getRef('Info')) info.trailer.set('Info', registry.register(dictionary));
  return dictionary;
}

/**
 * Reads the Info dictionary so that metadata can say the same: texts lose characters that XML has not, dates that are
 * none become `now`, entries of other types are removed.
 */
export function settleInfo(pdf: PDF, now: number): Info {
  const dictionary = infoDictionary(pdf);
  const resolve = (ref: PdfRef) => pdf.context.resolve(ref);
  const info: Info = {
    created: settleDate(dictionary, 'CreationDate', now),
    modified: settleDate(dictionary, 'ModDate', now),
    custom: [],
    lists: new Map(),
  };
  const trapped = dictionary.get('Trapped', resolve);
  if (trapped instanceof PdfName) info.trapped = trapped.value;
  for (const { value: name } of dictionary.keys()) {
    if (name === 'CreationDate' || name === 'ModDate' || name === 'Trapped') continue;
    const text = textOf(dictionary.get(name, resolve));
    if (text === undefined) {
      dictionary.delete(name);
      continue;
    }
    const clean = withXmlCharacters(text);
    if (clean !== text) dictionary.set(name, PdfString.fromString(clean));
    if (name in TEXTS) info[TEXTS[name as keyof typeof TEXTS]] = clean;
    else info.custom.push([name, clean]);
  }
  return info;
}

function settleDate(dictionary: PdfDict, name: string, now: number): ZonedDate {
  const written = textOf(dictionary.get(name)) ?? '';
  const date = parsePdfDate(written) ?? { time: now, offset: 0 };
  const text = formatPdfDate(date);
  if (text !== written) dictionary.set(name, PdfString.fromString(text));
  return date;
}

const textOf = (value: unknown): string | undefined => (value instanceof PdfString ? value.asString() : undefined);

/** Info has one text for all of a list. */
export const joined = (items: readonly string[]) => items.join(items.some((item) => item.includes(',')) ? '; ' : ', ');

/** Without what XML 1.0 does not allow in any form. */
export const withXmlCharacters = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- these are what it removes
  text.toWellFormed().replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');

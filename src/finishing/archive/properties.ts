import type { CustomProperty, Finishing } from '../../domain/finishing.ts';
import type { Draft } from '../draft.ts';
import { type PDF, PdfName, PdfString } from '../libpdf.ts';
import { claimsIn } from './claims-in.ts';
import { infoDictionary, joined, withXmlCharacters } from './info.ts';
import { writeMetadata } from './metadata.ts';
import { formatPdfDate, parseIsoDate } from './pdf-date.ts';

export interface PropertiesSettings {
  properties: NonNullable<Finishing['properties']>;
}

/** Gives PDFs their properties. What is absent stays as it is. */
export async function setProperties(drafts: Draft[], { properties }: PropertiesSettings): Promise<Draft[]> {
  for (const draft of drafts) {
    const pdf = await draft.document();
    setInfo(pdf, properties);
    if (properties.language !== undefined)
      pdf.context.catalog.getDict().set('Lang', PdfString.fromString(properties.language));
    writeMetadata(pdf, claimsIn(pdf), listsOf(properties)); // the next step sees whether they still hold
  }
  return drafts;
}

function setInfo(
  pdf: PDF,
  {
    title,
    author,
    subject,
    keywords,
    creator,
    producer,
    created,
    modified,
    trapped,
    custom = {},
  }: PropertiesSettings['properties'],
) {
  const dictionary = infoDictionary(pdf);
  const texts = {
    ...Object.fromEntries(Object.entries(custom).map(([name, value]) => [name, textOf(value)])),
    Title: title,
    Author: author,
    Subject: subject,
    Keywords: keywords && joined(keywords),
    Creator: creator,
    Producer: producer,
    CreationDate: created && formatPdfDate(parseIsoDate(created)),
    ModDate: modified && formatPdfDate(parseIsoDate(modified)),
  };
  if (trapped) dictionary.set('Trapped', PdfName.of(trapped));
  for (const [name, text] of Object.entries(texts))
    if (text !== undefined) dictionary.set(name, PdfString.fromString(withXmlCharacters(text)));
}

/** A boolean as XMP writes it. */
function textOf(value: CustomProperty): string {
  if (Array.isArray(value)) return joined(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}

const listsOf = ({ custom = {} }: PropertiesSettings['properties']): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(custom).flatMap(([name, value]) =>
      Array.isArray(value) ? [[name, value.map(withXmlCharacters)]] : [],
    ),
  );

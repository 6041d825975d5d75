import type { Finishing } from '../../domain/finishing.ts';
import type { Draft } from '../draft.ts';
import { type PDF, PdfString } from '../libpdf.ts';
import { claimsIn } from './claims-in.ts';
import { infoDictionary, withXmlCharacters } from './info.ts';
import { writeMetadata } from './metadata.ts';

export interface PropertiesSettings {
  properties: NonNullable<Finishing['properties']>;
  /** whether a later step writes the metadata, with claims */
  hasClaims: boolean;
}

/** Gives PDFs their properties. What is absent stays as it is. */
export async function setProperties(drafts: Draft[], { properties, hasClaims }: PropertiesSettings): Promise<Draft[]> {
  for (const draft of drafts) {
    const pdf = await draft.document();
    setInfo(pdf, properties);
    if (properties.language !== undefined)
      pdf.context.catalog.getDict().set('Lang', PdfString.fromString(properties.language));
    if (!hasClaims) writeMetadata(pdf, claimsIn(pdf)); // the next step sees whether they still hold
  }
  return drafts;
}

function setInfo(
  pdf: PDF,
  { title, author, subject, keywords, creator, custom = {} }: PropertiesSettings['properties'],
) {
  const dictionary = infoDictionary(pdf);
  const texts = { ...custom, Title: title, Author: author, Subject: subject, Keywords: keywords && joined(keywords), Creator: creator }; // prettier-ignore
  for (const [name, text] of Object.entries(texts))
    if (text !== undefined) dictionary.set(name, PdfString.fromString(withXmlCharacters(text)));
}

/** Info has one text for all. */
const joined = (keywords: readonly string[]) =>
  keywords.join(keywords.some((keyword) => keyword.includes(',')) ? '; ' : ', ');

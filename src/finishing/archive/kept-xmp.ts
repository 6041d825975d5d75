import { parseXmp, type XmpProperty, type XmpValue } from '../check/xmp.ts';
import { type PDF, PdfStream } from '../libpdf.ts';

/** Properties and bytes of XMP that are kept, at most: more than any author writes. */
const MAX_PROPERTIES = 500;
const MAX_BYTES = 500_000;

/** @returns none if there is no XMP, undefined if it cannot be read */
export function propertiesIn(pdf: PDF): XmpProperty[] | undefined {
  const metadata = pdf.context.catalog.getDict().get('Metadata', (ref) => pdf.context.resolve(ref));
  if (!(metadata instanceof PdfStream)) return [];
  try {
    return parseXmp(metadata.getDecodedData());
  } catch {
    return undefined;
  }
}

/** What a claim says, and what describes it: it is written anew, or is no longer so. */
const CLAIMS = /^http:\/\/www\.aiim\.org\/pdf(?:a|ua)\/|^urn:factur-x:|^urn:ferd:|^urn:zugferd:/;

/**
 * Properties of the XMP that a PDF has, for it to keep them when its XMP is written anew.
 * @param isWritten whether the new one says the same, or something else about it
 */
export function keptProperties(pdf: PDF, isWritten: (property: XmpProperty) => boolean): XmpProperty[] {
  const kept = (propertiesIn(pdf) ?? []).filter((property) => !CLAIMS.test(property.space) && !isWritten(property));
  const isTooMuch = kept.length > MAX_PROPERTIES || JSON.stringify(kept).length > MAX_BYTES;
  return isTooMuch ? [] : kept;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#xD;' };
/** Text as XML. */
export const escapeXml = (text: string) => text.replaceAll(/[&<>"\r]/g, (character) => ESCAPES[character] ?? '');

/** A property as an element, with its own name for its namespace. */
export function propertyXml({ space, name, value }: XmpProperty): string {
  const attributes = `xmlns:own="${escapeXml(space)}"${value.kind === 'fields' ? ' rdf:parseType="Resource"' : ''}`;
  return `<own:${name} ${attributes}>${valueXml(value)}</own:${name}>`;
}

function valueXml(value: XmpValue): string {
  if (value.kind === 'text') return escapeXml(value.text);
  if (value.kind === 'fields') return value.fields.map(propertyXml).join('');
  const items = value.items.map(({ language, value: item }) => {
    const tagged = language === undefined ? '' : ` xml:lang="${escapeXml(language)}"`;
    return `<rdf:li${tagged}${item.kind === 'fields' ? ' rdf:parseType="Resource"' : ''}>${valueXml(item)}</rdf:li>`;
  });
  return `<rdf:${value.kind}>${items.join('')}</rdf:${value.kind}>`;
}

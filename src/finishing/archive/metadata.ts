import { type PDF, PdfName, PdfStream } from '../libpdf.ts';
import { type Info, joined, settleInfo } from './info.ts';
import { keptProperties, propertiesIn } from './kept-xmp.ts';
import { type Claims, PDFX, writeXmp, xmlName } from './xmp.ts';

/**
 * Writes XMP that says what the Info dictionary says, and the claims. What else that of before says is kept.
 * @param lists entries of the Info dictionary that are lists, beside those that the XMP of before has
 */
export function writeMetadata(pdf: PDF, claims: Claims, lists: Record<string, readonly string[]> = {}): Info {
  const info = settleInfo(pdf, Date.now());
  info.lists = new Map([...listsIn(pdf, info), ...Object.entries(lists)]);
  const xmp = writeXmp(info, claims, (isWritten) => keptProperties(pdf, isWritten));
  const stream = PdfStream.fromDict({ Type: PdfName.of('Metadata'), Subtype: PdfName.of('XML') }, xmp);
  pdf.context.catalog.getDict().set('Metadata', pdf.context.register(stream));
  return info;
}

/** Entries of the Info dictionary of which the XMP has the items, if both say the same. */
function listsIn(pdf: PDF, { custom }: Info): [name: string, items: string[]][] {
  const properties = (propertiesIn(pdf) ?? []).filter(({ space }) => space === PDFX);
  return custom.flatMap(([name, text]): [string, string[]][] => {
    const value = properties.find((property) => property.name === xmlName(name))?.value;
    if (value?.kind !== 'Bag' && value?.kind !== 'Seq') return [];
    const items = value.items.flatMap(({ value: item }) => (item.kind === 'text' ? [item.text] : []));
    return joined(items) === text ? [[name, items]] : [];
  });
}

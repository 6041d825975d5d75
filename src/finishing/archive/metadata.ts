import { type PDF, PdfName, PdfStream } from '../libpdf.ts';
import { type Info, settleInfo } from './info.ts';
import { type Claims, writeXmp } from './xmp.ts';

/** Writes XMP that says what the Info dictionary says, and the claims; that of before is replaced. */
export function writeMetadata(pdf: PDF, claims: Claims): Info {
  const info = settleInfo(pdf, Date.now());
  const stream = PdfStream.fromDict(
    { Type: PdfName.of('Metadata'), Subtype: PdfName.of('XML') },
    writeXmp(info, claims),
  );
  pdf.context.catalog.getDict().set('Metadata', pdf.context.register(stream));
  return info;
}

import { identifiersIn } from '../check/font-program.ts';
import { isSubset } from '../check/is-subset.ts';
import { readProgramBytes } from '../check/read-font-program.ts';
import { type PDF, PdfArray, PdfDict, type PdfObject, type PdfRef, PdfStream } from '../libpdf.ts';
import { reachable } from '../write/reachable.ts';
import { flattenImage } from './flatten-image.ts';
import { olderProfile } from './older-profile.ts';

/**
 * Gives a PDF what PDF/A-1 wants besides: PDF 1.4, and characters of fonts that are listed.
 * @param mayFlatten whether transparency is taken out, which changes how images look
 */
export function cureArchive1(pdf: PDF, { mayFlatten }: { mayFlatten: boolean }): void {
  const { registry, info } = pdf.context;
  const resolve = (ref: PdfRef) => registry.resolve(ref);
  pdf.context.catalog.getDict().delete('Version');
  for (const { object } of reachable(info.trailer, resolve)) {
    if (!(object instanceof PdfDict)) continue;
    if (mayFlatten && isTransparencyGroup(object, resolve)) object.delete('Group');
    if (mayFlatten && object instanceof PdfStream && object.getName('Subtype', resolve)?.value === 'Image')
      flattenImage(pdf, object);
    if (object instanceof PdfStream && object.has('N')) makeOlder(object);
    for (const font of descendants(object, resolve)) addCidSet(pdf, font);
  }
}

/** A group of what is opaque is shown as its parts are. What is not opaque is found by the check. */
function isTransparencyGroup(place: PdfDict, resolve: (ref: PdfRef) => PdfObject | null): boolean {
  return place.getDict('Group', resolve)?.getName('S', resolve)?.value === 'Transparency';
}

/** A profile of colours, to version 2. */
function makeOlder(stream: PdfStream): void {
  const older = olderProfile(stream.getDecodedData());
  if (!older) return;
  stream.setData(older);
  for (const key of ['Filter', 'DecodeParms']) stream.delete(key);
}

/** The fonts of characters that a composite font has. */
function descendants(font: PdfDict, resolve: (ref: PdfRef) => PdfObject | null): PdfDict[] {
  const list = font.getName('Subtype', resolve)?.value === 'Type0' ? font.get('DescendantFonts', resolve) : undefined;
  const found = list instanceof PdfArray ? list.at(0, resolve) : undefined;
  return found instanceof PdfDict ? [found] : [];
}

/** Lists the characters that the program of a font has, if its name says that it has not all. */
function addCidSet(pdf: PDF, font: PdfDict): void {
  const resolve = (ref: PdfRef) => pdf.context.registry.resolve(ref);
  const descriptor = font.getDict('FontDescriptor', resolve);
  if (!descriptor || !isSubset(font.getName('BaseFont', resolve)?.value ?? '')) return;
  const stream = ['FontFile2', 'FontFile3']
    .map((key) => descriptor.get(key, resolve))
    .find((each) => each instanceof PdfStream);
  const program = stream instanceof PdfStream ? readProgramBytes(stream.getDecodedData()) : undefined;
  if (!program) return;
  const map = font.get('CIDToGIDMap', resolve);
  const identifiers = identifiersIn(program, map instanceof PdfStream ? map.getDecodedData() : undefined);
  const bits = new Uint8Array((identifiers.reduce((most, each) => Math.max(most, each), 0) >> 3) + 1);
  for (const each of identifiers) bits[each >> 3] = (bits[each >> 3] ?? 0) | (0x80 >> (each & 7));
  descriptor.set('CIDSet', pdf.context.register(PdfStream.fromDict({}, bits)));
}

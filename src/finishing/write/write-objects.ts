import { PDF } from '../libpdf.ts';
import { ObjectWriter } from './object-writer.ts';
import { reachable } from './reachable.ts';

/**
 * Writes a PDF anew: what can be reached from its catalog and its Info, streams compressed, metadata (XMP) as plain
 * text, with /ID. The same PDF gives the same bytes. qpdf does the same, but starting it takes longer than this.
 * @param objectStreams whether the other objects are compressed too, for readers of PDF 1.5; the table of objects is a
 *   stream in either case
 * @param isOld whether it is PDF 1.4, which has neither
 */
export async function writeObjects(
  document: PDF,
  { objectStreams, isOld = false }: { objectStreams: boolean; isOld?: boolean },
): Promise<Uint8Array> {
  if (document.fonts.hasEmbeddedFonts) document = await PDF.load(await document.save()); // only that writes them
  const { registry, info } = document.context;
  const objects = reachable(info.trailer, (ref) => registry.resolve(ref));
  let last = objects.reduce((most, { ref }) => Math.max(most, ref.objectNumber), 0);
  const writer = new ObjectWriter({ version: info.version, objectStreams, isOld, nextNumber: () => ++last });
  writer.add(objects);
  return writer.finish(info.trailer);
}

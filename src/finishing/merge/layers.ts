import type { PdfRef } from '../libpdf.ts';
import { PdfArray, PdfDict, PdfName, type PdfObject, PdfString } from '../libpdf.ts';
import type { PartCopy } from './part-copy.ts';

/** Lists of layers in lists of layers: more are left out. */
const MAX_LISTS = 200;

/** Optional content: layers that a viewer can hide. Called when all that shows them is copied. */
export function joinLayers(parts: readonly PartCopy[]): PdfDict | undefined {
  const all: PdfObject[] = [];
  const hidden: PdfObject[] = [];
  const order: PdfObject[] = [];
  const lists = { RBGroups: [] as PdfObject[], Locked: [] as PdfObject[] };
  for (const part of parts) {
    const { source } = part;
    const properties = source.dict(source.catalog, 'OCProperties');
    const config = source.dict(properties, 'D');
    const groups = source.items(properties, 'OCGs');
    const mapped = (items: readonly PdfObject[]) => items.flatMap((item) => part.copier.targetOf(item) ?? []);
    const own = new Set(mapped(groups));
    const on = new Set(mapped(source.items(config, 'ON')));
    const off = new Set(mapped(source.items(config, 'OFF')));
    const isOff = source.name(config, 'BaseState') === 'OFF' ? (group: PdfRef) => !on.has(group) : (group: PdfRef) => off.has(group); // prettier-ignore
    for (const group of own) {
      all.push(group);
      if (isOff(group)) hidden.push(group);
    }
    for (const item of orderOf(part, source.items(config, 'Order'), new Set())) order.push(item);
    for (const group of mapped(source.items(config, 'Locked'))) if (own.has(group)) lists.Locked.push(group);
    for (const item of source.items(config, 'RBGroups')) {
      const group = source.look(item);
      if (group instanceof PdfArray) lists.RBGroups.push(new PdfArray(mapped(group.toArray())));
    }
  }
  if (all.length === 0) return undefined;
  const config = PdfDict.of({ BaseState: PdfName.of('ON'), Order: new PdfArray(order) });
  if (hidden.length > 0) config.set('OFF', new PdfArray(hidden));
  for (const [key, items] of Object.entries(lists)) if (items.length > 0) config.set(key, new PdfArray(items));
  return PdfDict.of({ OCGs: new PdfArray(all), D: config });
}

/** @param seen lists, each of which is taken once */
function orderOf(part: PartCopy, items: readonly PdfObject[], seen: Set<PdfArray>): PdfObject[] {
  return items.flatMap((item): PdfObject[] => {
    const found = part.source.look(item);
    if (found instanceof PdfString) return [found];
    if (found instanceof PdfDict) return [part.copier.targetOf(item) ?? []].flat();
    if (!(found instanceof PdfArray) || seen.has(found) || seen.size >= MAX_LISTS) return [];
    seen.add(found);
    const nested = orderOf(part, found.toArray(), seen);
    return nested.some((each) => !(each instanceof PdfString)) ? [new PdfArray(nested)] : [];
  });
}

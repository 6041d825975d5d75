import type { PdfRef } from '../libpdf.ts';
import { PdfArray, PdfDict, PdfName, type PdfObject, PdfString } from '../libpdf.ts';
import type { PartCopy } from './part-copy.ts';

/** Lists of layers in lists of layers: more are left out. */
const MAX_LISTS = 200;

/** Optional content: layers that a viewer can hide. */
export class Layers {
  readonly #all: PdfObject[] = [];
  readonly #hidden: PdfObject[] = [];
  readonly #order: PdfObject[] = [];
  readonly #lists = { RBGroups: [] as PdfObject[], Locked: [] as PdfObject[] };

  /** When all that shows the layers of these parts is copied. */
  add(parts: readonly PartCopy[]): void {
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
        this.#all.push(group);
        if (isOff(group)) this.#hidden.push(group);
      }
      for (const item of orderOf(part, source.items(config, 'Order'), new Set())) this.#order.push(item);
      for (const group of mapped(source.items(config, 'Locked'))) if (own.has(group)) this.#lists.Locked.push(group);
      for (const item of source.items(config, 'RBGroups')) {
        const group = source.look(item);
        if (group instanceof PdfArray) this.#lists.RBGroups.push(new PdfArray(mapped(group.toArray())));
      }
    }
  }

  /** @returns undefined if there are none */
  finish(): PdfDict | undefined {
    if (this.#all.length === 0) return undefined;
    const config = PdfDict.of({ BaseState: PdfName.of('ON'), Order: new PdfArray(this.#order) });
    if (this.#hidden.length > 0) config.set('OFF', new PdfArray(this.#hidden));
    for (const [key, items] of Object.entries(this.#lists)) if (items.length > 0) config.set(key, new PdfArray(items));
    return PdfDict.of({ OCGs: new PdfArray(this.#all), D: config });
  }
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

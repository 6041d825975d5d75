import { PdfArray, PdfDict, PdfName, type PdfObject, type PdfRef, PdfString } from '../libpdf.ts';
import type { PartCopy } from './part-copy.ts';
import { FreeNames } from './free-names.ts';
import { objectText } from './object-text.ts';
import { keyOf } from './trees.ts';

/** Names that parts may have for different things: of roles, of classes, and ids of elements. */
export class StructureNames {
  readonly roles = new PdfDict();
  readonly classes = new PdfDict();
  readonly #taken = { RoleMap: new FreeNames(), ClassMap: new FreeNames() };
  /** of elements, by what they are in the new PDF */
  readonly ids = new Map<string, { id: PdfString; element: PdfRef }>();

  /** What is in a part's names for what is in the new PDF. @param prefix of its ids */
  ofPart(part: PartCopy, root: PdfDict, prefix: string): PartNames {
    const add = (key: 'RoleMap' | 'ClassMap', into: PdfDict) => {
      const renamed = new Map<string, string>();
      for (const [{ value: name }, value] of part.source.dict(root, key) ?? []) {
        const copy = part.copier.copy(key === 'RoleMap' ? (part.source.look(value) ?? value) : value);
        if (!copy) continue;
        const isSame = into.has(name) && objectText(into.get(name)) === objectText(copy);
        const free = isSame ? name : this.#taken[key].take(name);
        if (free !== name) renamed.set(name, free);
        into.set(free, copy);
      }
      return renamed;
    };
    return new PartNames(part, { roles: add('RoleMap', this.roles), classes: add('ClassMap', this.classes), prefix });
  }
}

/** Names of one part. */
class PartNames {
  readonly #part: PartCopy;
  readonly #renamed: { roles: Map<string, string>; classes: Map<string, string>; prefix: string };
  /** of elements that are kept, by what they were */
  readonly #ids = new Map<string, PdfString>();

  constructor(part: PartCopy, renamed: { roles: Map<string, string>; classes: Map<string, string>; prefix: string }) {
    this.#part = part;
    this.#renamed = renamed;
  }

  /** The id of an element that is kept. */
  keepId(id: PdfString): PdfString {
    const { prefix } = this.#renamed;
    const renamed = prefix === '' ? id : new PdfString(Buffer.concat([Buffer.from(prefix), id.bytes]));
    this.#ids.set(keyOf(id), renamed);
    return renamed;
  }

  /** An element with these names, before it is copied. */
  rename(element: PdfDict): PdfDict {
    const { roles, classes } = this.#renamed;
    const dict = element.clone();
    const { source } = this.#part;
    if (element.has('A')) dict.set('A', this.#attributes(source.look(element.get('A'))));
    if (roles.size > 0) dict.set('S', renameIn(roles, source.look(element.get('S'))));
    if (classes.size > 0 && element.has('C')) dict.set('C', renameIn(classes, source.look(element.get('C'))));
    if (element.has('Ref'))
      dict.set('Ref', new PdfArray(source.items(element, 'Ref').filter((ref) => this.#part.copier.targetOf(ref))));
    return dict;
  }

  /** With the ids of cells that are headers. Those that are gone are left out. */
  #attributes(given: PdfObject | undefined, level = 0): PdfObject {
    const { source } = this.#part;
    const found = source.look(given);
    if (found instanceof PdfArray && level === 0)
      return new PdfArray(found.toArray().map((item) => this.#attributes(item, level + 1)));
    if (!(found instanceof PdfDict) || !found.has('Headers')) return given ?? new PdfArray([]);
    const ids = source.items(found, 'Headers').map((item) => source.look(item));
    const headers = ids.flatMap((id) => (id instanceof PdfString ? (this.#ids.get(keyOf(id)) ?? []) : []));
    const dict = found.clone();
    if (headers.length > 0) dict.set('Headers', new PdfArray(headers));
    else dict.delete('Headers');
    return dict;
  }
}

function renameIn(names: ReadonlyMap<string, string>, given: PdfObject | undefined): PdfObject {
  if (given instanceof PdfArray) return new PdfArray(given.toArray().map((item) => renameIn(names, item)));
  if (!(given instanceof PdfName)) return given ?? new PdfArray([]);
  return PdfName.of(names.get(given.value) ?? given.value);
}

import type { PDF, PdfRef } from '../libpdf.ts';
import { PdfArray, PdfBool, PdfDict, type PdfObject, PdfString } from '../libpdf.ts';
import { type Field, keptFields } from './form-fields.ts';
import { FreeNames } from './free-names.ts';
import type { PartCopy } from './part-copy.ts';

/** What fields have of the form itself if they do not say it. */
const INHERITED = ['DA', 'Q'] as const;

/** Joins the forms of the parts. Fields with one name get names of their own, for else they would have one value. */
export class Forms {
  readonly #target: PDF;
  readonly #names = new FreeNames();
  readonly #fields: PdfRef[] = [];
  readonly #order: PdfRef[] = [];
  readonly #resources = new PdfDict();
  /** by category */
  readonly #resourceNames = new Map<string, FreeNames>();
  readonly #defaults = new Map<string, PdfObject>();
  #needsAppearances = false;
  #isThere = false;

  constructor(target: PDF) {
    this.#target = target;
  }

  /** Before the part's pages are copied. */
  add(part: PartCopy): void {
    const { source, copier } = part;
    const form = source.dict(source.catalog, 'AcroForm');
    const { roots, all } = keptFields(part, form);
    for (const { ref, isKept } of all) copier.assign(ref, isKept ? this.#target.context.registry.allocateRef() : undefined); // prettier-ignore
    const isFirst = !this.#isThere;
    if (form && roots.length > 0) this.#isThere = true;
    const renamed = this.#addResources(part, source.dict(form, 'DR'));
    const inherited = new Map<string, PdfObject>();
    for (const key of INHERITED) {
      const value = form && source.get(form, key);
      if (value) inherited.set(key, withFonts(value, renamed));
    }
    if (isFirst) for (const [key, value] of inherited) this.#defaults.set(key, value);
    for (const field of all) if (field.isKept) this.#copy(part, field, inherited, renamed);
    if (!form) return;
    for (const { ref, isListed } of roots) {
      const target = copier.targetOf(ref);
      if (isListed && target) this.#fields.push(target);
    }
    for (const item of source.items(form, 'CO')) {
      const target = copier.targetOf(item);
      if (target) this.#order.push(target);
    }
    const needed = source.get(form, 'NeedAppearances');
    if (needed instanceof PdfBool && needed.value) this.#needsAppearances = true;
  }

  /** @returns undefined if no part has a form */
  finish(): PdfDict | undefined {
    if (this.#fields.length === 0) return undefined;
    const form = PdfDict.of({ Fields: new PdfArray(this.#fields) });
    for (const [key, value] of this.#defaults) form.set(key, value);
    if (this.#resources.size > 0) form.set('DR', this.#resources);
    if (this.#order.length > 0) form.set('CO', new PdfArray(this.#order));
    if (this.#needsAppearances) form.set('NeedAppearances', PdfBool.TRUE);
    return form;
  }

  #copy(
    part: PartCopy,
    field: Field,
    inherited: ReadonlyMap<string, PdfObject>,
    renamed: ReadonlyMap<string, string>,
  ): void {
    const { source, copier } = part;
    const { dict: from, parent } = field;
    const isSignature = source.name(from, 'FT') === 'Sig';
    const dict =
      copier.copyDict(from, ['Kids', 'Parent', ...(isSignature ? ['V', 'Lock', 'SV'] : [])]) ?? new PdfDict();
    const kids = field.kids.flatMap((kid) => copier.targetOf(kid.ref) ?? []);
    if (kids.length > 0) dict.set('Kids', new PdfArray(kids));
    const above = parent && copier.targetOf(parent.ref);
    if (above) dict.set('Parent', above);
    else this.#nameApart(dict, field.isListed);
    const own = source.get(from, 'DA');
    if (own) dict.set('DA', withFonts(own, renamed));
    if (!above)
      for (const [key, value] of inherited)
        if (!dict.has(key) && !isSame(value, this.#defaults.get(key))) dict.set(key, value);
    const to = copier.targetOf(field.ref);
    if (to) this.#target.context.registry.registerAt(to, dict);
  }

  #nameApart(dict: PdfDict, isListed: boolean): void {
    const name = dict.getString('T')?.asString();
    if (name === undefined || !isListed) return;
    const free = this.#names.take(name);
    if (free !== name) dict.set('T', PdfString.fromString(free));
  }

  /** @returns new names of fonts and other resources, by those that they have in this part */
  #addResources({ source, copier }: PartCopy, given: PdfDict | undefined): Map<string, string> {
    const renamed = new Map<string, string>();
    for (const [{ value: category }, value] of given ?? []) {
      const found = source.look(value);
      if (!(found instanceof PdfDict)) continue; // ProcSet, which nobody reads
      const into = this.#resources.getDict(category) ?? new PdfDict();
      this.#resources.set(category, into);
      const names = this.#resourceNames.get(category) ?? new FreeNames();
      this.#resourceNames.set(category, names);
      for (const [{ value: name }, resource] of found) {
        const copied = copier.copy(resource);
        if (!copied || into.get(name) === copied) continue;
        const free = names.take(name);
        if (free !== name) renamed.set(name, free);
        into.set(free, copied);
      }
    }
    return renamed;
  }
}

const isSame = (a: PdfObject, b: PdfObject | undefined): boolean =>
  a instanceof PdfString && b instanceof PdfString ? a.asString() === b.asString() : 'value' in a && b !== undefined && 'value' in b && a.value === b.value; // prettier-ignore

/** The operators of a field's text, with the new names of its fonts. */
function withFonts(value: PdfObject, renamed: ReadonlyMap<string, string>): PdfObject {
  if (renamed.size === 0 || !(value instanceof PdfString)) return value;
  const text = value.asString().replaceAll(/\/([^\s/()<>[\]{}%]+)/g, (all, name: string) => {
    const free = renamed.get(name);
    return free === undefined ? all : `/${free}`;
  });
  return PdfString.fromString(text);
}

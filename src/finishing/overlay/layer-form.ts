import { type PDF, PdfArray, PdfDict, PdfName, PdfNumber, type PdfObject, type PdfRef } from '../libpdf.ts';
import type { Sheet } from '../step.ts';
import { Graft } from './graft.ts';
import { wholeContent } from './page-content.ts';
import { inherited, inverse, pageGeometry, resolved } from './page-geometry.ts';

/** A page of a layer, to be drawn on any page. */
export interface LayerForm {
  ref: PdfRef;
  /** its own size as it is shown: it is drawn with the lower left corner at 0, 0 */
  sheet: Sheet;
}

/** Makes the pages of one PDF into form XObjects of another. What they share is there once. */
export class LayerForms {
  readonly #source: PDF;
  readonly #target: PDF;
  readonly #isGroup: boolean;
  readonly #graft: Graft;
  readonly #forms = new Map<number, LayerForm>();
  readonly #resources = new Map<string, PdfRef>();

  /** @param isGroup whether each is transparent as a whole */
  constructor(source: PDF, target: PDF, { isGroup }: { isGroup: boolean }) {
    this.#source = source;
    this.#target = target;
    this.#isGroup = isGroup;
    this.#graft = new Graft(source, target);
  }

  get pages(): number {
    return this.#source.getPageCount();
  }

  /** @param index of the page, from 0 @throws if there is none */
  at(index: number): LayerForm {
    const known = this.#forms.get(index);
    if (known) return known;
    const page = this.#source.getPage(index)?.dict;
    if (!page) throw new Error(`a layer has no page ${index + 1}`);
    const { box, sheet, fromSheet } = pageGeometry(this.#source, page);
    const form = wholeContent(this.#source, page);
    for (const [{ value: key }, value] of form) if (key !== 'Length') form.set(key, this.#graft.copy(value));
    form.set('Type', PdfName.of('XObject'));
    form.set('Subtype', PdfName.of('Form'));
    form.set('BBox', numbers(box));
    form.set('Matrix', numbers(inverse(fromSheet)));
    form.set('Resources', this.#resourcesOf(page));
    const group = resolved(this.#source, page.get('Group'));
    if (group instanceof PdfDict) form.set('Group', this.#graft.copy(group));
    else if (this.#isGroup) form.set('Group', GROUP);
    const made = { ref: this.#target.register(form), sheet };
    this.#forms.set(index, made);
    return made;
  }

  /** Printed pages have resources of their own, which are the same fonts. */
  #resourcesOf(page: PdfDict): PdfObject {
    const found = resolved(this.#source, inherited(this.#source, page, 'Resources'));
    if (!(found instanceof PdfDict)) return new PdfDict();
    const key = textOf(found, 0);
    const known = key === undefined ? undefined : this.#resources.get(key);
    if (known) return known;
    const ref = this.#target.register(this.#graft.copy(found));
    if (key !== undefined) this.#resources.set(key, ref);
    return ref;
  }
}

const GROUP = PdfDict.of({ S: PdfName.of('Transparency') });

/** An array of a PDF; hundred-thousandths of a point are seen by nobody. */
function numbers(values: readonly number[]): PdfArray {
  return new PdfArray(values.map((value) => PdfNumber.of(Math.round(value * 1e5) / 1e5)));
}

/** Levels of resources that hold nothing but references. */
const MAX_LEVELS = 4;

/** What resources say, as a key; undefined if they are more than a list of references. */
function textOf(object: PdfObject, level: number): string | undefined {
  if (level > MAX_LEVELS) return undefined;
  if (object.type === 'ref') return `${object.objectNumber} ${object.generation} R`;
  if (object.type === 'name') return `/${object.value}`;
  if (object.type === 'array') return object.length === 0 ? '[]' : joined(object.toArray().map((item) => textOf(item, level + 1))); // prettier-ignore
  if (object.type !== 'dict') return undefined;
  return joined([...object].flatMap(([key, value]) => [`/${key.value}`, textOf(value, level + 1)]));
}

const joined = (texts: readonly (string | undefined)[]) =>
  texts.includes(undefined) ? undefined : `<${texts.join(' ')}>`;

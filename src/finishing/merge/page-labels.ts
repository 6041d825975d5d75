import type { PDF } from '../libpdf.ts';
import { PdfDict, PdfName, PdfNumber, type PdfString } from '../libpdf.ts';
import type { PartCopy } from './part-copy.ts';
import type { Source } from './source.ts';
import { keyOf, numberTreeEntries, writeNumberTree } from './trees.ts';

/** What a viewer calls a page: `A-`, and a number in a style such as `r` (roman). */
interface Label {
  prefix: PdfString | undefined;
  /** undefined: no number */
  style: string | undefined;
  number: number;
}

/** Of each page; undefined: the PDF has none. */
function labelsOf(source: Source): Label[] | undefined {
  const tree = source.dict(source.catalog, 'PageLabels');
  const entries = numberTreeEntries(source, tree).toSorted(([a], [b]) => a - b);
  if (entries.length === 0) return undefined;
  let next = 0;
  let [first, range]: [number, PdfDict] = [0, PdfDict.of({ S: PdfName.of('D') })];
  return source.pages.map((_, index) => {
    for (let entry = entries[next]; entry && entry[0] <= index; entry = entries[++next]) {
      const dict = source.look(entry[1]);
      [first, range] = [entry[0], dict instanceof PdfDict ? dict : new PdfDict()];
    }
    const number = (source.number(range, 'St') ?? 1) + index - first;
    return { prefix: source.string(range, 'P'), style: source.name(range, 'S'), number };
  });
}

/** The labels of the pages that are kept. In a merge, pages of a part without labels are called by their new numbers. */
export class PageLabels {
  readonly #starts: [number, PdfDict][] = [];
  #pages = 0;
  #last: Label | undefined;
  #areThere = false;

  add(parts: readonly PartCopy[]): void {
    for (const part of parts) {
      const labels = part.source.once(labelsOf);
      this.#areThere ||= labels !== undefined;
      for (const page of part.selected) {
        const label = labels?.[page] ?? { prefix: undefined, style: 'D', number: this.#pages + 1 };
        if (!isNext(label, this.#last)) this.#starts.push([this.#pages, rangeOf(label)]);
        this.#last = label;
        this.#pages++;
      }
    }
  }

  /** @returns undefined if no part has labels */
  finish(target: PDF): PdfDict | undefined {
    return this.#areThere ? writeNumberTree(target, this.#starts) : undefined;
  }
}

const isNext = (label: Label, before: Label | undefined): boolean =>
  before !== undefined &&
  label.style === before.style &&
  textOf(label.prefix) === textOf(before.prefix) &&
  (label.style === undefined || label.number === before.number + 1);

const textOf = (text: PdfString | undefined) => (text ? keyOf(text) : '');

function rangeOf({ prefix, style, number }: Label): PdfDict {
  const range = new PdfDict();
  if (style !== undefined) range.set('S', PdfName.of(style));
  if (prefix) range.set('P', prefix);
  if (style !== undefined && number !== 1) range.set('St', PdfNumber.of(number));
  return range;
}

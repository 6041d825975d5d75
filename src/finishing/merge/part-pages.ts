import type { PDF, PdfRef } from '../libpdf.ts';
import type { Source } from './source.ts';

/** Pages of a PDF that become pages of another. */
export interface Part {
  source: Source;
  /** indexes from 0, in their new order, each once; default: all */
  pages?: readonly number[] | undefined;
  /** for its bookmark */
  title?: string | undefined;
  /** whether it has no bookmark of its own: its bookmarks are below that of the part before it */
  isContinued?: boolean | undefined;
}

/** What becomes of the pages of a part. */
export class PartPages {
  readonly source: Source;
  readonly title: string | undefined;
  readonly isContinued: boolean;
  /** indexes of the source's pages, in their new order */
  readonly selected: readonly number[];
  /** references to the new pages, in order */
  readonly pages: readonly PdfRef[];
  /** whether the pages that are kept have the old order */
  readonly isInOrder: boolean;
  /** whether every page is kept, in the old order */
  readonly isWhole: boolean;
  readonly #positions: ReadonlyMap<number, number>;

  constructor(
    { source, pages = source.pages.map((_, index) => index), title, isContinued = false }: Part,
    target: PDF,
  ) {
    this.source = source;
    this.title = title;
    this.isContinued = isContinued;
    this.selected = pages;
    this.pages = pages.map(() => target.context.registry.allocateRef());
    this.isInOrder = pages.every((page, position) => position === 0 || page > (pages[position - 1] ?? 0));
    this.isWhole = this.isInOrder && pages.length === source.pages.length;
    this.#positions = new Map(pages.map((page, position) => [page, position]));
  }

  /** Among the pages that are kept, from 0; undefined: it is not. @param page index in the source */
  positionOf(page: number | undefined): number | undefined {
    return page === undefined ? undefined : this.#positions.get(page);
  }

  /** @param page index in the source */
  targetPage(page: number): PdfRef | undefined {
    const position = this.positionOf(page);
    return position === undefined ? undefined : this.pages[position];
  }
}

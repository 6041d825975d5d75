import { type PDF, type PdfDict, type PdfObject, PdfRef } from '../libpdf.ts';
import { Copier } from './copier.ts';
import { Destinations } from './destinations.ts';
import { type Part, PartPages } from './part-pages.ts';
import type { SharedObjects } from './shared-objects.ts';

interface PartCopyOptions {
  target: PDF;
  shared: SharedObjects | undefined;
  /** all parts, for names of destinations that the part itself has not; may still grow */
  parts: readonly PartPages[];
  /** Called for each dictionary. @returns what is copied instead */
  rewrite(part: PartCopy, dict: PdfDict): PdfDict;
}

/** A part while it is copied. */
export class PartCopy extends PartPages {
  readonly copier: Copier;
  readonly destinations: Destinations;
  readonly #annotations = new Map<number, readonly PdfObject[]>();

  constructor(part: Part, options: PartCopyOptions) {
    const { target, shared, parts } = options;
    super(part, target);
    this.destinations = new Destinations(this, parts);
    this.copier = new Copier({
      source: this.source,
      target,
      shared,
      rewrite: (given) => {
        const dict = this.destinations.rewrite(given);
        return dict && options.rewrite(this, dict);
      },
    });
    for (const [index, ref] of this.source.pages.entries()) this.copier.assign(ref, this.targetPage(index));
  }

  /** Annotations that a page keeps: links that lead nowhere are none. @param page index in the source */
  annotationsOf(page: number): readonly PdfObject[] {
    const known = this.#annotations.get(page);
    const kept = known ?? this.source.annotations(page).filter((each) => !this.destinations.isDeadLink(each));
    if (!known) this.#annotations.set(page, kept);
    return kept;
  }

  /** Leaves out annotations of other pages, and dead links, so that nothing else brings them. When all parts are there. */
  leaveOut(): void {
    const kept = new Set<number>();
    for (const page of this.selected)
      for (const annotation of this.annotationsOf(page))
        if (annotation instanceof PdfRef) kept.add(annotation.objectNumber);
    for (const page of this.source.pages.keys())
      for (const annotation of this.source.annotations(page))
        if (annotation instanceof PdfRef && !kept.has(annotation.objectNumber))
          this.copier.assign(annotation, undefined);
  }
}

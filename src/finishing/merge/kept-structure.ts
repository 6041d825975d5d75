import type { PartCopy } from './part-copy.ts';
import { type Element, isElement, type Kid, type StructureTree } from './structure-tree.ts';

interface State {
  isKept: boolean;
  /** of the first page, from 0 */
  position: number;
}

const GONE: State = { isKept: false, position: Infinity };

/**
 * Which tags a part keeps: those with content on its pages, and those above them. An element without any content, such
 * as an empty cell, goes with its neighbour, so that rows stay whole.
 */
export class KeptStructure {
  readonly #part: PartCopy;
  /** of elements with content on pages between the first and the last that is kept; all others are gone */
  readonly #states = new Map<Element, State>();

  constructor(part: PartCopy, { kids }: StructureTree) {
    this.#part = part;
    const first = part.selected.reduce((a, b) => Math.min(a, b), Infinity);
    const last = part.selected.reduce((a, b) => Math.max(a, b), -Infinity);
    const isNear = (kid: Kid): kid is Element =>
      isElement(kid) && (part.isWhole || (kid.first <= last && kid.last >= first));
    const near = kids.filter(isNear);
    // the list grows meanwhile
    for (const element of near) for (const kid of element.kids) if (isNear(kid)) near.push(kid);
    for (const element of near.toReversed()) {
      const state = { ...GONE };
      for (const kid of element.kids) {
        const below = this.#stateOf(kid);
        state.isKept ||= below?.isKept ?? false;
        state.position = Math.min(state.position, below?.position ?? Infinity);
      }
      this.#states.set(element, state);
    }
  }

  /** Those that stay of an element that stays; in the order of their pages, if that is another. */
  of(kids: readonly Kid[]): Kid[] {
    const states = kids.map((kid) => this.#stateOf(kid));
    let state = states.find((each) => each !== undefined) ?? { isKept: true, position: -1 };
    const found = kids.flatMap((kid, index) => {
      state = states[index] ?? state;
      return state.isKept || (this.#part.isWhole && isElement(kid)) ? [{ kid, position: state.position }] : [];
    });
    if (!this.#part.isInOrder) found.sort((a, b) => a.position - b.position);
    return found.map(({ kid }) => kid);
  }

  /** undefined: it has no content */
  #stateOf(kid: Kid): State | undefined {
    if (isElement(kid)) return kid.isEmpty ? undefined : (this.#states.get(kid) ?? GONE);
    const { copier, isWhole } = this.#part;
    const { marked, page } = kid;
    if (marked && copier.knows(marked) && !copier.targetOf(marked)) return GONE;
    const position = this.#part.positionOf(page);
    return { isKept: page === undefined ? isWhole : position !== undefined, position: position ?? Infinity };
  }
}

import type { PDF } from '../libpdf.ts';
import { PdfArray, PdfDict, PdfNull, type PdfObject, PdfRef, PdfStream } from '../libpdf.ts';
import type { SharedObjects } from './shared-objects.ts';
import type { Source } from './source.ts';

/** Arrays that refer to the new PDF already. */
const finished = new WeakSet<PdfArray>();

/** An array for a dictionary of a source whose references are those of the new PDF. */
export function finishedArray(items: PdfObject[]): PdfArray {
  const array = new PdfArray(items);
  finished.add(array);
  return array;
}

interface CopierOptions {
  source: Source;
  target: PDF;
  /** what other sources have brought already */
  shared: SharedObjects | undefined;
  /** Called for each dictionary, before it is copied. @returns what is copied instead; undefined: nothing */
  rewrite(dict: PdfDict): PdfDict | undefined;
}

/** Copies objects of one source, each once: it has the source's map of references. */
export class Copier {
  readonly #options: CopierOptions;
  readonly #refs = new Map<number, PdfRef | undefined>();
  /** numbers of objects that are left out unless they are assigned */
  #absent: ReadonlySet<number> = new Set();
  readonly #todo: { from: PdfRef; to: PdfRef }[] = [];

  constructor(options: CopierOptions) {
    this.#options = options;
  }

  /** An object that the caller copies himself; `undefined`: that is left out, so that nothing refers to it. */
  assign(from: PdfRef, to: PdfRef | undefined): void {
    this.#refs.set(from.objectNumber, to);
  }

  /** Objects that are left out unless they are assigned. @param numbers of objects */
  leaveOut(numbers: ReadonlySet<number>): void {
    this.#absent = numbers;
  }

  /** Whether it was copied, or assigned, or left out. */
  knows(ref: PdfRef): boolean {
    return this.#refs.has(ref.objectNumber);
  }

  /** What it became; undefined if nothing did. */
  targetOf(ref: PdfObject | undefined): PdfRef | undefined {
    return ref instanceof PdfRef ? this.#refs.get(ref.objectNumber) : undefined;
  }

  /** Objects that it refers to are copied by {@link drain}. @returns undefined if it is left out */
  copy(object: PdfObject): PdfObject | undefined {
    if (object instanceof PdfRef) return this.#copyRef(object);
    if (object instanceof PdfArray)
      return finished.has(object)
        ? object
        : new PdfArray(object.toArray().map((item) => this.copy(item) ?? PdfNull.instance));
    if (object instanceof PdfDict) return this.copyDict(object);
    return object; // never changed, so both may have it
  }

  /** @param except keys that the caller writes */
  copyDict(given: PdfDict, except: readonly string[] = []): PdfDict | undefined {
    const dict = this.#options.rewrite(given);
    if (!dict) return undefined;
    const copy = given instanceof PdfStream ? new PdfStream([], given.data) : new PdfDict();
    for (const [{ value: key }, value] of dict) {
      if (except.includes(key) || (key === 'Length' && given instanceof PdfStream)) continue;
      const copied = this.copy(value);
      if (copied !== undefined && !(copied instanceof PdfNull)) copy.set(key, copied);
    }
    return copy;
  }

  /** Until nothing is left that was referred to and not copied. */
  drain(): void {
    const { source, target } = this.#options;
    for (let next = this.#todo.pop(); next; next = this.#todo.pop()) {
      const object = source.look(next.from);
      target.context.registry.registerAt(next.to, (object && this.copy(object)) ?? PdfNull.instance);
    }
  }

  #copyRef(ref: PdfRef): PdfRef | undefined {
    if (this.#refs.has(ref.objectNumber)) return this.#refs.get(ref.objectNumber);
    if (this.#absent.has(ref.objectNumber)) return undefined;
    const { source, target, shared } = this.#options;
    const object = source.look(ref);
    if (object === undefined || object instanceof PdfNull || isTree(object, source)) {
      this.#refs.set(ref.objectNumber, undefined);
      return undefined;
    }
    const { to, isNew } = shared?.refFor(source, ref, target) ?? { to: target.context.registry.allocateRef(), isNew: true }; // prettier-ignore
    this.#refs.set(ref.objectNumber, to);
    if (isNew) this.#todo.push({ from: ref, to });
    return to;
  }
}

/** Nodes above pages, and elements of the structure: these are assigned before anything refers to them. */
const TREES = new Set(['Catalog', 'Pages', 'Page', 'StructTreeRoot', 'StructElem', 'Outlines']);

const isTree = (object: PdfObject, source: Source): boolean =>
  object instanceof PdfDict && TREES.has(source.name(object, 'Type') ?? '');

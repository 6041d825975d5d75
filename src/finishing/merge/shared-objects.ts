import { hash } from 'node:crypto';
import type { PDF } from '../libpdf.ts';
import { PdfArray, PdfBool, PdfDict, PdfName, PdfNumber, type PdfObject, PdfRef, PdfStream, PdfString } from '../libpdf.ts'; // prettier-ignore
import type { Source } from './source.ts';

/** Objects with a place in a tree, or that are changed when they are copied. */
const OWN_KEYS = ['Parent', 'P', 'StructParent', 'StructParents', 'Dest', 'FT', 'Kids'] as const;
const OWN_TYPES = new Set(['Page', 'Pages', 'Catalog', 'StructElem', 'StructTreeRoot', 'Annot', 'OCG', 'OCMD', 'Outlines']); // prettier-ignore

interface Frame {
  ref: PdfRef;
  object: PdfObject;
  children: PdfRef[];
}

/**
 * Fonts, images, profiles and whatever else several sources have in common is stored once. Objects are the same if
 * their bytes are and all that they refer to is; an object that leads back to itself is never shared.
 */
export class SharedObjects {
  readonly #refs = new Map<string, PdfRef>();
  readonly #hashes = new Map<Source, Map<number, string | undefined>>();

  /** Where the object is, or will be, in the new PDF. `isNew`: it must be copied; undefined: it cannot be shared. */
  refFor(source: Source, ref: PdfRef, target: PDF): { to: PdfRef; isNew: boolean } | undefined {
    const key = this.hashOf(source, ref);
    if (key === undefined) return undefined;
    const known = this.#refs.get(key);
    const to = known ?? target.context.registry.allocateRef();
    this.#refs.set(key, to);
    return { to, isNew: known === undefined };
  }

  /** Of an object and of all that it refers to; undefined: it cannot be shared. */
  hashOf(source: Source, ref: PdfRef): string | undefined {
    const hashes = this.#hashesOf(source);
    if (!hashes.has(ref.objectNumber)) compute(source, ref, hashes);
    return hashes.get(ref.objectNumber);
  }

  /** What was computed of sources that nothing is copied from any more. */
  forgetSources(): void {
    this.#hashes.clear();
  }

  #hashesOf(source: Source): Map<number, string | undefined> {
    const hashes = this.#hashes.get(source) ?? new Map<number, string | undefined>();
    this.#hashes.set(source, hashes);
    return hashes;
  }
}

/** Depth first, without recursion: references may lead as deep as the file has objects. */
function compute(source: Source, start: PdfRef, hashes: Map<number, string | undefined>): void {
  const stack: Frame[] = [];
  const open = new Set<number>();
  const enter = (ref: PdfRef) => {
    const object = source.look(ref);
    if (object === undefined || isOwn(object, source)) return void hashes.set(ref.objectNumber, undefined);
    open.add(ref.objectNumber);
    stack.push({ ref, object, children: referencesOf(object) });
  };
  enter(start);
  for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
    const child = frame.children.at(-1);
    const key = frame.ref.objectNumber;
    if (child && !hashes.has(child.objectNumber) && !open.has(child.objectNumber)) {
      enter(child);
      continue;
    }
    if (child && hashes.get(child.objectNumber) !== undefined) {
      frame.children.pop();
      continue;
    }
    // all are known, or one cannot be shared: then this cannot either
    hashes.set(key, child ? undefined : hash('sha256', describe(frame.object, hashes), 'base64'));
    open.delete(key);
    stack.pop();
  }
}

function isOwn(object: PdfObject, source: Source): boolean {
  if (!(object instanceof PdfDict)) return false;
  if (OWN_KEYS.some((key) => object.has(key))) return true;
  if (object.has('Rect') && object.has('Subtype')) return true; // an annotation
  return OWN_TYPES.has(source.name(object, 'Type') ?? '') || source.name(object, 'S') === 'GoTo';
}

function referencesOf(object: PdfObject, found: PdfRef[] = []): PdfRef[] {
  if (object instanceof PdfRef) found.push(object);
  else if (object instanceof PdfArray) for (const item of object) referencesOf(item, found);
  else if (object instanceof PdfDict)
    for (const [{ value: key }, value] of object)
      if (key !== 'Length' || !(object instanceof PdfStream)) referencesOf(value, found);
  return found;
}

function describe(object: PdfObject, hashes: ReadonlyMap<number, string | undefined>): string {
  if (object instanceof PdfRef) return `R${hashes.get(object.objectNumber)}`;
  if (object instanceof PdfArray) return `[${object.toArray().map((item) => describe(item, hashes)).join(' ')}]`; // prettier-ignore
  if (object instanceof PdfDict) {
    const isStream = object instanceof PdfStream;
    const entries = [...object].filter(([{ value: key }]) => !isStream || key !== 'Length');
    const text = entries.map(([key, value]) => `${named(key)} ${describe(value, hashes)}`).join(' ');
    return `<${text}>${isStream ? hash('sha256', object.data, 'base64') : ''}`;
  }
  if (object instanceof PdfName) return named(object);
  if (object instanceof PdfString) return `(${Buffer.from(object.bytes).toString('hex')})`;
  if (object instanceof PdfNumber || object instanceof PdfBool) return String(object.value);
  return object.type;
}

const named = ({ value }: PdfName): string => `/${JSON.stringify(value)}`;

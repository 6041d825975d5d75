import { PdfArray, PdfDict, type PdfObject, PdfStream } from '../libpdf.ts';
import type { Source } from '../merge/source.ts';
import { contentOf, formMatrix, IDENTITY, times, type Use, usesOf } from './content-uses.ts';

/** Points that an image covers where it is largest. */
export interface ShownSize {
  width: number;
  height: number;
}

type Found = Map<PdfStream, ShownSize>;

/** Drawings within drawings. */
const MAX_DEPTH = 20;
/** Images and forms that are drawn in a PDF, with those in forms as often as the forms. */
const MAX_USES = 1_000_000;

/**
 * How large the images of a PDF are shown. Those that are used where that is not known are left out: in patterns,
 * fonts, masks and the drawings of annotations.
 * @returns undefined if it draws too much
 */
export function imageSizes(source: Source): Found | undefined {
  const found: Found = new Map();
  const elsewhere = new Elsewhere(source);
  const known = new Map<PdfDict, Use[]>();
  let uses = 0;

  const walk = (dict: PdfDict, resources: PdfDict | undefined, matrix: Use['matrix'], depth: number): void => {
    const drawn = known.get(dict) ?? usesOf(contentOf(source, dict));
    known.set(dict, drawn);
    if (resources) elsewhere.addResources(resources);
    const objects = source.dict(resources, 'XObject');
    for (const use of drawn) {
      if (++uses > MAX_USES) return;
      const object = objects && source.get(objects, use.name);
      if (!(object instanceof PdfStream)) continue;
      const placed = times(use.matrix, matrix);
      if (source.name(object, 'Subtype') === 'Image') add(object, placed);
      else if (depth < MAX_DEPTH)
        walk(object, source.dict(object, 'Resources') ?? resources, times(formMatrix(source, object), placed), depth + 1); // prettier-ignore
      else elsewhere.add(object);
    }
  };

  const add = (image: PdfStream, [a, b, c, d]: Use['matrix']): void => {
    const before = found.get(image) ?? { width: 0, height: 0 };
    found.set(image, { width: Math.max(before.width, Math.hypot(a, b)), height: Math.max(before.height, Math.hypot(c, d)) }); // prettier-ignore
  };

  for (const index of source.pages.keys()) {
    const page = source.page(index);
    const resources = source.look(source.inherited(index, 'Resources'));
    const unit = source.number(page, 'UserUnit') ?? 1;
    const matrix: Use['matrix'] = [unit, 0, 0, unit, 0, 0];
    walk(page, resources instanceof PdfDict ? resources : undefined, unit > 0 ? matrix : IDENTITY, 0);
    for (const annotation of source.annotations(index)) {
      const dict = source.look(annotation);
      if (dict instanceof PdfDict) elsewhere.add(dict.get('AP'));
    }
  }
  if (uses > MAX_USES) return undefined;
  for (const image of elsewhere.images()) found.delete(image);
  return found;
}

/** Where images may be drawn in sizes that are not looked for. */
class Elsewhere {
  readonly #source: Source;
  readonly #todo: PdfObject[] = [];
  readonly #known = new Set<PdfObject>();

  constructor(source: Source) {
    this.#source = source;
  }

  add(object: PdfObject | undefined): void {
    if (object) this.#todo.push(object);
  }

  /** Of what draws by name only what has images of its own. */
  addResources(resources: PdfDict): void {
    if (this.#known.has(resources)) return;
    this.#known.add(resources);
    this.add(resources.get('Pattern'));
    this.add(resources.get('ExtGState'));
    const fonts = this.#source.dict(resources, 'Font');
    for (const [{ value: name }] of fonts ?? []) {
      const font = this.#source.dict(fonts, name);
      if (font && this.#source.name(font, 'Subtype') === 'Type3') this.add(font.get('Resources'));
    }
  }

  /** Everything that is reached from there, but through pages. */
  images(): PdfStream[] {
    const images: PdfStream[] = [];
    const seen = new Set<PdfObject>();
    for (let next = this.#todo.pop(); next; next = this.#todo.pop()) {
      const object = this.#source.look(next);
      if (!object || seen.has(object)) continue;
      if (object instanceof PdfArray) this.#todo.push(...object.toArray().slice(0, MAX_USES));
      if (!(object instanceof PdfDict)) continue;
      seen.add(object);
      if (['Page', 'Pages', 'Catalog'].includes(this.#source.name(object, 'Type') ?? '')) continue;
      if (object instanceof PdfStream && this.#source.name(object, 'Subtype') === 'Image') images.push(object);
      for (const [, value] of object) this.#todo.push(value);
    }
    return images;
  }
}

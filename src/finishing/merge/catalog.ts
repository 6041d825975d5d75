import { type PDF, PdfBool, PdfDict, type PdfObject, PdfString } from '../libpdf.ts';
import { namedPlaces } from './destinations.ts';
import type { PartCopy } from './part-copy.ts';
import type { SharedObjects } from './shared-objects.ts';
import { writeNameTree } from './trees.ts';

/** What the first part says for all. */
const OF_FIRST = ['ViewerPreferences', 'PageLayout', 'Lang'] as const;
/** What only a document by itself can say of itself. */
const OF_ONE = ['Metadata', 'OutputIntents', 'URI', 'PieceInfo'] as const;

/** Entries of the catalog that are no trees of their own. */
export class Catalogs {
  readonly #catalog: PdfDict;
  /** undefined: there is only one part */
  readonly #shared: SharedObjects | undefined;
  /** of the first part */
  #profiles: { intents: PdfObject | undefined; hash: string | undefined } | undefined;
  #haveSameProfiles = true;
  #isTagged = false;

  constructor(catalog: PdfDict, { shared }: { shared: SharedObjects | undefined }) {
    this.#catalog = catalog;
    this.#shared = shared;
  }

  add(parts: readonly PartCopy[]): void {
    for (const part of parts) {
      const { source } = part;
      for (const key of OF_FIRST) if (!this.#catalog.has(key)) this.#copyFrom(part, key);
      if (this.#shared) this.#compareProfiles(part, this.#shared);
      else for (const key of OF_ONE) this.#copyFrom(part, key);
      const marked = source.get(source.dict(source.catalog, 'MarkInfo') ?? new PdfDict(), 'Marked');
      this.#isTagged ||= marked instanceof PdfBool && marked.value;
    }
  }

  finish(): void {
    const intents = this.#haveSameProfiles ? this.#profiles?.intents : undefined;
    if (intents) this.#catalog.set('OutputIntents', intents);
    if (this.#isTagged) this.#catalog.set('MarkInfo', PdfDict.of({ Marked: PdfBool.TRUE }));
  }

  #copyFrom({ source, copier }: PartCopy, key: string): void {
    const value = source.catalog.get(key);
    const copied = value && copier.copy(value);
    if (copied) this.#catalog.set(key, copied);
  }

  /** Whether colors mean the same in all parts. */
  #compareProfiles({ source, copier }: PartCopy, shared: SharedObjects): void {
    if (!this.#haveSameProfiles) return;
    const [intent, ...more] = source.items(source.catalog, 'OutputIntents');
    const profile = source.look(intent);
    const ref = profile instanceof PdfDict ? profile.getRef('DestOutputProfile') : undefined;
    const hash = ref && more.length === 0 ? shared.hashOf(source, ref) : undefined;
    this.#haveSameProfiles = hash !== undefined && hash === (this.#profiles?.hash ?? hash);
    const intents = source.catalog.get('OutputIntents');
    if (this.#haveSameProfiles) this.#profiles ??= { intents: intents && copier.copy(intents), hash };
  }
}

/** Names by which others may link into a PDF. Those of several parts collide, so only a part alone keeps them. */
export function namedDestinations(target: PDF, part: PartCopy): PdfDict | undefined {
  const entries = [...part.source.once(namedPlaces).keys()].flatMap((name): [PdfString, PdfObject][] => {
    const key = new PdfString(Buffer.from(name, 'latin1'));
    const array = part.destinations.explicit(key);
    return array ? [[key, array]] : [];
  });
  return entries.length > 0 ? writeNameTree(target, entries) : undefined;
}

/** Adds to a page what it has of nodes above it, which stay behind. */
export function addInherited(part: PartCopy, index: number, page: PdfDict): void {
  for (const key of ['Resources', 'MediaBox', 'CropBox', 'Rotate'] as const) {
    if (part.source.page(index).has(key)) continue;
    const value = part.source.inherited(index, key);
    const copied = value && part.copier.copy(value);
    if (copied) page.set(key, copied);
  }
}

import { deflateSync, inflateSync } from 'node:zlib';
import { type PDF, PdfArray, PdfDict, PdfName, type PdfObject, PdfRef, PdfStream } from '../libpdf.ts';
import { type ContentResources, markArtifacts } from './artifacts.ts';
import { type Page, pagesOf } from './pages.ts';

/** Forms in forms that are looked into. */
const MAX_LEVELS = 30;

/** Marks as artifact whatever the pages of a PDF paint outside of tags, also in forms that have tags. */
export function markPages(pdf: PDF): void {
  const marker = new PageMarker(pdf);
  for (const page of pagesOf(pdf)) marker.mark(page);
}

class PageMarker {
  readonly #pdf: PDF;
  /** whether each form has tagged content */
  readonly #forms = new Map<PdfStream, boolean>();
  readonly #resolve = (ref: PdfRef) => this.#pdf.context.resolve(ref);

  constructor(pdf: PDF) {
    this.#pdf = pdf;
  }

  mark({ dictionary, resources }: Page): void {
    const streams = this.#streamsOf(dictionary.get('Contents', this.#resolve));
    const [first] = streams;
    if (!first) return;
    const content = streams.length === 1 ? decoded(first) : Buffer.concat(streams.flatMap((stream) => [decoded(stream), Buffer.from('\n')])); // prettier-ignore
    const { bytes } = markArtifacts(content, this.#resourcesOf(resources, 0));
    // A stream of its own: that of before may be another page's too.
    if (bytes) dictionary.set('Contents', this.#pdf.context.register(compressed(new PdfDict(), bytes)));
  }

  #streamsOf(contents: PdfObject | undefined): PdfStream[] {
    if (contents instanceof PdfStream) return [contents];
    if (!(contents instanceof PdfArray)) return [];
    return [...contents].flatMap((item) => {
      const stream = item instanceof PdfRef ? this.#resolve(item) : item;
      return stream instanceof PdfStream ? [stream] : [];
    });
  }

  #resourcesOf(resources: PdfDict | undefined, level: number): ContentResources {
    const properties = resources?.getDict('Properties', this.#resolve);
    const xObjects = resources?.getDict('XObject', this.#resolve);
    return {
      hasMcid: (name) => properties?.getDict(name, this.#resolve)?.has('MCID') ?? false,
      isTagged: (name) => {
        const xObject = xObjects?.get(name, this.#resolve);
        return xObject instanceof PdfStream && this.#isTagged(xObject, resources, level + 1);
      },
    };
  }

  #isTagged(form: PdfStream, outer: PdfDict | undefined, level: number): boolean {
    if (form.getName('Subtype')?.value !== 'Form') return false;
    const known = this.#forms.get(form);
    if (known !== undefined || level > MAX_LEVELS) return known ?? false;
    this.#forms.set(form, false); // in case that it contains itself
    const resources = this.#resourcesOf(form.getDict('Resources', this.#resolve) ?? outer, level);
    const { bytes, isTagged } = markArtifacts(decoded(form), resources);
    this.#forms.set(form, isTagged);
    if (isTagged && bytes) {
      form.delete('DecodeParms');
      const { data } = compressed(form, bytes);
      form.setData(data); // deletes the filter
      form.set('Filter', PdfName.of('FlateDecode'));
    }
    return isTagged;
  }
}

const compressed = (dictionary: PdfDict, bytes: Uint8Array): PdfStream => {
  const stream = new PdfStream(dictionary, deflateSync(bytes));
  stream.set('Filter', PdfName.of('FlateDecode'));
  return stream;
};

/** The library decompresses too, but slowly. */
function decoded(stream: PdfStream): Uint8Array {
  const filter = stream.get('Filter');
  if (filter instanceof PdfName && filter.value === 'FlateDecode' && !stream.has('DecodeParms'))
    try {
      return inflateSync(stream.data);
    } catch {
      // the library forgives more
    }
  return stream.getDecodedData();
}

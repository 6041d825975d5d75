import { type PDF, PdfArray, PdfDict, PdfName, type PdfObject, PdfRef, PdfString } from '../libpdf.ts';

const MAX_TEXT = 1_000;

/** Where the links of a PDF lead, in words. */
export class LinkTargets {
  readonly #pdf: PDF;
  readonly #pages = new Map<PdfRef, number>();
  readonly #resolve = (ref: PdfRef) => this.#pdf.context.resolve(ref);

  constructor(pdf: PDF) {
    this.#pdf = pdf;
    for (const [index, ref] of pdf.context.pages.getPages().entries()) this.#pages.set(ref, index + 1);
  }

  /** `https://example.com/`, or `Page 7`. */
  describe(link: PdfDict): string {
    const action = link.getDict('A', this.#resolve);
    const uri = action?.get('URI', this.#resolve);
    if (uri instanceof PdfString) return uriText(uri).slice(0, MAX_TEXT) || 'Link';
    const page = this.#pageOf(link.get('Dest', this.#resolve) ?? action?.get('D', this.#resolve));
    return page === undefined ? 'Link' : `Page ${page}`;
  }

  #pageOf(destination: PdfObject | undefined): number | undefined {
    const isName = destination instanceof PdfName || destination instanceof PdfString;
    const found = isName ? this.#named(destination) : destination;
    const list = found instanceof PdfDict ? found.get('D', this.#resolve) : found;
    const page = list instanceof PdfArray ? list.at(0) : undefined;
    return page instanceof PdfRef ? this.#pages.get(page) : undefined;
  }

  /** Chromium lists its destinations in the catalog. */
  #named(name: PdfName | PdfString): PdfObject | undefined {
    const list = this.#pdf.context.catalog.getDict().getDict('Dests', this.#resolve);
    return list?.get(name instanceof PdfName ? name.value : name.asString(), this.#resolve);
  }
}

/** A URI is ASCII by the standard; what else it has is UTF-8 in practice. */
const uriText = ({ bytes }: PdfString) => new TextDecoder().decode(bytes);

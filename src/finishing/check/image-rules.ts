import type { Findings } from './findings.ts';
import { type PdfDictionary, PdfName, PdfStream } from './pdf-value.ts';
import { checkIntent } from './state-rules.ts';
import { readJpeg2000 } from './jpeg-2000.ts';

const INLINE_FILTERS = new Set('ASCIIHexDecode AHx ASCII85Decode A85 FlateDecode Fl RunLengthDecode RL CCITTFaxDecode CCF DCTDecode DCT'.split(' ')); // prettier-ignore

/** Bits of a colour in PDF 1.4. */
const OLD_BITS = new Set([1, 2, 4, 8]);

/** The rules about images that content shows. */
export class ImageRules {
  readonly #findings: Findings;
  readonly #seen = new Set<PdfDictionary>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  check(image: PdfDictionary, { page, isInline }: { page: number | undefined; isInline: boolean }): void {
    if (this.#seen.has(image)) return;
    this.#seen.add(image);
    const findings = this.#findings;
    if (image.has('Alternates')) findings.report('6.2.8-1', 'an image has Alternates', page);
    if (image.has('OPI')) findings.report('6.2.8-2', 'an image has OPI', page);
    if (image.get('Interpolate') === true) findings.report('6.2.8-3', 'an image is interpolated', page);
    const bits = image.number('BitsPerComponent');
    const isMask = image.get('ImageMask') === true;
    const isJpeg2000 = image instanceof PdfStream && image.filters.includes('JPXDecode');
    const allowed = isMask ? [1, undefined] : [1, 2, 4, 8, 16];
    if (!isJpeg2000 && !allowed.includes(bits)) findings.report('6.2.8-4', `an image has ${bits} bits`, page);
    if (isMask && bits !== 1 && bits !== undefined)
      findings.report('A1 6.2.4-5', `an image mask has ${bits} bits`, page);
    if (!isMask && !isJpeg2000 && !OLD_BITS.has(bits ?? 0))
      findings.report('A1 6.2.4-4', `an image has ${bits} bits`, page);
    if (image.has('SMask')) findings.report('A1 6.4-2', 'an image has transparent parts (SMask)', page);
    checkIntent(image.name('Intent'), page, findings);
    if (isInline) this.#checkInline(image, page);
    if (isJpeg2000 && image.filters.length === 1) readJpeg2000(image, page, findings);
    const mask = image.stream('SMask');
    if (mask) this.check(mask, { page, isInline: false });
  }

  #checkInline(image: PdfDictionary, page: number | undefined): void {
    for (const filter of image.all('Filter'))
      if (!(filter instanceof PdfName && INLINE_FILTERS.has(filter.text)))
        this.#findings.report('6.1.10-1', `an image in the content has the filter ${filter instanceof PdfName ? filter.text : '?'}`, page); // prettier-ignore
  }
}

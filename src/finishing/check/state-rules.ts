import type { Findings } from './findings.ts';
import type { PdfDictionary, PdfStream } from './pdf-value.ts';
import { PdfName, type PdfValue } from './pdf-value.ts';

const INTENTS = ['RelativeColorimetric', 'AbsoluteColorimetric', 'Perceptual', 'Saturation'];
const BLEND_MODES = new Set(
  'Normal Compatible Multiply Screen Overlay Darken Lighten ColorDodge ColorBurn HardLight SoftLight Difference Exclusion Hue Saturation Color Luminosity'.split(
    ' ',
  ),
);
const PRIMARY = new Set(['Cyan', 'Magenta', 'Yellow', 'Black', 'Red', 'Green', 'Blue', 'Gray']);

export function checkIntent(intent: string | undefined, page: number | undefined, findings: Findings): void {
  if (intent !== undefined && !INTENTS.includes(intent))
    findings.report('6.2.6-1', `the rendering intent ${intent} is unknown; allowed: ${INTENTS.join(', ')}`, page);
}

/** The rules about graphics states and forms that content uses. */
export class StateRules {
  readonly #findings: Findings;
  readonly #seen = new Set<PdfDictionary>();
  /** pages that show something transparent */
  readonly transparent = new Set<number | undefined>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  checkIntent(intent: string, page: number | undefined): void {
    checkIntent(intent, page, this.#findings);
  }

  check(state: PdfDictionary, page: number | undefined): void {
    if (isTransparent(state)) this.transparent.add(page);
    if (this.#seen.has(state)) return;
    this.#seen.add(state);
    const findings = this.#findings;
    if (state.has('TR')) findings.report('6.2.5-1', 'a graphics state has TR', page);
    if (state.has('TR2') && state.name('TR2') !== 'Default')
      findings.report('6.2.5-2', 'a graphics state has TR2 that is not Default', page);
    if (state.has('HTP')) findings.report('6.2.5-3', 'a graphics state has HTP', page);
    if (state.has('RI')) checkIntent(state.name('RI') ?? '', page, findings);
    this.#checkOpacity(state, page);
    const halftone = state.dictionary('HT');
    if (halftone) this.#checkHalftone(halftone, page);
    for (const mode of state.all('BM'))
      if (!(mode instanceof PdfName && BLEND_MODES.has(mode.text)))
        findings.report('6.2.10-1', `the blend mode ${mode instanceof PdfName ? mode.text : '?'} is not of the standard`, page); // prettier-ignore
  }

  #checkOpacity(state: PdfDictionary, page: number | undefined): void {
    const findings = this.#findings;
    if (state.has('SMask') && state.name('SMask') !== 'None')
      findings.report('A1 6.4-1', 'a drawing is transparent in parts (SMask)', page);
    for (const mode of state.all('BM'))
      if (!isPlain(mode))
        findings.report('A1 6.4-4', `a drawing is blended (${mode instanceof PdfName ? mode.text : '?'})`, page);
    for (const [key, rule] of [['CA', 'A1 6.4-5'], ['ca', 'A1 6.4-6']] as const)
      if ((state.number(key) ?? 1) !== 1)
        findings.report(rule, `a drawing is transparent (${key} ${state.number(key)}): opacity, or a colour with alpha`, page); // prettier-ignore
  } // prettier-ignore

  /** A form, or a PostScript object. */
  checkForm(form: PdfStream, page: number | undefined): void {
    if (this.#seen.has(form)) return;
    this.#seen.add(form);
    const findings = this.#findings;
    if (form.name('Subtype') === 'PS') findings.report('6.2.9-3', 'there is a PostScript object', page);
    for (const key of ['OPI', 'PS']) if (form.has(key)) findings.report('6.2.9-1', `a form has ${key}`, page);
    if (form.name('Subtype2') === 'PS') findings.report('6.2.9-1', 'a form has PostScript', page);
    if (form.has('Ref')) {
      findings.report('6.2.9-2', 'a form refers to another file', page);
      findings.report('UA 7.20-1', 'a form refers to another file', page);
    }
    if (form.has('SMask')) findings.report('A1 6.4-2', 'a form has transparent parts (SMask)', page);
    if (isTransparencyGroup(form)) {
      findings.report('A1 6.4-3', 'a form is a transparency group', page);
      this.transparent.add(page);
    }
  }

  #checkHalftone(halftone: PdfDictionary, page: number | undefined): void {
    const findings = this.#findings;
    const type = halftone.number('HalftoneType');
    if (type !== 1 && type !== 5) findings.report('6.2.5-4', `a halftone is of type ${type}`, page);
    if (halftone.has('HalftoneName')) findings.report('6.2.5-5', 'a halftone has a name', page);
    for (const [colour, part] of halftone.dictionaries()) {
      const isOfPrimary = PRIMARY.has(colour) || colour === 'Default';
      if (part.has('TransferFunction') && isOfPrimary && colour !== 'Default')
        findings.report('6.2.5-6', `the halftone of ${colour} has a transfer function`, page);
      if (!part.has('TransferFunction') && !isOfPrimary && type === 5)
        findings.report('6.2.5-6', `the halftone of ${colour} has no transfer function`, page);
    }
    if (type === 1 && halftone.has('TransferFunction'))
      findings.report('6.2.5-6', 'a halftone has a transfer function', page);
  }
}

/** Of a page or a form. */
export const isTransparencyGroup = (place: PdfDictionary) => place.dictionary('Group')?.name('S') === 'Transparency';

const isPlain = (mode: PdfValue) => mode instanceof PdfName && (mode.text === 'Normal' || mode.text === 'Compatible');

function isTransparent(state: PdfDictionary): boolean {
  const isBlended = state.all('BM').some((mode) => mode instanceof PdfName && !isPlain(mode));
  const isFaint = (['CA', 'ca'] as const).some((key) => (state.number(key) ?? 1) < 1);
  return isBlended || isFaint || state.dictionary('SMask') !== undefined;
}

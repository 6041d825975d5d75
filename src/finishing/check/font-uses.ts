import type { PdfDictionary } from './pdf-value.ts';

/** Where text of a font was shown. */
export interface TextRun {
  bytes: Uint8Array;
  page: number | undefined;
  isVisible: boolean;
  /** what content says that the text is read as */
  actualText: string | undefined;
}

/** Strings that one font has shown; equal ones once. */
export interface FontUse {
  runs: TextRun[];
  isVisible: boolean;
}

/** Notes which fonts show what. */
export class FontUses {
  readonly fonts = new Map<PdfDictionary, FontUse>();
  readonly #glyphs = new Set<PdfDictionary>();

  use(font: PdfDictionary, run: TextRun): void {
    let use = this.fonts.get(font);
    if (!use) this.fonts.set(font, (use = { runs: [], isVisible: false }));
    use.isVisible ||= run.isVisible;
    use.runs.push(run);
  }

  /** Whether a glyph of Type 3 is asked about for the first time. */
  isNew(glyph: PdfDictionary): boolean {
    if (this.#glyphs.has(glyph)) return false;
    this.#glyphs.add(glyph);
    return true;
  }
}

/** An embedded font. Widths are thousandths of its size. */
export interface FontProgram {
  glyphs: number;
  /** undefined: it is not known */
  widthOf(glyph: number): number | undefined;
  /** of a TrueType font: its maps of characters */
  maps?: CharacterMap[];
  /** of a CFF font with names: the name of each glyph */
  names?: string[];
  /** of a CFF font with names: by code, in its own encoding */
  encoding?: Map<number, number>;
  /** of a CFF font with identifiers: the glyph of each */
  identifiers?: Map<number, number>;
}

export interface CharacterMap {
  platform: number;
  encoding: number;
  glyphs: Map<number, number>;
}

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

/**
 * The characters of a composite font that its program has.
 * @param places of a TrueType font: the glyph of each character, two bytes each; undefined: they have the same numbers
 */
export function identifiersIn({ identifiers, glyphs }: FontProgram, places: Uint8Array | undefined): number[] {
  if (identifiers) return [...identifiers.keys()];
  if (!places) return Array.from({ length: glyphs }, (_, glyph) => glyph);
  const glyphOf = (identifier: number) => (places[2 * identifier] ?? 0) * 256 + (places[2 * identifier + 1] ?? 0);
  const all = Array.from({ length: Math.floor(places.length / 2) }, (_, identifier) => identifier);
  return all.filter((identifier) => identifier === 0 || (glyphOf(identifier) > 0 && glyphOf(identifier) < glyphs));
}

/** Whether a font has only some of its glyphs, as its name says. */
export const isSubset = (name: string): boolean => /^[A-Z]{6}\+/.test(name);

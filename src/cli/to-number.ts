/** A whole number; NaN, which every verb refuses, for any other text. */
export function toNumber(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
}

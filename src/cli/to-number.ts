/** Parses a whole number. Any other text gives NaN, which the validation of the value refuses. */
export function toNumber(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
}

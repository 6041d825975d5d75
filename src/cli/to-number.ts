/** A whole number as it was typed; what is none becomes NaN, which no verb takes. */
export function toNumber(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
}

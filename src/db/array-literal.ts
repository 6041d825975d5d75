/** An array of texts or ids as Postgres reads it: without asking for its types, the driver cannot write one. */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

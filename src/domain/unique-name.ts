/**
 * A name that is not among those before it: `invoice.pdf`, and of another row `invoice (17).pdf`.
 * @param names in lower case; it is added to them
 */
export function uniqueName(name: string, row: number, names: Set<string>): string {
  const dot = name.lastIndexOf('.');
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  let unique = name;
  for (let times = 1; names.has(keyOf(unique)); times++)
    unique = `${stem} (${times === 1 ? row : `${row}-${times}`})${ending}`;
  names.add(keyOf(unique));
  return unique;
}

/** Some file systems take names for the same that differ in capitals, or in how an accent is written. */
const keyOf = (name: string) => name.normalize('NFC').toLowerCase();

/** Longest name that is compared, in characters: the time grows with its square, and callers choose names. */
const MAX_LENGTH = 60;

/**
 * The known name that was probably meant: it differs only in case and in how its words are joined, or by one or two
 * typing errors: a letter that is missing, wrong, too many, or before the one that it belongs after.
 * @param most characters that may be wrong
 */
export function nearest<T extends string>(
  name: string,
  known: readonly T[],
  most = name.length > 4 ? 2 : 1,
): T | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const text = letters(name);
  let best: T | undefined;
  let least = most + 1;
  for (const candidate of known) {
    const distance = editDistance(text, letters(candidate), most);
    if (distance < least) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** `print_background`, `print-background` and `PrintBackground` are one name. What is only of such signs stays. */
const letters = (name: string) => name.toLowerCase().replaceAll(/[_-]/g, '') || name;

/** Levenshtein's, in which two letters that are swapped count once. Exact up to `most`; beyond that any larger number. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : replaced;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced, swapped));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

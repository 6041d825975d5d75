/** Characters of a name that are shown. */
const MAX_NAME = 100;
const WHOLE = '(body)';

/** A place in a request, as `field` of an error: `cookies[2].name`, `files["a.css"]`, `(body)` for all of it. */
export function pathText(path: readonly PropertyKey[]): string {
  const steps = path.map((part) => (typeof part === 'number' ? `[${part}]` : step(String(part))));
  return steps.join('').replace(/^\./, '') || WHOLE;
}

/** The same for a field of what is at another place. @param field as {@link pathText} writes it, or empty: all of it */
export function fieldWithin(at: string, field: string): string {
  if (field === '' || field === WHOLE) return at;
  return field.startsWith('[') ? `${at}${field}` : `${at}.${field}`;
}

/** What is no word is in quotes. What no one could see, or would see elsewhere, is a question mark. */
function step(name: string): string {
  const shown = name.slice(0, MAX_NAME).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
  return /^[\p{L}_][\p{L}\p{N}_-]*$/u.test(shown) ? `.${shown}` : `[${JSON.stringify(shown)}]`;
}

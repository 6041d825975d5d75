/** What a caller calls fields of a request of ours, by their paths: `{ 'options.width': 'paperWidth' }`. */
export type FieldNames = Readonly<Record<string, string>>;

/** What the caller calls a field: by the longest path that is known. */
export function nameOfField(field: string, names: FieldNames): string {
  const isIn = (path: string) => field === path || /^[.[]/.test(field.slice(path.length));
  const paths = Object.keys(names).filter((path) => path !== '' && field.startsWith(path) && isIn(path));
  const longest = paths.toSorted((a, b) => b.length - a.length)[0];
  return longest === undefined ? field : (names[longest] ?? longest);
}

/** The message of a job that failed, as the caller understands it: it may begin with a field. */
export function messageWithNames(text: string, names: FieldNames): string {
  const [field = ''] = /^[a-z][\w.[\]]{0,500}(?=: )/i.exec(text) ?? [];
  return `${nameOfField(field, names)}${text.slice(field.length)}`;
}

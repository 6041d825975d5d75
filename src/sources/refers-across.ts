const ACROSS =
  /url\(\s{0,9}(?:"(?!https?:|data:)[^"#]{1,500}#|'(?!https?:|data:)[^'#]{1,500}#|(?!https?:|data:)[^"'()\s#]{1,500}#)/i;

/** Whether CSS refers to a part of another file, such as a filter in an SVG: for that it has to be of the same origin. */
export function refersAcross(css: string): boolean {
  return ACROSS.test(css);
}

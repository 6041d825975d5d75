import hljs from 'highlight.js/lib/common';

/** Larger code is printed plain: the time for some texts grows with the square of their length. */
const MAX_CODE = 20_000;
const LONG_LINE = /.{501}/;

/** The HTML of highlighted code, in spans of the classes `hljs-…`; empty for a language that is not known. */
export function highlight(code: string, language: string): string {
  if (code.length > MAX_CODE || LONG_LINE.test(code) || !hljs.getLanguage(language)) return '';
  try {
    return hljs.highlight(code, { language, ignoreIllegals: true }).value;
  } catch {
    return ''; // nested deeper than the stack
  }
}

export interface FrontMatter {
  title?: string;
  lang?: string;
}

const LINE = /^([\w-]+):(?:[ \t](.*))?$/;
/** What continues a value, or says nothing: a list, a deeper line, a comment, an empty line. */
const CONTINUED = /^(?:[ \t-]|#|$)/;

/**
 * Takes the YAML off the beginning of a text. Only `title` and `lang` are understood; the rest is dropped and never printed.
 * A text that begins with a ruled line instead keeps it.
 * @returns the text without it, and how many lines it had
 */
export function takeFrontMatter(text: string): { matter: FrontMatter; body: string; lines: number } {
  const matter: FrontMatter = {};
  const none = { matter, body: text, lines: 0 };
  if (!/^---[ \t]*\r?\n/.test(text)) return none;
  let lines = 1;
  for (let at = text.indexOf('\n') + 1; at < text.length;) {
    const newline = text.indexOf('\n', at);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(at, end).trimEnd();
    at = end + 1;
    lines += 1;
    if (line === '---' || line === '...') return { matter, body: text.slice(at), lines };
    const [, name, value = ''] = LINE.exec(line) ?? [];
    if (name === undefined && !CONTINUED.test(line)) return none;
    if (name === 'title' || name === 'lang') matter[name] = scalar(value.trim());
  }
  return none;
}

/** The text of a value on one line: without its quotes, or the comment behind it. */
function scalar(value: string): string {
  const quoted = /^(["'])(.*)\1[ \t]*(?:#.*)?$/.exec(value);
  if (quoted?.[1] === "'") return (quoted[2] ?? '').replaceAll("''", "'");
  if (quoted) return (quoted[2] ?? '').replaceAll(/\\(["\\])/g, '$1');
  const comment = value.indexOf(' #');
  return (comment === -1 ? value : value.slice(0, comment)).trim();
}

/** A piece of a Go template: text, or the inside of `{{ … }}`. */
export type TemplatePiece = { text: string } | { command: string };

const SPACE = new Set([' ', '\t', '\r', '\n']);
const QUOTES = new Set(['"', '`']);

/**
 * The pieces of a Go template, in their order. Comments are left out, and spaces where a command takes them with it.
 * @returns undefined if a command does not end
 */
export function templatePieces(template: string): TemplatePiece[] | undefined {
  const pieces: TemplatePiece[] = [];
  let takesSpace = false;
  for (let at = 0; ;) {
    const start = template.indexOf('{{', at);
    const text = template.slice(at, start === -1 ? undefined : start);
    const shown = takesSpace ? text.trimStart() : text;
    if (start === -1) return [...pieces, { text: shown }];
    const end = endOfCommand(template, start + 2);
    if (end === -1) return undefined;
    let inside = template.slice(start + 2, end);
    const trimsBefore = inside.startsWith('-') && SPACE.has(inside.charAt(1));
    takesSpace = inside.endsWith('-') && SPACE.has(inside.charAt(inside.length - 2));
    inside = inside.slice(trimsBefore ? 1 : 0, takesSpace ? -1 : undefined).trim();
    pieces.push({ text: trimsBefore ? shown.trimEnd() : shown });
    if (!inside.startsWith('/*')) pieces.push({ command: inside });
    at = end + 2;
  }
}

/** Where `}}` is, outside of texts and comments; -1: nowhere. */
function endOfCommand(template: string, from: number): number {
  let quote = '';
  for (let at = from; at < template.length; at++) {
    const character = template.charAt(at);
    if (quote !== '') {
      if (character === '\\' && quote === '"') at++;
      else if (character === quote) quote = '';
    } else if (QUOTES.has(character)) quote = character;
    else if (template.startsWith('/*', at)) {
      const end = template.indexOf('*/', at + 2);
      if (end === -1) return -1;
      at = end + 1;
    } else if (template.startsWith('}}', at)) return at;
  }
  return -1;
}

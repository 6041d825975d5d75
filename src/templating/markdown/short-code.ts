import type { MarkdownIt, StateCore } from 'markdown-it';

/** Lines of code that stay on one page. */
const MOST_LINES = 12;
/** Characters that fit on a line. */
const ROW = 88;

/** Gives code of a few lines the class `short`: it is not split over pages. */
export function shortCode(md: MarkdownIt): void {
  md.core.ruler.after('inline', 'short-code', (state: StateCore) => {
    for (const token of state.tokens)
      if ((token.type === 'fence' || token.type === 'code_block') && isShort(token.content))
        token.attrJoin('class', 'short');
  });
}

function isShort(code: string): boolean {
  if (code.length > MOST_LINES * ROW) return false;
  const lines = code.replace(/\n$/, '').split('\n');
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / ROW)), 0) <= MOST_LINES;
}

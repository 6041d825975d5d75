import type { MarkdownIt, StateCore, Token } from 'markdown-it';
import { plainText } from './plain-text.ts';

/** Characters of a word that is not broken, and of a cell that stays on one line where there is room. */
const MAX_WORD = 20;
const MAX_LINE = 24;
/** Characters that fit on a page beside each other, in the usual and in the small size, and what the space between columns counts. */
const ROW = 78;
const SMALL_ROW = 112;
const PER_COLUMN = 2.5;
/** Lines break here by themselves, and between any two letters of Chinese, Japanese and Korean. */
const BREAKS = /[\s\u00ad\u200b-]+|[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]+/;

/** The widest in each column, in characters. */
interface Widths {
  words: number[];
  lines: number[];
}

/**
 * Classes by which a style sheet sets tables. Cells: `prose` is longer than a few words, `long` has a word that must be broken.
 * Tables: `roomy` has room for all other cells on one line, `wide` needs the small size, `tight` does not fit in that either.
 */
export function tables(md: MarkdownIt): void {
  md.core.ruler.after('inline', 'tables', (state: StateCore) => {
    let table: Token | undefined;
    let widths: Widths = { words: [], lines: [] };
    let column = 0;
    for (const [index, token] of state.tokens.entries()) {
      if (token.type === 'table_open') [table, widths] = [token, { words: [], lines: [] }];
      else if (token.type === 'tr_open') column = 0;
      else if (token.type === 'th_open' || token.type === 'td_open')
        measure(token, plainText(state.tokens[index + 1]?.children ?? []), widths, column++);
      else if (token.type === 'table_close') {
        const size = sizeOf(widths);
        if (size) table?.attrJoin('class', size);
      }
    }
  });
}

function measure(cell: Token, text: string, { words, lines }: Widths, column: number): void {
  const lengths = text.split(BREAKS).map((word) => word.length);
  const longest = lengths.reduce((most, length) => Math.max(most, length <= MAX_WORD ? length : 0), 0);
  const isLine = text.length <= MAX_LINE;
  if (!isLine) cell.attrJoin('class', lengths.some((length) => length > MAX_WORD) ? 'prose long' : 'prose');
  words[column] = Math.max(words[column] ?? 0, longest);
  lines[column] = Math.max(lines[column] ?? 0, isLine ? text.length : longest);
}

function sizeOf({ words, lines }: Widths): 'roomy' | 'wide' | 'tight' | undefined {
  const total = (columns: number[]) => columns.reduce((sum, width) => sum + width + PER_COLUMN, 0);
  if (total(lines) <= ROW) return 'roomy';
  if (total(words) <= ROW) return undefined;
  return total(words) <= SMALL_ROW ? 'wide' : 'tight';
}

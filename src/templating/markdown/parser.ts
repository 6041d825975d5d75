import createMarkdownIt, { type MarkdownIt } from 'markdown-it';
import { alerts } from './alerts.ts';
import { footnotes } from './footnotes.ts';
import { headings } from './headings.ts';
import { highlight } from './highlight.ts';
import { links } from './links.ts';
import { MarkdownError } from './markdown-error.ts';
import { math } from './math.ts';
import { shortCode } from './short-code.ts';
import { tables } from './tables.ts';
import { taskLists } from './task-lists.ts';

/** Levels of blocks within each other: a quotation is one, a list with its item two. */
const MAX_LEVELS = 100;

export interface Found {
  /** the text of the first heading */
  title?: string;
  hasMath: boolean;
}

/** GitHub's dialect of markdown. For one text: `found` is what was met in it. */
export function createParser(allowHtml: boolean, firstLine: number, found: Found): MarkdownIt {
  const md = new createMarkdownIt({ html: allowHtml, linkify: true, highlight, maxNesting: 2 * MAX_LEVELS });
  // Below its own limit markdown-it leaves text out without a word.
  md.block.ruler.before('table', 'levels', (state, line) => {
    if (state.level <= MAX_LEVELS) return false;
    throw new MarkdownError(
      `line ${firstLine + line}: lists and quotations are nested too deep; allowed: ${MAX_LEVELS / 2} lists`,
    );
  });
  links(md);
  alerts(md);
  shortCode(md);
  tables(md);
  taskLists(md);
  headings(md, (title) => void (found.title ??= title));
  math(md, () => void (found.hasMath = true));
  footnotes(md);
  return md;
}

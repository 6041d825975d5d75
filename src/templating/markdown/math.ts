import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import katex from 'katex';
import type { MarkdownIt, StateBlock, StateInline } from 'markdown-it';
import { MarkdownError } from './markdown-error.ts';

/** Longer ones are printed as their source. */
const MAX_FORMULA = 5_000;
/** Each takes some thousand bytes of HTML and a tenth of a millisecond. */
const MAX_FORMULAS = 20_000;

/** LaTeX by KaTeX: `$…$`, `` $`…`$ ``, `$$…$$` and code of the language `math`. `onFormula` is called once for each. */
export function math(md: MarkdownIt, onFormula: () => void): void {
  let formulas = 0;
  const render = (source: string, display: boolean) => {
    onFormula();
    if (++formulas > MAX_FORMULAS) throw new MarkdownError(`more than ${MAX_FORMULAS} formulas`);
    return formula(source, display) ?? `<code class="math-source">${md.utils.escapeHtml(source)}</code>`;
  };

  md.inline.ruler.after('escape', 'math', inlineMath);
  md.block.ruler.after('fence', 'math_block', blockMath, { alt: ['paragraph', 'reference', 'blockquote', 'list'] });
  md.renderer.rules['math'] = (tokens, index) => render(tokens[index]?.content ?? '', false);
  md.renderer.rules['math_display'] = (tokens, index) => render(tokens[index]?.content ?? '', true);
  md.renderer.rules['math_block'] = (tokens, index) => `<p>${render(tokens[index]?.content ?? '', true)}</p>\n`;
  const fence = md.renderer.rules['fence'];
  md.renderer.rules['fence'] = (tokens, index, options, env, renderer) => {
    const token = tokens[index];
    if (token?.info.trim() === 'math') return `<p>${render(token.content, true)}</p>\n`;
    return fence?.(tokens, index, options, env, renderer) ?? '';
  };
}

/** The HTML of a formula; undefined if it is too large for us or for KaTeX. A mistake in it is shown in red. */
function formula(source: string, display: boolean): string | undefined {
  if (source.length > MAX_FORMULA) return undefined;
  try {
    return katex.renderToString(source, {
      displayMode: display,
      throwOnError: false,
      strict: 'ignore',
      trust: false,
      maxExpand: 500,
      maxSize: 50,
    });
  } catch {
    return undefined; // nested deeper than the stack
  }
}

/** Each kind of formula ends at the first mark that could end it, or is none: no text is searched twice. */
function inlineMath(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state;
  if (src.charCodeAt(pos) !== 0x24 || /[\w$]/.test(src[pos - 1] ?? ' ')) return false;
  const isDisplay = src.startsWith('$$', pos);
  const isQuoted = src.startsWith('$`', pos);
  const start = isDisplay || isQuoted ? pos + 2 : pos + 1;
  const end = isDisplay ? src.indexOf('$$', start) : isQuoted ? src.indexOf('`', start) : nextDollar(src, start);
  const after = isDisplay || isQuoted ? end + 2 : end + 1;
  if (end <= start || after > state.posMax) return false;
  if (isQuoted ? src[end + 1] !== '$' : !isDisplay && !endsWell(src, start, end)) return false;
  if (!silent) state.push(isDisplay ? 'math_display' : 'math', '', 0).content = src.slice(start, end);
  state.pos = after;
  return true;
}

/** As GitHub and pandoc read it: prices and shell variables are no formulas. */
function endsWell(src: string, start: number, end: number): boolean {
  return !/\s/.test(src[start] ?? ' ') && !/\s/.test(src[end - 1] ?? ' ') && !/[\w$]/.test(src[end + 1] ?? ' ');
}

/** The next `$` without a backslash before it; -1 if there is none. */
function nextDollar(src: string, from: number): number {
  let at = src.indexOf('$', from);
  while (at !== -1 && src[at - 1] === '\\') at = src.indexOf('$', at + 1);
  return at;
}

/** Lines up to which no display formula ends, for those that begin after the first of them. */
const searchedBlocks = new WeakMap<StateBlock, { from: number; to: number }>();

/** `$$` at the beginning of a line up to `$$` at the end of one, without an empty line between. */
function blockMath(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if ((state.sCount[startLine] ?? 0) - state.blkIndent >= 4) return false;
  const start = (state.bMarks[startLine] ?? 0) + (state.tShift[startLine] ?? 0);
  if (!state.src.startsWith('$$', start)) return false;
  const searched = searchedBlocks.get(state);
  if (searched && searched.from <= startLine && startLine < searched.to) return false;

  let line = startLine;
  for (; line < endLine; line++) {
    if (state.isEmpty(line) || ((state.sCount[line] ?? 0) < state.blkIndent && line > startLine)) break;
    const from = line === startLine ? start + 2 : (state.bMarks[line] ?? 0);
    const text = state.src.slice(from, state.eMarks[line]).trimEnd();
    const end = text.indexOf('$$');
    if (end === -1) continue;
    if (end !== text.length - 2) break; // text behind it: a formula within a paragraph
    if (line === startLine && !text.slice(0, end).trim()) break;
    if (silent) return true;
    const lines = state.getLines(startLine, line + 1, state.sCount[startLine] ?? 0, false).trim();
    state.push('math_block', '', 0).content = lines.slice(2, -2).trim();
    state.line = line + 1;
    return true;
  }
  searchedBlocks.set(state, { from: startLine, to: line });
  return false;
}

const asset = (name: string) => readFileSync(fileURLToPath(import.meta.resolve(`katex/dist/${name}`)));

/** KaTeX's own style sheet, with its fonts in it. It is read at once: later this process may have lost the right to. */
export const MATH_STYLE = asset('katex.min.css')
  .toString('utf8')
  .replaceAll(/url\(fonts\/([\w-]+\.woff2)\) format\("woff2"\)[^;}]*/g, (_, font: string) => {
    return `url(data:font/woff2;base64,${asset(`fonts/${font}`).toString('base64')}) format("woff2")`;
  });

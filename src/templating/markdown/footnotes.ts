import type { Env, MarkdownIt, StateBlock, StateCore, StateInline, Token } from 'markdown-it';

/** `:` is in no anchor of a heading, so none is the same as one of these. */
const noteId = (number: number) => `fn:${number}`;
const refId = (number: number, use: number) => (use === 1 ? `fnref:${number}` : `fnref:${number}:${use}`);

/** What this file's own rules have written on a token. */
const metaOf = (token: Token | undefined) =>
  token?.meta as unknown as { label: string; number: number; use: number; uses: number };

/** What is known of a note once it is used. */
interface Note {
  number: number;
  uses: number;
}

/** The labels that a document defines. All blocks are read before anything in them is, so every use finds its note. */
const defined = new WeakMap<Env, Set<string>>();

/** GitHub's footnotes: `[^label]` in the text, `[^label]: …` anywhere. They are printed at the end, in the order of their first use. */
export function footnotes(md: MarkdownIt): void {
  const normalize = md.utils.normalizeReference;

  /** The label of `[^label]` at `pos`, and where it ends. It has no spaces. */
  function labelAt(src: string, pos: number, max: number) {
    if (src.charCodeAt(pos) !== 0x5b || src.charCodeAt(pos + 1) !== 0x5e) return undefined;
    for (let at = pos + 2; at < Math.min(max, pos + MAX_LABEL); at++) {
      const code = src.charCodeAt(at);
      if (code === 0x5d) return at > pos + 2 ? { label: normalize(src.slice(pos + 2, at)), end: at + 1 } : undefined;
      if (code <= 0x20 || code === 0x5b) return undefined;
    }
    return undefined;
  }

  function definition(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
    const [mark, shift, count] = [state.bMarks[startLine], state.tShift[startLine], state.sCount[startLine]];
    const max = state.eMarks[startLine];
    if (mark === undefined || shift === undefined || count === undefined || max === undefined) return false;
    if (count - state.blkIndent >= 4) return false;
    const start = mark + shift;
    const found = labelAt(state.src, start, max);
    if (!found || state.src.charCodeAt(found.end) !== 0x3a) return false;
    if (silent) return true;

    const labels = defined.get(state.env) ?? new Set();
    defined.set(state.env, labels.add(found.label));
    const open = state.push('footnote_open', 'li', 1);
    open.meta = { label: found.label };

    // What follows the colon is read as if the line began there.
    const content = found.end + 1;
    const text = state.skipSpaces(content);
    state.bMarks[startLine] = content;
    state.tShift[startLine] = text - content;
    state.blkIndent += 4;
    state.sCount[startLine] = state.blkIndent;
    const parent = state.parentType;
    state.parentType = 'footnote';
    state.md.block.tokenize(state, startLine, endLine);
    state.parentType = parent;
    state.blkIndent -= 4;
    [state.bMarks[startLine], state.tShift[startLine], state.sCount[startLine]] = [mark, shift, count];

    state.push('footnote_close', 'li', -1);
    return true;
  }

  function reference(state: StateInline, silent: boolean): boolean {
    const found = labelAt(state.src, state.pos, state.posMax);
    if (!found || !defined.get(state.env)?.has(found.label)) return false;
    if (!silent) state.push('footnote_ref', '', 0).meta = { label: found.label };
    state.pos = found.end;
    return true;
  }

  md.block.ruler.before('reference', 'footnote', definition, { alt: ['paragraph', 'reference'] });
  md.inline.ruler.before('link', 'footnote_ref', reference);
  md.core.ruler.after('inline', 'footnotes', putAtEnd);
  md.renderer.rules['footnote_ref'] = (tokens, index) => {
    const { number, use } = metaOf(tokens[index]);
    return `<sup class="footnote-ref"><a href="#${noteId(number)}" id="${refId(number, use)}">${number}</a></sup>`;
  };
  md.renderer.rules['footnote_back'] = (tokens, index) => {
    const { number, uses } = metaOf(tokens[index]);
    const links = Array.from({ length: uses }, (_, at) => {
      const name = at === 0 ? '' : `<sup>${at + 1}</sup>`;
      return ` <a href="#${refId(number, at + 1)}" class="footnote-backref">\u21a9\ufe0e${name}</a>`;
    });
    return links.join('');
  };
  md.renderer.rules['footnotes_open'] = () => '<section class="footnotes" role="doc-endnotes">\n<ol>\n';
  md.renderer.rules['footnotes_close'] = () => '</ol>\n</section>\n';
}

/** Characters of `[^label`. */
const MAX_LABEL = 1_000;

/** Takes the notes out of the text, numbers those that are used, and puts them behind it. */
function putAtEnd(state: StateCore): void {
  if (!defined.has(state.env)) return;
  const { text, notes } = separate(state.tokens);
  const used = new Map<string, Note>();
  const number = (tokens: Token[]) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type !== 'footnote_ref') continue;
      const { label } = metaOf(token);
      const note = used.get(label) ?? { number: used.size + 1, uses: 0 };
      used.set(label, note);
      note.uses += 1;
      token.meta = { number: note.number, use: note.uses };
    }
  };
  number(text);
  for (const label of used.keys()) number(notes.get(label) ?? []); // a note that is first used in a note comes behind
  if (used.size === 0) return void (state.tokens = text);

  text.push(new state.Token('footnotes_open', '', 1));
  for (const [label, note] of used) {
    const open = new state.Token('footnote_open', 'li', 1);
    open.attrs = [['id', noteId(note.number)]];
    open.block = true;
    const close = new state.Token('footnote_close', 'li', -1);
    close.block = true;
    const back = new state.Token('footnote_back', '', 0);
    back.meta = { ...note };
    const content = notes.get(label) ?? [];
    const last = content.at(-1)?.type === 'paragraph_close' ? content.at(-2) : undefined;
    text.push(open);
    for (const token of content) text.push(token);
    if (last?.children) last.children.push(back);
    else text.push(back);
    text.push(close);
  }
  text.push(new state.Token('footnotes_close', '', -1));
  state.tokens = text;
}

/** The tokens outside of notes, and those of each note; of two with one label the first counts. */
function separate(tokens: Token[]): { text: Token[]; notes: Map<string, Token[]> } {
  const text: Token[] = [];
  const notes = new Map<string, Token[]>();
  const into: Token[][] = [text];
  for (const token of tokens) {
    if (token.type === 'footnote_open') {
      const content: Token[] = [];
      const { label } = metaOf(token);
      if (!notes.has(label)) notes.set(label, content);
      into.push(content);
    } else if (token.type === 'footnote_close') into.pop();
    else into.at(-1)?.push(token);
  }
  return { text, notes };
}

import type { MarkdownIt, StateCore, Token } from 'markdown-it';

const MARK = /^\[!(note|tip|important|warning|caution)\][ \t]*(?:\n|$)/i;

/** GitHub's alerts: a quotation that begins with `[!NOTE]`, `[!TIP]`, `[!IMPORTANT]`, `[!WARNING]` or `[!CAUTION]`. */
export function alerts(md: MarkdownIt): void {
  md.core.ruler.after('block', 'alerts', (state: StateCore) => {
    const tokens: Token[] = [];
    const isAlert: boolean[] = [];
    for (let index = 0; index < state.tokens.length; index++) {
      const token = state.tokens[index] as Token;
      tokens.push(token);
      if (token.type === 'blockquote_close' && isAlert.pop()) token.tag = 'div';
      if (token.type !== 'blockquote_open') continue;
      const [paragraph, inline, , next] = state.tokens.slice(index + 1, index + 5);
      const mark = paragraph?.type === 'paragraph_open' ? MARK.exec(inline?.content ?? '') : null;
      const isAlone = mark?.[0] === inline?.content;
      const isOne = mark !== null && !(isAlone && next?.type === 'blockquote_close');
      isAlert.push(isOne);
      if (!isOne || !inline) continue;
      inline.content = inline.content.slice(mark[0].length);
      tokens.push(...begin(state, token, (mark[1] ?? '').toLowerCase()));
      if (isAlone) index += 3; // nothing else is in its paragraph
    }
    state.tokens = tokens;
  });
}

/** Makes an alert of a quotation. @returns the paragraph with its title */
function begin(state: StateCore, quotation: Token, kind: string): Token[] {
  quotation.tag = 'div';
  quotation.attrs = [['class', `markdown-alert markdown-alert-${kind}`]];
  const title = new state.Token('paragraph_open', 'p', 1);
  title.attrs = [['class', 'markdown-alert-title']];
  const inline = new state.Token('inline', '', 0);
  inline.content = kind.charAt(0).toUpperCase() + kind.slice(1);
  inline.children = [];
  return [title, inline, new state.Token('paragraph_close', 'p', -1)];
}

import GithubSlugger from 'github-slugger';
import type { MarkdownIt, StateCore } from 'markdown-it';
import { plainText } from './plain-text.ts';

/** Characters of a heading that go into its anchor. */
const MAX_SLUG = 300;

/** Gives each heading the anchor it has on GitHub: no two are the same. `onTitle` gets the text of the first one. */
export function headings(md: MarkdownIt, onTitle: (title: string) => void): void {
  md.core.ruler.after('inline', 'headings', (state: StateCore) => {
    const slugger = new GithubSlugger();
    let isFirst = true;
    for (const [index, token] of state.tokens.entries()) {
      if (token.type !== 'heading_open') continue;
      const text = plainText(state.tokens[index + 1]?.children ?? []).trim();
      token.attrSet('id', slugger.slug(text.slice(0, MAX_SLUG)));
      if (isFirst && text) onTitle(text.replaceAll(/\s+/g, ' '));
      isFirst &&= !text;
    }
  });
}

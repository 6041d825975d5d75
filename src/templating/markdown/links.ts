import type { MarkdownIt, StateCore, Token } from 'markdown-it';
import { MarkdownError } from './markdown-error.ts';

/** Bytes that all addresses together may have in addition to those of the text. */
const MAX_REPEATED = 1_000_000;

/** GitHub's links in plain text: `https://…`, `www.…` and e-mail addresses. `README.md` is not one, though there is such a domain. */
export function links(md: MarkdownIt): void {
  md.linkify.set({ fuzzyLink: false, fuzzyIP: false, fuzzyEmail: true });
  md.linkify.add('//', null);
  md.linkify.add('ftp:', null);
  md.linkify.add('www.', {
    validate: (text, pos, self) => {
      const length = self.testSchemaAt(`http://www.${text.slice(pos, pos + MAX_LINK)}`, 'http:', 'http:'.length);
      return Math.max(0, length - '//www.'.length);
    },
    normalize: (match) => void (match.url = `http://${match.url}`),
  });
  md.core.ruler.push('links', refuseRepeated);
}

/** Characters of a link in plain text. */
const MAX_LINK = 2_000;

/** An address is written once and may be used a million times. */
function refuseRepeated(state: StateCore): void {
  let size = 0;
  const count = (tokens: Token[]) => {
    for (const token of tokens) {
      if (token.type === 'link_open' || token.type === 'image')
        for (const [, value] of token.attrs ?? []) size += String(value).length;
      if (token.children) count(token.children);
    }
  };
  count(state.tokens);
  if (size > MAX_REPEATED + 10 * state.src.length)
    throw new MarkdownError('the addresses of its links are too long for so many links');
}

import type { Token } from 'markdown-it';

/** What a reader sees of inline tokens. */
export function plainText(tokens: Token[]): string {
  let text = '';
  for (const token of tokens) {
    if (token.type === 'softbreak' || token.type === 'hardbreak') text += ' ';
    else if (token.type === 'image') text += plainText(token.children ?? []);
    else if (token.type !== 'html_inline') text += token.content;
  }
  return text;
}

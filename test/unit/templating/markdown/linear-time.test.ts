import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../../src/templating/markdown/render-markdown.ts';
import { growsFaster } from '../../../support/linear.ts';

/** What a text can be full of, to be expensive. */
const FILLINGS = [
  '[', ']', '[a](', '[a](<', '[a](b "', '![', '[][', '[^', '[^a]', '[^a]: x\n', '[^a] [^b]: ', '^[', '*', '*a **', '_a ', '**a', '*a_', '~~', '~~a', '`', '`a', '``a', '<', '<a ', '<!--', '<a:', '<a@b', '&', '&amp', '&#1',
  '\\', '"', ' ', '\t', '\n', '\r', '\0', 'a\n', 'a  \n', '# a\n\n', '# a-1\n\n# a\n\n', 'a\n=\n', '---\n', '- a\n', '- [x] a\n', '1. a\n', '> a\n', '> [!NOTE]\n> a\n\n', '```\n', '```js\na\n```\n', '~~~ a\n', '    a\n\n', '|a', '|a|\n|-|\n', '|a|\n|-|\n|b|\n\n', '[a]: b\n', '[a]:\n',
  '$', '$a ', '$a', '$$ ', '$$ a\n', '$`a ', '> $$ a\n', '- $$ a\n', '\\$', '$\\$', 'www.', 'www.a/', 'www.a.b ', 'http://', 'http://a ', 'a@', 'a@b.c ', 'a.', 'mailto:', '(', 'title: x\n', 'x ',
]; // prettier-ignore

/** Where it is full of that. */
const BEFORE: [string, string, string[]][] = [
  ['a text', '', FILLINGS],
  ['a table', '|a|\n|-|\n|', FILLINGS.filter((filling) => !filling.includes('\n'))],
  ['a note', '[^a]\n\n[^a]: ', FILLINGS.filter((filling) => filling.includes('\n'))],
  ['a title in front matter', '---\ntitle: ', [' ', '#', ' #', '"', '" ', "'", "''", '\\', 'a: b\n']],
  ['a link', 'http://a.b/', ['(', '[', '&amp;', '.', '*', '%', '%e4', '/', '?', 'http://a.b/']],
];

describe.each(BEFORE)('%s', (_, before, fillings) => {
  it('is read in time that grows with it, whatever it is full of', () => {
    const slow = fillings.flatMap((filling) => {
      const found = growsFaster(1_500, (length) => {
        const text = before + filling.repeat(Math.ceil(length / filling.length));
        return () => renderMarkdown(text, { allowHtml: false, locale: 'en', styleSheet: '' });
      });
      return found === undefined ? [] : [`full of ${JSON.stringify(filling)}: ${found}`];
    });
    expect(slow).toEqual([]);
  });
});

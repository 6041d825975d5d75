import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/planning/seeded-random.ts';
import { renderMarkdown } from '../../../../src/templating/markdown/render-markdown.ts';
import { readHtml } from '../../../support/html-grammar.ts';

const render = (text: string) => renderMarkdown(text, { allowHtml: false, locale: 'en', styleSheet: '' });

/** What ours and KaTeX's HTML consists of. */
const TAGS = new Set(
  ('html head meta title style body h1 h2 h3 h4 h5 h6 p a strong em s code pre br hr ul ol li input blockquote div img table thead tbody tr th td ' +
    'sup section span svg path line math semantics annotation mrow mi mn mo mtext mspace msub msup msubsup mfrac msqrt mroot mtable mtr mtd mstyle mover munder munderover menclose mpadded mphantom mglyph').split(' '),
); // prettier-ignore
const ATTRIBUTES = new Set(
  ('lang dir charset class id href src alt title style type disabled checked start role ' +
    'aria-hidden xmlns display encoding d viewBox width height preserveAspectRatio mathvariant fence stretchy accent accentunder separator lspace rspace ' +
    'scriptlevel displaystyle columnalign rowspacing columnspacing columnlines rowlines minsize maxsize linethickness voffset notation mathcolor mathbackground x1 x2 y1 y2 stroke-width symmetric linebreak side movablelimits depth').split(' '),
); // prettier-ignore
const SAFE_ADDRESS = /^(?!\s*(?:javascript|vbscript|file|data(?!:image\/(?:gif|png|jpeg|webp);)):)/i;
const SAFE_STYLE = /^[\w\s.:;,%#()+-]*$/;

/** What is wrong with HTML that was made of a text nobody trusts. */
function dangers(html: string): string[] {
  const { tags, attributes } = readHtml(html);
  return [
    ...[...tags].filter((tag) => !TAGS.has(tag)).map((tag) => `<${tag}>`),
    ...attributes
      .filter(([name, value]) => {
        if (name === 'href' || name === 'src') return !SAFE_ADDRESS.test(value.replaceAll(/[\0-\x20]/g, ''));
        if (name === 'style') return !SAFE_STYLE.test(value) || /url|expression/i.test(value);
        return !ATTRIBUTES.has(name);
      })
      .map(([name, value]) => `${name}="${value.slice(0, 100)}"`),
  ];
}

describe('a text that nobody trusts', () => {
  const PIECES = [
    '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<svg/onload=x>', '<a href="javascript:x">', '</title>', '</style>', '</body>', '<!--', '-->', '<![CDATA[', ']]>', '<?x', '<!x',
    'javascript:alert(1)', 'JaVaScRiPt&colon;x', 'java\tscript:x', '&#106;avascript:x', '&#x6a;avascript:x', 'vbscript:x', 'data:text/html,<b>', 'data:image/svg+xml,<svg>', 'data:image/png;base64,x', 'file:///x', '%6aavascript:x', '\\javascript:x', ' javascript:x', '\u0001javascript:x', 'http://a.b/', 'www.a.b', 'a@b.c', '//a.b',
    '[a](', '[a](<', '![a](', '[a]: ', '[a]', '[a][', '<', '>', '](', ')', '"', "'", '" onclick="x', "' onclick='x", '`', '```', '```js ', '```math', '~~~', '"><b>', '&', '&lt;', '&quot;', '&#0;', '&#34;', '\\', '\\"', '\0',
    '$', '$$', '$`', '`$', '\\href{javascript:x}{y}', '\\url{javascript:x}', '\\htmlClass{x" onclick="y}{z}', '\\htmlData{a=b}{c}', '\\includegraphics{x}', '\\class{x}{y}', '\\def\\a{\\a\\a}\\a', '\\color{red;x}{<b>}', '\\text{<script>}', '\\char"3c', '\\unicode{x3c}', '\\rule{9em}{9em}', '{', '}', '^', '_', '\\frac', '\\left(', '\\begin{matrix}', '\\verb|<b>|',
    '[^a]', '[^a]: ', '[^"><b>]', '[^"><b>]: ', '> [!NOTE]\n> ', '> ', '- ', '- [ ] ', '1. ', '999999999. ', '# ', '## "><b> ', '=\n', '---\n', '|', '|a|b|\n|-|-|\n|', '\n', '\n\n', '\r', '    ', '\t', '  \n', '*', '**', '_', '~~', ' ', 'x', '\u00a0', '\u2028', '\ud800', '\ufeff', 'İ', 'ﬁ',
    'title: "</title><b>"\n', 'lang: "><b>\n',
  ]; // prettier-ignore

  it('has no script, event or address that runs one, of whatever it is made', () => {
    const random = seededRandom(18);
    const pick = () => PIECES[Math.floor(random() * PIECES.length)] ?? '';
    const found = new Set<string>();
    for (let round = 0; round < 1_000; round++) {
      const start = random() < 0.1 ? '---\n' : '';
      const text = start + Array.from({ length: 1 + Math.floor(random() * 30) }, pick).join('');
      for (const danger of dangers(render(text))) found.add(`${danger} of ${JSON.stringify(text)}`);
    }
    expect([...found].slice(0, 5)).toEqual([]);
  });

  it('would be found out', () => {
    const html = (text: string) => renderMarkdown(text, { allowHtml: true, locale: 'en', styleSheet: '' });
    expect(dangers(html('<script></script>'))).toEqual(['<script>']);
    expect(dangers(html('<b onclick="x">'))).toEqual(['<b>', 'onclick="x"']);
    expect(dangers(html('<a href="java\tscript:x">'))).toEqual(['href="java\tscript:x"']);
    expect(() => dangers(html('<b onclick=x>'))).toThrow('not HTML');
  });

  it('is printed as it is, line by line, in every script that there is', () => {
    const random = seededRandom(100_000);
    const LINES = 100_000;
    const AT_ONCE = 1_000;
    // Letters, symbols, spaces and marks of all planes, and what HTML is made of; not what markdown is made of.
    const special = /[\p{Cc}\p{Cs}\p{Cn}\s!"#$'()*+.:;@[\\\]^_`{|}~=<&-]/u;
    const character = () => {
      if (random() < 0.1) return '<>&"\''.charAt(Math.floor(random() * 5));
      const size = random() < 0.7 ? 0x3000 : 0x20000;
      const letter = String.fromCodePoint(0x20 + Math.floor(random() * size));
      return special.test(letter) ? '<&' : letter;
    };
    for (let first = 0; first < LINES; first += AT_ONCE) {
      const lines = Array.from({ length: AT_ONCE }, (_, at) => {
        const inner = Array.from({ length: Math.floor(random() * 40) }, character).join('');
        return `n${first + at}x${inner}x${first + at}n`;
      });
      const html = render(lines.join('\n\n'));
      expect(dangers(html)).toEqual([]);
      expect(readHtml(html).text.trim().split('\n')).toEqual(lines);
    }
  });
});

describe('a text that is made to be expensive', () => {
  it.each<[string, string, string]>([
    ['quotations', '> '.repeat(5_000), 'line 1: lists and quotations are nested too deep; allowed: 50 lists'],
    ['lists', `${'- '.repeat(5_000)}x`, 'line 1:'],
    ['notes', 'a\n\n' + '[^a]: '.repeat(5_000) + 'x', 'line 3:'],
    ['lists behind front matter', `---\ntitle: x\n---\n\n${'- '.repeat(5_000)}x`, 'line 5:'],
    ['lists, line by line', Array.from({ length: 200 }, (_, at) => `${' '.repeat(2 * at)}- a`).join('\n'), 'line 51:'],
    ['addresses', `[a]: ${'b'.repeat(100_000)}\n\n${'[a]'.repeat(100_000)}`, 'the addresses'],
    ['titles of images', `[a]: b "${'c'.repeat(100_000)}"\n\n${'![a]'.repeat(100_000)}`, 'the addresses'],
    ['formulas', '$x$ '.repeat(20_001), 'more than 20000 formulas'],
  ])('is refused for its %s', (_, text, message) => {
    const refusal = () => {
      try {
        return render(text);
      } catch (error) {
        return error;
      }
    };
    expect(refusal()).toMatchObject({ name: 'MarkdownError', message: expect.stringContaining(message) });
  }); // prettier-ignore

  it('is read where it is deep, but not too deep', () => {
    expect(render(`${'- '.repeat(50)}deep`)).toContain('deep');
    expect(render(`${'> '.repeat(100)}deep`)).toContain('deep');
    expect(render(`${'['.repeat(20_000)}deep`)).toContain('deep');
    expect(render(`${'*a **b '.repeat(10_000)}deep`)).toContain('deep');
    expect(render(`${'!['.repeat(5_000)}deep${'](a)'.repeat(5_000)}`)).toContain('deep');
  });
});

import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../../src/templating/markdown/render-markdown.ts';

const whole = (text: string, settings: Partial<Parameters<typeof renderMarkdown>[1]> = {}) =>
  renderMarkdown(text, { allowHtml: false, locale: 'en', styleSheet: '/* mine */', ...settings });
const body = (text: string, settings = {}) =>
  (/<body>\n([\s\S]*)<\/body>/.exec(whole(text, settings))?.[1] ?? 'no body').trim();

describe('GitHub-flavoured markdown', () => {
  it.each<[string, string, string]>([
    ['strikethrough', '~~a~~', '<p><s>a</s></p>'],
    ['a table', '| a | b |\n|:-:|--:|\n| 1 | `x\\|y` |', '<table class="roomy">\n<thead>\n<tr>\n<th style="text-align:center">a</th>\n<th style="text-align:right">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td style="text-align:center">1</td>\n<td style="text-align:right"><code>x|y</code></td>\n</tr>\n</tbody>\n</table>'],
    ['links in plain text', 'https://a.org/x_(y). www.b.org/z, me@c.org', '<p><a href="https://a.org/x_(y)">https://a.org/x_(y)</a>. <a href="http://www.b.org/z">www.b.org/z</a>, <a href="mailto:me@c.org">me@c.org</a></p>'],
    ['names that are no links', 'README.md, //a.org, a.io', '<p>README.md, //a.org, a.io</p>'],
    ['a task list', '- [x] a\n- [ ] **b**\n- [x]c', '<ul>\n<li class="task-list-item"><input type="checkbox" disabled="" checked=""> a</li>\n<li class="task-list-item"><input type="checkbox" disabled=""> <strong>b</strong></li>\n<li>[x]c</li>\n</ul>'],
    ['a task list with paragraphs', '- [x] a\n\n  b', '<ul>\n<li class="task-list-item">\n<p><input type="checkbox" disabled="" checked=""> a</p>\n<p>b</p>\n</li>\n</ul>'],
    ['headings', '# A b\n\n## A *b*\n\n### `c`! Ü', '<h1 id="a-b">A b</h1>\n<h2 id="a-b-1">A <em>b</em></h2>\n<h3 id="c-ü"><code>c</code>! Ü</h3>'],
    ['an alert', '> [!NOTE]\n> a\n>\n> b', '<div class="markdown-alert markdown-alert-note">\n<p class="markdown-alert-title">Note</p><p>a</p>\n<p>b</p>\n</div>'],
    ['an alert whose mark is alone', '> [!warning]\n>\n> > a', '<div class="markdown-alert markdown-alert-warning">\n<p class="markdown-alert-title">Warning</p><blockquote>\n<p>a</p>\n</blockquote>\n</div>'],
    ['no alert', '> [!NOTE] a\n\n> [!OTHER]\n> b\n\n> [!TIP]', '<blockquote>\n<p>[!NOTE] a</p>\n</blockquote>\n<blockquote>\n<p>[!OTHER]\nb</p>\n</blockquote>\n<blockquote>\n<p>[!TIP]</p>\n</blockquote>'],
    ['highlighted code', '```js\nconst a = 1;\n```', '<pre><code class="short language-js"><span class="hljs-keyword">const</span> a = <span class="hljs-number">1</span>;\n</code></pre>'],
    ['code of a language that nobody knows', '```x"y\n<b>\n```', '<pre><code class="short language-x&quot;y">&lt;b&gt;\n</code></pre>'],
    ['code with too long a line', `\`\`\`js\nconst ${'a'.repeat(500)}\n\`\`\``, `<pre><code class="short language-js">const ${'a'.repeat(500)}\n</code></pre>`],
    ['HTML', '<b onclick="x">a</b> &amp; <!-- c -->\n\n<div>\n\nx', '<p>&lt;b onclick=&quot;x&quot;&gt;a&lt;/b&gt; &amp; &lt;!-- c --&gt;</p>\n<p>&lt;div&gt;</p>\n<p>x</p>'],
  ])('has %s', (_, text, html) => {
    expect(body(text)).toBe(html);
  }); // prettier-ignore

  it('keeps short code on one page', () => {
    const isShort = (lines: number, line = 'a') =>
      body(`\`\`\`\n${`${line}\n`.repeat(lines)}\`\`\``).includes('"short"');
    expect([isShort(1), isShort(12), isShort(13), isShort(6, 'a'.repeat(100)), isShort(7, 'a'.repeat(100))]).toEqual([
      true,
      true,
      false,
      true,
      false,
    ]);
  });

  it('has HTML if that is allowed', () => {
    expect(body('<b onclick="x">a</b>\n\n<div>\n\nx', { allowHtml: true })).toBe(
      '<p><b onclick="x">a</b></p>\n<div>\n<p>x</p>',
    );
  });
});

describe('footnotes', () => {
  const notes = (text: string) => body(text).split('<section class="footnotes" role="doc-endnotes">\n')[1] ?? '';
  const back = (id: string, number = '') => ` <a href="#fnref:${id}" class="footnote-backref">↩︎${number}</a>`;

  it('are at the end in the order of their use, and lead back', () => {
    expect(body('x[^b] y[^A]\n\n[^a]: one\n\n[^b]:\n    two\n\n    ```\n    code\n    ```\n\nafter')).toBe(
      `<p>x<sup class="footnote-ref"><a href="#fn:1" id="fnref:1">1</a></sup> y<sup class="footnote-ref"><a href="#fn:2" id="fnref:2">2</a></sup></p>\n<p>after</p>\n` +
        `<section class="footnotes" role="doc-endnotes">\n<ol>\n<li id="fn:1">\n<p>two</p>\n<pre><code class="short">code\n</code></pre>\n${back('1')}</li>\n<li id="fn:2">\n<p>one${back('2')}</p>\n</li>\n</ol>\n</section>`,
    );
  });

  it('are used more than once, and in each other', () => {
    expect(notes('[^b] [^b]\n\n[^a]: x\n[^b]: y[^c]\n[^c]: z[^b]\n[^c]: again')).toBe(
      `<ol>\n<li id="fn:1">\n<p>y<sup class="footnote-ref"><a href="#fn:2" id="fnref:2">2</a></sup>${back('1')}${back('1:2', '<sup>2</sup>')}${back('1:3', '<sup>3</sup>')}</p>\n</li>\n` +
        `<li id="fn:2">\n<p>z<sup class="footnote-ref"><a href="#fn:1" id="fnref:1:3">1</a></sup>${back('2')}</p>\n</li>\n</ol>\n</section>`,
    );
  });

  it('that nobody uses are not printed, and uses without a note stay as they are', () => {
    expect(body('a[^x]\n\n> [^y]: note [^z]\n\n[^z]: other')).toBe('<p>a[^x]</p>\n<blockquote></blockquote>');
    expect(body('[^constructor] [^__proto__]')).toBe('<p>[^constructor] [^<strong>proto</strong>]</p>');
  });
});

describe('math', () => {
  const isMath = (text: string) => body(text).includes('class="katex"');

  it.each(['$x$', 'a $x^2$, b', '设$x$为', '$`x_1`$', 'a $$x$$ b', '$$\nx\n- y\n$$', 'a\n$$x\n= y$$', '> $$ x $$', '- a\n  $$\n  x\n  $$', '$a\\$b$', '```math\nx\n```'])('is %j', (text) => {
    expect(isMath(text)).toBe(true);
    expect(body(text)).not.toContain('katex-error');
    expect(whole(text)).toContain('font-family:KaTeX_Main');
  }); // prettier-ignore

  it.each(['US$5 and US$6', '$5 and $6', '$5-$6', '$HOME/$USER', '\\$x$', '`$x$`', '$ x $', '$x', '$$x', '$$\n\nx$$', '    $x$', '$$', '$$$$', '$`x$'])('is not %j', (text) => {
    expect(isMath(text)).toBe(false);
    expect(whole(text)).not.toContain('KaTeX');
  }); // prettier-ignore

  it('with a mistake is shown as it was written, and so is what is too large', () => {
    expect(body('$\\frac{<b>$')).toContain('>\\frac{&lt;b&gt;</span>');
    expect(body(`$${'x<'.repeat(3_000)}$`)).toBe(`<p><code class="math-source">${'x&lt;'.repeat(3_000)}</code></p>`);
    expect(body(`$${'\\sqrt{'.repeat(800)}x${'}'.repeat(800)}$`)).not.toBe('');
  });

  it('reaches nothing outside', () => {
    const html = body('$\\href{javascript:x}{a} \\includegraphics{http://x/y} \\htmlStyle{a:b}{c} \\url{http://x}$');
    expect(html).not.toMatch(/href=|<img|src=|"a:b"/);
  });

  it('has its fonts with it', () => {
    expect(whole('$x$').match(/url\(data:font\/woff2;base64,[\w+/=]{1000,}\)/g)?.length).toBeGreaterThan(15);
    expect(whole('$x$')).not.toMatch(/url\((?!data:)/);
  });
});

describe('tables', () => {
  const classes = (text: string) => [...body(text).matchAll(/<(table|th|td)\b(?: class="([^"]*)")?/g)].map(([, tag, name]) => `${tag} ${name ?? ''}`.trim()); // prettier-ignore
  const row = (cells: string[]) => `|${cells.join('|')}|\n`;
  const table = (...rows: string[][]) => row(rows[0] ?? []) + row((rows[0] ?? []).map(() => '-')) + rows.slice(1).map(row).join(''); // prettier-ignore
  const columns = (count: number, word: string) => table(Array.from({ length: count }, () => word));

  it('say how wide they are', () => {
    expect(classes(columns(3, 'a word'))[0]).toBe('table roomy');
    expect(classes(columns(8, 'three short words'))[0]).toBe('table');
    expect(classes(columns(8, 'incomprehensible'))[0]).toBe('table tight');
    expect(classes(columns(8, 'intelligent'))[0]).toBe('table wide');
    expect(classes(columns(8, '日本語の文章です'))[0]).toBe('table');
  });

  it('say which of their cells are prose, and which must be broken', () => {
    const cells = ['x', 'some words that are more than a few', `see ${'x'.repeat(30)}`];
    expect(classes(table(cells))).toEqual(['table roomy', 'th', 'th prose', 'th prose long']);
    expect(classes(table([`[x](http://${'x'.repeat(30)})`]))).toEqual(['table roomy', 'th']);
  });
});

describe('the document', () => {
  const titleOf = (html: string) => /<title>(.*)<\/title>/s.exec(html)?.[1];

  it('is whole', () => {
    expect(whole('# A\n\nb')).toBe(
      '<!doctype html>\n<html lang="en" dir="ltr">\n<head>\n<meta charset="utf-8">\n<title>A</title>\n<style>\n/* mine */\n</style>\n</head>\n<body>\n<h1 id="a">A</h1>\n<p>b</p>\n</body>\n</html>\n',
    );
    expect(whole('')).toContain('<body>\n</body>');
  });

  it('has the first heading that says something as its title', () => {
    expect(titleOf(whole('x\n\n#\n\n## A **b** `<c>` $x$ ![d](e)\n\n# Z'))).toBe('A b &lt;c&gt; x d');
    expect(titleOf(whole('no heading'))).toBeUndefined();
  });

  it('has our style sheet or another one instead', () => {
    expect(whole('a', { styleSheet: undefined })).toContain('counter(page) " / " counter(pages)');
    expect(whole('a')).not.toContain('@page');
    expect(whole('a', { styleSheet: 'x{}</style><script>y</script>' })).toContain('<style>\nx{}<\\/style><script>');
  });

  it('is in the language and the direction of its locale', () => {
    expect(whole('a', { locale: 'de-AT' })).toContain('<html lang="de-AT" dir="ltr">');
    expect(whole('a', { locale: 'ar' })).toContain('<html lang="ar" dir="rtl">');
    expect(whole('a', { locale: 'uz-Arab' })).toContain('dir="rtl"');
  });

  it.each<[string, string, string, string]>([
    ['title and language', '---\ntitle: A b # comment\nlang: de\ntags:\n  - x\nother: [1, 2]\n---\n# C', 'A b', 'de'],
    ['quotes', '---\r\ntitle: "A \\"b\\" # c" # d\r\n---\r\n# C', 'A &quot;b&quot; # c', 'en'],
    ['other quotes', "\ufeff---\ntitle: 'it''s'\n...\n# C", "it's", 'en'],
    ['a language that nobody speaks', '---\nlang: "><script>"\n---\n# C', 'C', 'en'],
    ['nothing', '---\n---\n# C', 'C', 'en'],
  ])('has front matter with %s, which is not printed', (_, text, title, lang) => {
    const html = whole(text);
    expect([titleOf(html), /lang="(.*?)"/.exec(html)?.[1]]).toEqual([title, lang]);
    expect(body(text)).toBe('<h1 id="c">C</h1>');
  });

  it.each(['---\nA sentence.\n\n---\n', '---\ntitle: x\n', 'a\n\n---\ntitle: x\n---\n'])(
    'begins with what is no front matter: %j',
    (text) => {
      expect(body(text)).toContain('<hr>');
    },
  );
});

/**
 * @module-tag long
 * @module-tag user
 */

import { execFile as execFileWithCallback } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/files.ts';
import { readPdf } from '../support/pdf.ts';
import { pdfprompt } from '../support/cli.ts';

const execFile = promisify(execFileWithCallback);
const cwd = await temporaryDirectory('render');
for (const name of ['one', 'two', 'three']) await writeFile(join(cwd, `${name}.html`), `<h1>${name}</h1>`);

/** With an address of a database that is not there: nothing may want it. */
const render = (arguments_: string[], input?: string) =>
  pdfprompt(['render', ...arguments_], {
    cwd,
    env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
    ...(input !== undefined && { input }),
  }).exited;
const textOf = async (name: string) => (await readPdf(await readFile(join(cwd, name)))).text;

describe('pdfprompt render', () => {
  it('prints a file to where -o says', async () => {
    expect(await render(['one.html', '-o', 'out.pdf'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await textOf('out.pdf')).toEqual(['one']);
  });

  it('prints a file beside it when nothing is said', async () => {
    expect(await render(['two.html'])).toMatchObject({ code: 0 });
    expect(await textOf('two.pdf')).toEqual(['two']);
  });

  it('prints stdin to stdout', async () => {
    const { code, bytes } = await render(['-'], '<h1>from stdin</h1>');
    expect(code).toBe(0);
    expect((await readPdf(bytes)).text).toEqual(['from stdin']);
  });

  it('prints many into a directory', async () => {
    expect(await render(['one.html', 'two.html', 'three.html', '--out-dir', 'pdfs'])).toMatchObject({ code: 0 });
    expect((await readdir(join(cwd, 'pdfs'))).toSorted()).toEqual(['one.pdf', 'three.pdf', 'two.pdf']);
    expect(await textOf('pdfs/three.pdf')).toEqual(['three']);
  });

  it('says which fonts are not here', async () => {
    const style = '<style>p{font-family:"Brand Sans",sans-serif} h1{font-family:Inter}</style>';
    await writeFile(join(cwd, 'brand.html'), `${style}<h1>one</h1><p>two`);
    expect(await render(['brand.html'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'pdfprompt: brand.html: printed without fonts that are not here: Inter, Brand Sans\n',
    });
  });

  it('takes everything a job takes', async () => {
    expect(
      await render(['one.html', '-o', 'a5.pdf', '--request', '{"options":{"format":"A5","landscape":true}}']),
    ).toMatchObject({ code: 0 });
    expect((await readPdf(await readFile(join(cwd, 'a5.pdf')))).size).toEqual([596, 420]);
  });

  it('fails with one sentence for each page that fails, and prints the others', async () => {
    const { code, stderr } = await render(['http://127.0.0.1:4321/', 'missing.html', 'one.html', '--out-dir', 'some']);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').toSorted()).toEqual([
      'pdfprompt: http://127.0.0.1:4321/: http://127.0.0.1:4321/ could not be reached: it is not on the public internet, and EGRESS_ALLOW does not open it',
      expect.stringMatching(/^pdfprompt: missing\.html: ENOENT: no such file or directory/),
      expect.stringMatching(/"authority":"127\.0\.0\.1:4321","userId":"render","msg":"egress denied/),
    ]);
    expect(await readdir(join(cwd, 'some'))).toEqual(['one.pdf']);
  });

  it.each([
    [['one.html', 'two.html', '-o', 'x.pdf'], /-o: one file for 2 inputs; allowed: --out-dir DIRECTORY/],
    [['one.html', '-o', 'x.pdf', '--out-dir', 'y'], /-o and --out-dir: allowed: one of them/],
    [['one.html', './one.html', '--out-dir', 'y'], /would both be written to y\/one\.pdf/],
    [['one.html', '--request', '{broken'], /--request: .*allowed: a JSON object/],
    [[], /missing required argument 'input'/],
    [['one.html', 'two.html', '--merge'], /--merge: required: -o FILE/],
    [['one.html', '-o', 'one.html'], /-o: it would replace one\.html; allowed: another file/],
    [['one.html', '--pages', 'some'], /--pages: allowed: pages and ranges such as/],
    [['one.html', '--rotate', '45'], /--rotate: allowed: 90, 180, 270/],
    [['one.html', '--pdfa', '4'], /--pdfa: 4: allowed: 1b, 2b, 3b/],
    [['one.html', '--split', '0'], /--split: allowed: 1 to /],
    [['one.html', '--attach', 'nothing.csv'], /--attach: ENOENT/],
    [['one.html', '--overlay', 'data.csv'], /--overlay: data\.csv: allowed: \.html, \.pdf, \.png/],
    [['one.html', '--encrypt'], /--encrypt: required: --password-file FILE, or the variable PDF_PASSWORD/],
    [['one.html', '--password-file', 'x'], /--password-file: allowed with --encrypt/],
    [
      ['one.html', '--pdfua', '--pdfa', '--encrypt', '--password-file', 'one.html'],
      /--encrypt: PDF\/A-2b forbids encryption/,
    ],
    [
      ['one.html', '-o', 'x.png', '--title', 'x'],
      /--title: pictures have none|finishing: a picture of the page has no PDF/,
    ],
  ])('refuses %j', async (arguments_, message) => {
    const { code, stderr } = await render(arguments_);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  it('starts no browser for PDFs', async () => {
    await render(['one.html', '-o', 'given.pdf']);
    const { code, stderr } = await pdfprompt(['render', 'given.pdf', '--pages', '1', '-o', 'same.pdf'], {
      cwd,
      env: { CHROME_PATH: '/nowhere/chrome' },
    }).exited;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await textOf('same.pdf')).toEqual(['one']);
    expect(await render(['given.pdf'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it would replace given.pdf'),
    });
  });

  it('names the field of a request that is wrong', async () => {
    const { code, stderr } = await render(['one.html', '--request', '{"options":{"scale":7}}']);
    expect(stderr).toMatch(/one\.html: options\.scale: allowed: 0\.1 to 2/);
    expect(code).toBe(1);
  });

  it('serves a file\u2019s folder to it: nested, from the root, percent-encoded, with queries, and every kind of thing', async () => {
    const folder = join(cwd, 'site');
    await mkdir(join(folder, 'deep', 'er'), { recursive: true });
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`;
    await writeFile(join(folder, 'b ä%.svg'), svg);
    await writeFile(join(folder, 'deep', 'root.css'), '@import "er/more.css?x"; .a::after { content: "styled " }');
    await writeFile(join(folder, 'deep', 'er', 'more.css'), '.b::after { content: "imported " }');
    await writeFile(join(folder, 'data.json'), '{"text":"fetched "}');
    await writeFile(
      join(folder, 'code.js'),
      `import { text } from './deep/module.mjs'; document.querySelector('.c').append(text); document.body.append((await (await fetch('data.json')).json()).text); document.body.id = 'done'`,
    );
    await writeFile(join(folder, 'deep', 'module.mjs'), `export const text = 'module '`);
    await writeFile(
      join(folder, 'page #1.html'),
      `<link rel="stylesheet" href="/deep/root.css?v=1"><p class="a"></p><p class="b"></p><p class="c"></p>
      <img src="b%20%C3%A4%25.svg"><img src="./deep/../b%20ä%25.svg"><script type="module" src="code.js"></script>
      <a href="other.html">another file</a> <a href="#there">a place</a> <a href="https://example.com/">outside</a><p id="there">`,
    );
    const options = '{"waitForSelector":{"selector":"#done"},"failOnResourceError":true}';
    expect(await render(['site/page #1.html', '-o', 'site.pdf', '--request', options])).toMatchObject({
      code: 0,
      stderr: '',
    });
    const text = (await textOf('site.pdf')).join(' ');
    for (const word of ['styled', 'imported', 'module', 'fetched']) expect(text).toContain(word);
    const bytes = (await readFile(join(cwd, 'site.pdf'))).toString('latin1');
    expect(bytes.match(/\/URI \([^)]*\)/g)).toEqual(['/URI (https://example.com/)']); // no link to where nobody is
    expect(bytes).not.toContain('pdfprompt.internal');
  });

  it('prints a file whatever its name', async () => {
    const name = `it's a "page" \\ (50%) & <b>\u00e4.html`;
    await writeFile(join(cwd, name), '<p>named</p>');
    expect(await render([name, '-o', 'named.pdf'])).toMatchObject({ code: 0, stderr: '' });
    expect((await textOf('named.pdf')).join(' ')).toContain('named');
  });

  it('serves nothing else: not above it, by whatever spelling or link, nothing hidden, no directory, no pipe', async () => {
    const folder = join(cwd, 'wall');
    await mkdir(join(folder, '.git'), { recursive: true });
    await mkdir(join(cwd, 'wall-beside'));
    await writeFile(join(cwd, 'secret.js'), 'document.write("secret ")');
    await writeFile(join(cwd, 'wall-beside', 'secret.js'), 'document.write("secret ")');
    await writeFile(join(folder, '.secret.js'), 'document.write("secret ")');
    await writeFile(join(folder, '.git', 'secret.js'), 'document.write("secret ")');
    await writeFile(join(folder, 'own.js'), 'document.write("own ")');
    await symlink('../secret.js', join(folder, 'link.js'));
    await symlink('..', join(folder, 'up'));
    await symlink('.git', join(folder, 'git'));
    await symlink('own.js', join(folder, 'inner.js'));
    await execFile('mkfifo', [join(folder, 'pipe.js')]);
    const out = [
      '../secret.js',
      '%2e%2e/secret.js',
      '..%2fsecret.js',
      '..%5csecret.js',
      '/../secret.js',
      '//secret.js',
      '../wall-beside/secret.js',
      'link.js',
      'up/secret.js',
      'git/secret.js',
      '.secret.js',
      '%2esecret.js',
      '.git/secret.js',
      'pipe.js',
      'own.js%00',
      '%zz',
      '',
    ].map((path) => `${path}#`);
    const tags = [...out, join(cwd, 'secret.js'), `file://${cwd}/secret.js`].map(
      (path) => `<script src="${path}"></script>`,
    );
    await writeFile(join(folder, 'page.html'), `<p>seen: ${tags.join('')}<script src="inner.js"></script>end`);
    const { code, stderr } = await render(['wall/page.html', '-o', 'wall.pdf']);
    expect(code).toBe(0);
    expect((await textOf('wall.pdf')).join('')).toBe('seen: own end');
    expect(stderr).toMatch(/^pdfprompt: wall\/page\.html: printed without \d+ of its resources: .* and \d+ more$/m);
  });

  it('prints files in other encodings as they were meant, and refuses what cannot be read', async () => {
    const meant = '€ Grüße';
    const files: Record<string, Buffer> = {
      'utf-8': Buffer.from(`<p>${meant}`),
      'utf-8, marked': Buffer.from(`\uFEFF<p>${meant}`),
      'utf-16': Buffer.from(`\uFEFF<p>${meant}`, 'utf16le'),
      'utf-16, big end first': Buffer.from(`\uFEFF<p>${meant}`, 'utf16le').swap16(),
      'windows-1252': Buffer.from('<meta charset=windows-1252><p>\x80 Gr\xfc\xdfe', 'latin1'),
      broken: Buffer.from('<p>Gr\xfc\xdfe', 'latin1'),
    };
    const names = Object.keys(files).map((name) => `${name}.html`);
    await Promise.all(Object.entries(files).map(([name, bytes]) => writeFile(join(cwd, `${name}.html`), bytes)));
    const { code, stderr } = await render([...names, '--out-dir', 'encodings']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'pdfprompt: broken.html: it is not valid utf-8, and declares no other encoding, such as <meta charset="windows-1252">\n',
    });
    for (const name of Object.keys(files).filter((each) => each !== 'broken'))
      expect({ name, text: (await textOf(`encodings/${name}.pdf`)).join('') }).toEqual({ name, text: meant });
  });

  it('says what stdin, which has no folder, names by a relative address', async () => {
    const { code, stderr } = await render(['-', '-o', 'stdin.pdf'], '<img src="logo.png"><p>x</p>');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^pdfprompt: -: printed without 1 of its resources: logo\.png \(relative_address: /);
  });

  it('never opens a file for the browser', async () => {
    await writeFile(join(cwd, 'spy.html'), `<iframe src="file:///etc/passwd"></iframe><p>done</p>`);
    expect(await render(['spy.html'])).toMatchObject({ code: 0 });
    expect((await textOf('spy.pdf')).join('')).not.toContain('root:');
    expect((await render(['file:///etc/passwd', '-o', 'p.pdf'])).code).toBe(1);
  });
});

/** @module-tag user */

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pdfprompt } from '../support/cli.ts';
import { temporaryDirectory } from '../support/files.ts';
import { readPdf } from '../support/pdf.ts';
import { zipOf } from '../support/zip-writer.ts';

const cwd = await temporaryDirectory('render-folder');
/** With an address of a database that is not there: nothing may want it. */
const start = (arguments_: string[]) =>
  pdfprompt(arguments_, { cwd, env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' } });
const render = (...arguments_: string[]) => start(['render', ...arguments_]).exited;
const pdf = async (name: string) => readPdf(await readFile(join(cwd, name)));
const textOf = async (name: string) => (await pdf(name)).text.join('\n');

async function folder(name: string, files: Record<string, string>): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    const path = join(cwd, name, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

const LETTER = {
  'index.html': `<link rel="stylesheet" href="css/style.css"><h1>{{ 'dear' | t }} {{ name }}</h1>{% render 'parts/row', price: price %}`,
  'parts/row.html': '<p>{{ price | money: "EUR" }}</p>',
  'css/style.css': 'h1::after { content: " styled" }',
  'locales/en.json': '{"dear":"Dear"}',
  'locales/de.json': '{"dear":"Hallo"}',
  'data.json': '{"name":"Ann & <Bob>","price":1234.5}',
  'schema.json': '{"type":"object","required":["name"],"properties":{"price":{"type":"number"}}}',
  'template.json': '{"request":{"locale":"en","options":{"format":"A5","landscape":true}}}',
};

describe('pdfprompt init', () => {
  it('makes a template that is printed with the next command, in each of its languages', async () => {
    const { code, stdout, stderr } = await start(['init', 'my-invoice']).exited;
    expect(code).toBe(0);
    expect(stdout).toBe('my-invoice\n');
    expect(stderr).toMatch(/^ {2}npx pdfprompt render my-invoice {2}/m);
    expect((await readdir(join(cwd, 'my-invoice'))).toSorted()).toEqual(
      (await readdir(new URL('../../examples/invoice', import.meta.url))).toSorted(),
    );
    expect(await render('my-invoice')).toMatchObject({
      code: 0,
      stderr: 'pdfprompt: my-invoice: taken for a template, with its data.json\n',
    });
    const { pages, size, text } = await pdf('my-invoice.pdf');
    expect({ pages, size }).toEqual({ pages: 1, size: [595, 842] });
    for (const words of ['Invoice 2026-0042', 'Café Łódź GmbH', '26 November 2026', '€6,234.89', '1 / 1'])
      expect(text[0]).toContain(words);
    expect(await render('my-invoice', '--locale', 'de-DE', '-o', 'de.pdf')).toMatchObject({ code: 0 });
    for (const words of ['Rechnung 2026-0042', '26. November 2026', '6.234,89 €'])
      expect(await textOf('de.pdf')).toContain(words);
  });

  it('overwrites nothing', async () => {
    await folder('mine', { 'style.css': 'mine' });
    const { code, stderr } = await start(['init', 'mine']).exited;
    expect(stderr).toMatch(/^pdfprompt: mine has style\.css already; nothing was written\./);
    expect(code).toBe(1);
    expect(await readdir(join(cwd, 'mine'))).toEqual(['style.css']);
    expect(await start(['init', 'My Invoice']).exited).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('becomes that of the template: My Invoice; allowed: 1 to 100'),
    });
  });
});

describe('pdfprompt render, of a directory', () => {
  it('prints a template with its own data or another, with its settings below the flags', async () => {
    await folder('letter', LETTER);
    await folder('.', { 'other.json': '{"name":"Eve","price":1}' });
    expect(await render('letter')).toMatchObject({ code: 0 });
    expect(await pdf('letter.pdf')).toMatchObject({ size: [596, 420] });
    expect(await textOf('letter.pdf')).toBe('Dear Ann & <Bob> styled\n€1,234.50');
    const flags = ['--locale', 'de', '--request', '{"options":{"landscape":false}}'];
    expect(await render('letter', '--data', 'other.json', ...flags, '-o', 'other.pdf')).toMatchObject({ code: 0 });
    expect(await pdf('other.pdf')).toMatchObject({ size: [420, 596] });
    expect((await textOf('other.pdf')).replace('\u00a0', ' ')).toBe('Hallo Eve styled\n1,00 €');
  });

  it('prints an index.html beside its data.json as a template', async () => {
    await folder('short', { 'index.html': '<p>Dear {{ name }}', 'data.json': '{"name":"Ann"}' });
    expect(await render('short')).toMatchObject({
      code: 0,
      stderr: 'pdfprompt: short: taken for a template, with its data.json\n',
    });
    expect(await textOf('short.pdf')).toBe('Dear Ann');
  });

  it('names the file and the line of a mistake, and the path of data that does not fit', async () => {
    await folder('broken', { ...LETTER, 'parts/row.html': '<p>\n{{ price | mony }}' });
    await folder('.', { 'wrong.json': '{"name":"Eve","price":"much"}', 'cut.json': '{\n"name": ' });
    const { code, stderr } = await render('broken');
    expect(stderr).toMatch(/^pdfprompt: broken: broken, parts\/row\.html, line 2, column 1: .*mony/m);
    expect(code).toBe(1);
    expect((await render('letter', '--data', 'wrong.json')).stderr).toMatch(/: data\.price: must be number/);
    expect((await render('letter', '--data', 'cut.json')).stderr).toMatch(/letter: cut\.json: .*JSON/);
  });

  it('takes another for files, whose Liquid is none, and says so', async () => {
    await folder('plain', {
      'index.html': '<link rel="stylesheet" href="/a.css"><p>{{ plain }}',
      'a.css': 'p::after{content:"."}',
    });
    await folder('notes', {
      'index.md': '# Notes\n\n![](a.svg)',
      'a.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    });
    const { code, stderr } = await render('plain', 'notes');
    expect(code).toBe(0);
    expect(stderr.trim().split('\n').toSorted()).toEqual([
      'pdfprompt: notes: taken for files, of which index.md is the document; without template.json, schema.json, data.json, index.liquid or --data it is no template',
      'pdfprompt: plain: taken for files, of which index.html is the document; without template.json, schema.json, data.json, index.liquid or --data it is no template',
    ]);
    expect(await textOf('plain.pdf')).toBe('{{ plain }}.');
    expect(await textOf('notes.pdf')).toMatch(/^Notes$/m);
    await folder('empty', { 'other.html': '' });
    expect((await render('empty')).stderr).toMatch(/empty: it has no document; allowed: a directory with index\.html/);
    expect((await render('plain/index.html', '--data', 'other.json')).stderr).toMatch(/a template is a directory/);
  });

  it('prints markdown: with HTML and another style sheet when it is said', async () => {
    await folder('.', { 'page.md': '# Title\n\n<b class="x">bold</b>', 'own.css': '.x::after { content: " styled" }' });
    expect(await render('page.md')).toMatchObject({ code: 0, stderr: '' });
    expect(await textOf('page.pdf')).toContain('<b');
    expect(await render('page.md', '--allow-html', '--style', 'own.css', '-o', 'html.pdf')).toMatchObject({ code: 0 });
    expect(await textOf('html.pdf')).toBe('Title\nbold styled');
  });

  it('prints a zip, of a template too, and leaves nothing behind', async () => {
    const items = Object.entries(LETTER).map(([name, content]) => ({ name: `letter/${name}`, content }));
    await writeFile(join(cwd, 'letter.zip'), zipOf(items));
    await writeFile(join(cwd, 'out.zip'), zipOf([{ name: '../index.html', content: 'out' }]));
    const tmp = join(cwd, 'tmp');
    await mkdir(tmp);
    const zips = ['letter.zip', 'out.zip', '--out-dir', 'zips', '--json'];
    const { code, stdout, stderr } = await pdfprompt(['render', ...zips], { cwd, env: { TMPDIR: tmp } }).exited;
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      documents: [
        { input: 'letter.zip', outputs: ['zips/letter.pdf'], pages: 1, failedResources: [] },
        { input: 'out.zip', error: expect.stringContaining('../index.html') },
      ],
    });
    expect(stderr).toMatch(/^pdfprompt: letter\.zip: taken for a template, with its data\.json$/m);
    expect(await textOf('zips/letter.pdf')).toContain('Dear Ann & <Bob> styled');
    expect((await readdir(tmp)).filter((name) => name.startsWith('pdfprompt-zip'))).toEqual([]);
  });

  it.each([
    [['https://example.com', '--watch'], /--watch: https:\/\/example\.com: allowed: files and directories/],
    [['letter', '-o', '-', '--watch'], /--watch: allowed: PDFs that are files/],
    [['page.md', '--style', 'nowhere.css'], /--style: ENOENT/],
  ])('refuses %j', async (arguments_, message) => {
    const { code, stderr } = await render(...arguments_);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});

describe('pdfprompt render --watch', () => {
  it('prints again at each change, goes on after a mistake, and ends with 0', async () => {
    await folder('seen', { ...LETTER, 'index.html': '<p>first {{ name }}' });
    const path = (name: string) => join(cwd, 'seen', name);
    // The PDF is among the files, and is itself no change of them.
    const cli = start(['render', 'seen', '--watch', '--data', 'seen.json', '-o', 'seen/seen.pdf']);
    const lines = () => cli.stdout().split('\n').length - 1;
    const shows = async (text: string) => {
      for (;;) {
        const before = lines();
        if (before > 0 && (await textOf('seen/seen.pdf')) === text) return;
        await cli.until(new RegExp(`(?:.* ms\\n){${before + 1}}`));
      }
    };
    await folder('.', { 'seen.json': '{"name":"Ann"}' });
    await shows('first Ann');
    expect(cli.stdout()).toMatch(/^seen\/seen\.pdf\t1 page\t\d+ ms\n$/);
    await writeFile(path('index.html'), '<p>second {{ name }}');
    await shows('second Ann');
    await writeFile(join(cwd, 'seen.json'), '{"name":"Bob"}');
    await shows('second Bob');
    await writeFile(path('index.new'), '<p>third {{ name }}');
    await rename(path('index.new'), path('index.html'));
    await shows('third Bob');
    await writeFile(path('index.html'), `<p>fourth {{ name }}{% render 'new/part' %}`);
    await expect
      .poll(() => cli.stderr(), { timeout: 60_000 })
      .toMatch(/seen: seen, index\.html, line 1, .*"new\/part"/);
    await folder('seen', { 'new/part.html': ' with a part' });
    await shows('fourth Bob with a part');
    await writeFile(path('new/part.html'), ' with another');
    await shows('fourth Bob with another');
    await rm(path('template.json'));
    await writeFile(path('css/style.css'), 'p::after { content: "!" }');
    await writeFile(path('index.html'), '<link rel="stylesheet" href="css/style.css"><p>fifth');
    await shows('fifth!');
    const printed = lines();
    cli.child.kill('SIGINT');
    expect(await cli.exited).toMatchObject({ code: 0 });
    expect(printed).toBeLessThan(20); // each change is some events, and the PDF itself none
    expect((await readdir(join(cwd, 'seen'))).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

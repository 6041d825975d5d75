/**
 * @module-tag long
 * @module-tag user
 */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/files.ts';
import { readPdf } from '../support/pdf.ts';
import { pdfprompt } from '../support/cli.ts';

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
  ])('refuses %j', async (arguments_, message) => {
    const { code, stderr } = await render(arguments_);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  it('names the field of a request that is wrong', async () => {
    const { code, stderr } = await render(['one.html', '--request', '{"options":{"scale":7}}']);
    expect(stderr).toMatch(/one\.html: options\.scale: Too big/);
    expect(code).toBe(1);
  });

  it('never opens a file for the browser', async () => {
    await writeFile(join(cwd, 'spy.html'), `<iframe src="file:///etc/passwd"></iframe><p>done</p>`);
    expect(await render(['spy.html'])).toMatchObject({ code: 0 });
    expect((await textOf('spy.pdf')).join('')).not.toContain('root:');
    expect((await render(['file:///etc/passwd', '-o', 'p.pdf'])).code).toBe(1);
  });
});

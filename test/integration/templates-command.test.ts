import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { listenOnLoopback } from '../../src/kernel/loopback.ts';
import { undoLater } from '../support/clean-up.ts';
import { temporaryDirectory } from '../support/files.ts';
import { freePort } from '../support/free-port.ts';
import { readPdf } from '../support/pdf.ts';
import { startService } from '../support/service.ts';
import { typed } from '../support/typed.ts';

const service = await startService({ worker: true });
const directory = await temporaryDirectory('templates');
const env = { PDFPROMPT_URL: service.address, PDFPROMPT_KEY: service.key };
const templates = (...arguments_: string[]) => typed(['templates', ...arguments_], env);
const nobody = `http://127.0.0.1:${await freePort()}`;
const at = (...names: string[]) => join(directory, ...names);

async function folder(name: string, files: Record<string, string | Buffer>): Promise<string> {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(at(name, file, '..'), { recursive: true });
    await writeFile(at(name, file), content);
  }
  return at(name);
}

const filesIn = async (path: string) =>
  Object.fromEntries(
    await Promise.all(
      (await readdir(path, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(async (entry) => {
          const file = join(entry.parentPath, entry.name);
          return [file.slice(path.length + 1), await readFile(file, 'latin1')] as const;
        }),
    ),
  );

const FILES = {
  'index.html': '<p>{{ name }}<img src="img/ä b.svg">',
  'img/ä b.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
  'empty.css': '',
  'bytes.bin': Buffer.from([0, 255, 1, 254]),
  'template.json': '{"description":"A letter","request":{"options":{"format":"A5"}}}',
  'data.json': '{"name":"Ann"}',
};

describe('pdfprompt templates', () => {
  it('pushes what has changed, lists it, and a job prints it', async () => {
    const path = await folder('letter', {
      ...FILES,
      'README.md': '{% not for the template',
      '.git/HEAD': 'hidden',
      'node_modules/x/index.js': 'left out',
      'letter.pdf': 'of render',
      'Ann.PDF': 'of a customer',
    });
    expect(await templates('push', path)).toMatchObject({
      code: 0,
      stdout: 'letter@1\n',
      stderr: 'It is a new version.\n',
    });
    expect(await templates('push', path)).toMatchObject({
      code: 0,
      stdout: 'letter@1\n',
      stderr: expect.stringMatching(/^Unchanged/),
    });
    await writeFile(at('letter/index.html'), '<p>Dear {{ name }}');
    expect(JSON.parse((await templates('push', path, '--json')).stdout)).toMatchObject({
      name: 'letter',
      version: 2,
      isNew: true,
      files: Object.fromEntries(Object.keys(FILES).map((name) => [name, expect.stringMatching(/^[0-9a-f]{64}$/)])),
    });
    expect((await templates('list')).stdout).toMatch(/^letter@2\t\S+\tA letter\n$/);
    const body = JSON.stringify({ template: 'letter', data: { name: 'Bob' } });
    const response = await service.request('/v1/pdf', { method: 'POST', body });
    expect(await readPdf(await response.arrayBuffer())).toMatchObject({ text: ['Dear Bob'], size: [420, 596] });
  });

  it('pulls a version into a folder, the same bytes, and pushes it unchanged', async () => {
    const path = await folder('memo', { ...FILES });
    await templates('push', path);
    const pulled = await templates('pull', 'memo@1', at('pulled'));
    expect(pulled).toMatchObject({
      code: 0,
      stdout: `${at('pulled')}\n`,
      stderr: `memo@1 is in ${at('pulled')}: 6 files written, 0 unchanged.\n`,
    });
    expect(await filesIn(at('pulled'))).toEqual(await filesIn(path));
    const again = await templates('push', at('pulled'), '--name', 'memo');
    expect(again).toMatchObject({ stdout: 'memo@1\n', stderr: expect.stringMatching(/^Unchanged/) });
  });

  it('pulls nothing over files that were changed, unless it is forced', async () => {
    await templates('push', await folder('kept', { ...FILES }));
    await writeFile(at('kept/index.html'), 'mine');
    await writeFile(at('kept/new.txt'), 'mine');
    const refused = await templates('pull', 'kept', at('kept'));
    expect(refused.stderr).toMatch(/has other content in index\.html; nothing was written\. Allowed: --force/);
    expect([refused.code, await readFile(at('kept/index.html'), 'utf8')]).toEqual([1, 'mine']);
    const forced = await templates('pull', 'kept', at('kept'), '--force');
    expect(forced.stderr).toMatch(/: 1 file written, 5 unchanged/);
    const { 'new.txt': added, ...rest } = await filesIn(at('kept'));
    expect(added).toBe('mine');
    expect(Object.keys(rest).toSorted()).toEqual(Object.keys(FILES).toSorted());
    expect(await readFile(at('kept/index.html'), 'utf8')).toBe(FILES['index.html']);
  });

  it('follows no link out of the folder when it pulls', async () => {
    await templates('push', await folder('linked', { ...FILES }));
    await mkdir(at('outside'));
    await writeFile(at('victim.html'), 'victim');
    await mkdir(at('trap'));
    await symlink(at('outside'), at('trap/img'));
    const refused = await templates('pull', 'linked', at('trap'));
    expect(refused.stderr).toMatch(/trap\/img leads out of .*trap/);
    expect([refused.code, await readdir(at('outside'))]).toEqual([1, []]);
    await mkdir(at('swap'));
    await symlink(at('victim.html'), at('swap/index.html'));
    expect(await templates('pull', 'linked', at('swap'), '--force')).toMatchObject({ code: 0 });
    expect(await readFile(at('victim.html'), 'utf8')).toBe('victim');
    expect(await readFile(at('swap/index.html'), 'utf8')).toBe(FILES['index.html']);
  });

  it('names the file and the line of a template that cannot be filled in, and sends nothing', async () => {
    const path = await folder('broken', { ...FILES, 'index.html': '<p>\n{{ name | nme }}' });
    const { code, stderr } = await templates('push', path);
    expect(stderr).toMatch(/^pdfprompt: broken, index\.html, line 2, .*nme/);
    expect(code).toBe(1);
    expect((await templates('list')).stdout).not.toContain('broken');
    expect(await templates('push', path, '--no-check')).toMatchObject({ code: 0, stdout: 'broken@1\n' });
  });

  it('says what the service says of a template that is none', async () => {
    const none = await templates('push', await folder('none', { 'style.css': 'p {}' }));
    expect(none.stderr).toMatch(/^pdfprompt: files: required: one of index\.html, index\.liquid, index\.md/);
    expect(none.code).toBe(1);
    const wrong = await folder('wrong', { ...FILES, 'template.json': '{"request":{"options":{"scale":7}}}' });
    const settings = await templates('push', wrong, '--no-check');
    expect(settings.stderr).toMatch(/request\.options\.scale: allowed: 0\.1 to 2/);
  });

  it('deletes a template when that is confirmed', async () => {
    await templates('push', await folder('gone', { ...FILES }));
    expect((await templates('delete', 'gone')).stderr).toMatch(/Add --yes to confirm/);
    expect(await templates('delete', 'gone', '--yes')).toMatchObject({ code: 0 });
    const { code, stderr } = await templates('pull', 'gone', at('gone-again'));
    expect(stderr).toMatch(/there is no template gone/);
    expect([code, await readdir(directory)]).toEqual([1, expect.not.arrayContaining(['gone-again'])]);
  });

  it('shows nothing of another user', async () => {
    await templates('push', await folder('secret', { ...FILES }));
    const key = await service.newKey('eve@example.com');
    const listed = await typed(['templates', 'list'], { ...env, PDFPROMPT_KEY: key });
    expect(listed).toMatchObject({
      stdout: '',
      stderr: 'There is no template yet. Type: pdfprompt templates push DIRECTORY\n',
    });
    const pulled = await typed(['templates', 'pull', 'secret', at('stolen')], { ...env, PDFPROMPT_KEY: key });
    expect(pulled).toMatchObject({ code: 1, stderr: 'pdfprompt: there is no template secret\n' });
  });

  it.each([
    [['push', at('nowhere')], /nowhere: allowed: a directory/, 2],
    [['push', directory, '--name', 'No!'], /--name: "No!" is no name; allowed: 1 to 100/, 2],
    [['pull', '../x'], /"\.\.\/x"; allowed: the name of a template/, 2],
    [['delete', 'letter@1', '--yes'], /letter@1: versions never change; allowed: letter,/, 2],
    [['list', '--url', 'ftp://x'], /--url: "ftp:\/\/x" is not allowed/, 2],
    [['list', '--key', 'pdf_wrong'], /allowed: PDFPROMPT_KEY or --key with a key of this service/, 1],
    [['list', '--url', nobody], /http:\/\/127\.0\.0\.1:\d+ could not be reached: .*ECONNREFUSED/, 1],
    [['lst'], /unknown command 'lst'[\s\S]*list[\s\S]*\(pdfprompt templates --help shows/, 2],
    [['push', '--nme', 'x'], /unknown option '--nme'[\s\S]*\(pdfprompt templates push --help shows/, 2],
  ])('refuses %j', async (arguments_, message, code) => {
    const result = await templates(...arguments_);
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(code);
  });

  it('goes to the port of `up` on this machine, unless another address is named', async () => {
    const { PDFPROMPT_KEY } = env;
    const here = await typed(['templates', 'list'], { PDFPROMPT_KEY, PORT: new URL(service.address).port });
    expect(here).toMatchObject({ code: 0, stderr: '' });
    const port = new URL(nobody).port;
    const { code, stderr } = await typed(['templates', 'list'], { PDFPROMPT_KEY, PORT: port });
    expect(stderr).toMatch(
      new RegExp(`^pdfprompt: ${nobody}, where \`pdfprompt up\` is with PORT=${port}, could not be reached: .*--url`),
    );
    expect(code).toBe(1);
  });

  it('takes no file from a service that sends a wrong path, or other bytes than it promises', async () => {
    const id = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'; // of no bytes
    const name = new URLSearchParams();
    const server = createServer((request, response) => {
      if (request.url?.startsWith('/v1/assets/')) return void response.end('other bytes');
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name: 'x', version: 1, files: { [name.get('name') ?? '']: { id, size: 0 } } }));
    });
    const port = await listenOnLoopback(server);
    undoLater(async () => server.close());
    const pull = async (path: string) => {
      name.set('name', path);
      return typed(['templates', 'pull', 'x', at('hostile')], { ...env, PDFPROMPT_URL: `http://127.0.0.1:${port}` });
    };
    for (const path of ['../out.html', '/out.html', 'a/../../out.html', '.ssh/config', 'a\\b', 'a\u0000b', ''])
      expect((await pull(path)).stderr).toMatch(/^pdfprompt: the template has a file ".*allowed: a/);
    expect((await pull('index.html')).stderr).toMatch(/index\.html: the service sent other bytes than it promised/);
    expect(await readdir(directory)).not.toContain('out.html');
    expect(await filesIn(directory)).not.toHaveProperty('hostile/index.html');
  });
});

it('the starter of `init` is a template of the service, and its script prints it', async () => {
  await typed(['init', at('my-invoice')]);
  expect((await templates('push', at('my-invoice'))).stdout).toBe('my-invoice@1\n');
  const options = { cwd: directory, env: { ...process.env, ...env } };
  const script = at('my-invoice/print.mjs');
  await promisify(execFile)(process.execPath, [script], options);
  const { text, size } = await readPdf(await readFile(at('my-invoice.pdf')));
  expect(size).toEqual([595, 842]);
  expect(text[0]).toContain('€6,234.89');
  const failing = async (wrong: Record<string, string>) =>
    promisify(execFile)(process.execPath, [script], { ...options, env: { ...options.env, ...wrong } }).catch(
      ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
    );
  expect(await failing({ PDFPROMPT_KEY: '' })).toEqual({
    code: 1,
    stderr: 'It needs a key: PDFPROMPT_KEY=pdf_… node print.mjs\n',
  });
  expect(await failing({ PDFPROMPT_URL: nobody })).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^http:.* could not be reached: .*ECONNREFUSED.*\n$/),
  });
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { PDF } from '../../src/finishing/libpdf.ts';
import { qpdf } from '../../src/finishing/qpdf.ts';
import { typed } from '../support/typed.ts';

const directory = await mkdtemp(join(tmpdir(), 'check-'));
const plain = join(directory, 'plain.pdf');
const damaged = join(directory, 'damaged.pdf');
afterAll(() => rm(directory, { recursive: true }));
const pdf = PDF.create();
pdf.addPage();
await writeFile(plain, await pdf.save());
await writeFile(damaged, 'no PDF');
const locked = join(directory, 'locked.pdf');
const encryption = ['--encrypt', 'opens', 'changes', '256', '--', '/in.pdf', '/out.pdf'];
await writeFile(locked, await qpdf(await readFile(plain), encryption));

it('says of a file without claims which can be asked for', async () => {
  const { code, stdout } = await typed(['check', plain]);
  expect(stdout).toMatch(/claims nothing that can be checked; .*PDF\/A-1b, PDF\/A-2b, PDF\/A-3b, PDF\/UA-1/);
  expect(code).toBe(1);
});

it('names each rule that is broken, and goes on after a file that it cannot read', async () => {
  const { code, stdout } = await typed(['check', damaged, locked, plain, '--conformance', 'pdf/a-3b', '--json']);
  const { files } = JSON.parse(stdout) as { files: { error?: string; findings?: { rule: string }[] }[] };
  expect(files[0]?.error).toBe('it cannot be read: it is no PDF, or is damaged');
  expect(files[1]?.error).toBe('it cannot be read: it is encrypted, and only opens with a password');
  expect(files[2]?.findings?.map(({ rule }) => rule)).toContain('ISO 19005-3:2012 6.6.2.1-1');
  expect(code).toBe(1);
});

it.each([
  ['PDF/A-3c', /did you mean PDF\/A-[123]b\?\); allowed: PDF\/A-1b, PDF\/A-2b, PDF\/A-3b, PDF\/UA-1/],
  ['PDF/A-2b,PDF/A-3b', /allowed: only one of PDF\/A-2b, PDF\/A-3b/],
  ['PDF/A-1b,PDF/UA-1,PDF/A-3b', /allowed: only one of PDF\/A-1b, PDF\/A-3b/],
])('refuses --conformance %s', async (claims, message) => {
  const { code, stderr } = await typed(['check', plain, '--conformance', claims]);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});

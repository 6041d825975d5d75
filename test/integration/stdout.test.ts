import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/run-command.ts';
import { createDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { typed } from '../support/typed.ts';

// Every command that there is, one that is added too: its stdout is data alone.

const { url, sql } = await createDatabase();
const directory = await temporaryDirectory('stdout');
const env = { DATABASE_URL: url, PDFPROMPT_URL: 'http://127.0.0.1:1', PDFPROMPT_KEY: 'pdf_x', CHROME_PATH: '/nowhere' };

interface Leaf {
  name: string;
  command: Command;
}
const leaves = (command: Command, path: string[] = []): Leaf[] =>
  command.commands.length === 0
    ? [{ name: path.join(' '), command }]
    : command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
const COMMANDS = leaves(createProgram());

/** Whose stdout is a document of its own. */
const DOCUMENTS = new Set(['mcp', 'completion']);
/** They go on until they are stopped; what they print is in e2e/up.test.ts and integration/jobs-command.test.ts. */
const ENDLESS = new Set(['up', 'serve', 'work', 'mcp', 'jobs tail']);
/** A text was asked for. */
const REPORTS = new Set(['check', 'bench', 'plan', 'completion']);

await typed(['keys', 'create', '--user', 'ann@example.com'], env);
const [key] = await sql<{ id: string }[]>`select id from pdfprompt_api_key`;

/** Something for each argument and each flag that is required; a file is one that is not there yet. */
function filled({ name, command }: Leaf): string[] {
  const valueFor = (what: string) => {
    if (/file|dir|path|input|rows/i.test(what)) return join(directory, name.replaceAll(' ', '-'));
    if (/email|user/i.test(what)) return 'ann@example.com';
    if (/\bid\b/i.test(what)) return key?.id ?? '';
    if (/minute|day|priority|N>/.test(what)) return '1';
    return 'starter';
  };
  const arguments_ = command.registeredArguments
    .filter((argument) => argument.required || /dir/i.test(argument.name())) // which is the current one otherwise
    .map((argument) => argument.argChoices?.[0] ?? valueFor(argument.name()));
  const flags = command.options
    .filter(({ mandatory }) => mandatory)
    .flatMap(({ long, flags: text }) => [long ?? '', valueFor(text)]);
  const yes = command.options.some(({ long }) => long === '--yes') ? ['--yes'] : [];
  return [...name.split(' '), ...arguments_, ...flags, ...yes];
}

/** A line is a row: its cells have tabs between them, and a row of one cell is one word. */
const prose = (stdout: string) => stdout.split('\n').filter((line) => !line.includes('\t') && / /.test(line));

describe('the stdout of every command', () => {
  it('is data: no other place writes there', () => {
    const root = fileURLToPath(new URL('../../src/cli/', import.meta.url));
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const writers = files.filter((file) =>
      /stdout\.write|\bconsole\.(?!ts')/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(writers.toSorted()).toEqual(['output.ts', 'print-input.ts']);
    expect(COMMANDS.length).toBeGreaterThan(25);
  });

  it.each(COMMANDS.filter(({ name }) => !DOCUMENTS.has(name)))('has JSON for $name', ({ command }) => {
    expect(command.options.map(({ long }) => long)).toContain('--json');
  });

  it.each(COMMANDS)('is empty if $name is not understood', async ({ name }) => {
    const { code, stdout, stderr } = await typed([...name.split(' '), '--no-such-flag'], env);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: /);
  });

  // Those that erase something come last.
  const ended = COMMANDS.filter(({ name }) => !ENDLESS.has(name) && !REPORTS.has(name));
  it.each(ended.toSorted((a, b) => Number(/delete/.test(a.name)) - Number(/delete/.test(b.name))))(
    'is rows of $name, and one document with --json',
    async (leaf) => {
      const plain = await typed(filled(leaf), env);
      expect(prose(plain.stdout)).toEqual([]);
      if (plain.code !== 0 && leaf.name !== 'doctor') expect([plain.stdout, plain.stderr]).toEqual(['', expect.stringMatching(/\S/)]); // prettier-ignore
      const { stdout } = await typed([...filled(leaf), '--json'], env);
      expect(stdout.trim().split('\n')).toHaveLength(1);
      expect(JSON.parse(stdout)).toEqual(expect.anything());
    },
  );
});

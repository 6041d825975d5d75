import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/run-command.ts';
import { createDatabase } from '../support/database.ts';
import { typed } from '../support/typed.ts';

const { url } = await createDatabase();
const cli = (...arguments_: string[]) => typed(arguments_, { DATABASE_URL: url });

/** The names of every command that has --json. */
function withJson(command: Command, path: string[] = []): string[][] {
  const own = command.options.some(({ long }) => long === '--json') ? [path] : [];
  return [...own, ...command.commands.flatMap((child) => withJson(child, [...path, child.name()]))];
}
const COMMANDS = withJson(createProgram());

interface Said {
  error: string;
  code: string | null;
  errors: { field: string; message: string }[];
}

describe('a command with --json that fails', () => {
  it('is one of these', () => expect(COMMANDS.map((path) => path.join(' '))).toContain('templates push'));

  it.each(
    COMMANDS.flatMap((path) => [
      { flags: [...path, '--json', '--no-such-flag'] },
      { flags: [...path, '--no-such-flag', '--json'] },
    ]),
  )('says on stdout what is wrong with $flags', async ({ flags }) => {
    const { code, stdout, stderr } = await cli(...flags);
    expect(JSON.parse(stdout)).toEqual({
      error: expect.stringMatching(
        /^unknown option '--no-such-flag'|^missing required argument|^required option/,
      ) as string,
      code: null,
      errors: [],
    });
    expect(stderr).toMatch(/^error: /);
    expect(code).toBe(2);
  });

  it.each([
    { line: 'batch --json', said: { error: /^allowed: TEMPLATE and ROWS, or --resume/, code: null } },
    {
      line: 'batch letter rows.csv --out a --zip b --json',
      said: { error: /'--out <directory>' cannot be used with/, code: null },
    },
    { line: 'mcp --json', said: { error: /^unknown option '--json'/, code: null } },
    { line: 'serve --port many --json', said: { error: /--port: "many" is not allowed/, code: null } },
    {
      line: 'batch letter rows.csv --url http://pdf.invalid --json',
      said: { error: /needs a key for http:\/\/pdf.invalid/, code: null },
    },
    {
      line: 'batch --json letter rows.csv --on-bad-row wait',
      said: { error: /argument 'wait' is invalid/, code: null },
    },
    { line: 'templates --json', said: { error: /^unknown option '--json'/, code: null } },
    { line: 'templates delete a@1 --json', said: { error: /^a@1: versions never change/, code: null } },
    { line: 'render --json a.html -o -', said: { error: /^--json: stdout is for the PDF/, code: null } },
    { line: 'keys list --user ghost@b.c --json', said: { error: /there is no user ghost@b.c/, code: 'not_found' } },
    { line: 'plan --users many --json', said: { error: /--users/, code: null } },
    {
      line: 'check a.pdf --conformance PDF/X --json',
      said: { error: /^--conformance: "PDF\/X" is not allowed/, code: null },
    },
  ])('answers `$line`', async ({ line, said }) => {
    const { code, stdout } = await cli(...line.split(' '));
    const { error, ...rest } = JSON.parse(stdout) as Said;
    expect(error).toMatch(said.error);
    expect([rest, code]).toEqual([{ code: said.code, errors: [] }, 2]);
  });

  it('names the flags that are not allowed', async () => {
    const { stdout } = await cli('keys', 'create', '--json', '--user', 'nobody');
    const { error, code, errors } = JSON.parse(stdout) as Said;
    expect(code).toBe('invalid_request');
    expect(errors).toEqual([{ field: '--user', message: expect.any(String) as string }]);
    expect(error).toBe(`--user: ${errors[0]?.message}`);
  });

  it('prints nothing of it without --json, or behind --', async () => {
    expect((await cli('keys', 'list', '--no-such-flag')).stdout).toBe('');
    expect((await cli('batch', '--', 'letter', 'rows.csv', '--json')).stdout).toBe('');
  });
});

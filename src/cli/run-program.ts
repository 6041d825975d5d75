import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { OperatorError, UsageError, withoutQuery } from '../kernel/errors.ts';
import { withoutSecrets } from '../kernel/secrets.ts';
import { errorJson } from './error-json.ts';
import { jsonDocument, printJson, warn } from './output.ts';
import { addSettingFlags } from './settings-flags.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/**
 * Runs a command line and reports errors on stderr; with `--json` on stdout too, as its one JSON document.
 * @param argv like `process.argv`: the first two entries are ignored
 */
export async function runProgram(program: Command, argv: string[]): Promise<void> {
  process.exitCode = 0;
  jsonDocument.isPrinted = false;
  prepare(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error);
    if (process.exitCode !== 0 && asksForJson(argv) && !jsonDocument.isPrinted) printJson(errorJson(error));
  }
}

/** By the words themselves: a command line that is wrong may not be understood up to there. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? undefined : end).includes('--json');
}

/** @param commands each with its own flags */
export function programOf(commands: Command[]): Command {
  const program = new Command('pdfprompt')
    .description('PDFs as a durable queue on nothing but Postgres: send HTML or a URL, get a PDF.')
    .version(version)
    .addHelpText(
      'after',
      `
Start here:
  pdfprompt up                      prints an address, a key and a curl line that writes hello.pdf
  pdfprompt init my-invoice         a template of your own: pdfprompt render my-invoice prints it
  pdfprompt render page.html        one document, without database or server
  pdfprompt help serve              what a command does, its flags and environment variables

Exit codes: 0 done, 1 failed, 2 wrong usage.`,
    );
  for (const command of commands) program.addCommand(command);
  return program;
}

/**
 * Makes every command and subcommand throw instead of exit, suggest a similar name for a typo, and take its settings.
 * @param path the names up to this one, without the program's: `templates`, `push`
 */
function prepare(command: Command, path: readonly string[] = []): void {
  command
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError(`(${['pdfprompt', ...path].join(' ')} --help shows what there is)`);
  const [top] = path;
  if (top !== undefined && command.commands.length === 0) addSettingFlags(command, top);
  for (const child of command.commands) prepare(child, [...path, child.name()]);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  if (error instanceof OperatorError) {
    warn(`pdfprompt: ${withoutSecrets(error.message)}`);
    return error instanceof UsageError ? 2 : 1;
  }
  const unexpected = withoutQuery(error);
  warn(
    withoutSecrets(
      `pdfprompt: unexpected: ${unexpected instanceof Error ? (unexpected.stack ?? unexpected.message) : String(unexpected)}`,
    ),
  );
  return 1;
}

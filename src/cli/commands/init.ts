import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { templateNameProblem } from '../../domain/template-name.ts';
import { OperatorError, UsageError } from '../../kernel/errors.ts';
import { print, printJson, warn } from '../output.ts';

const STARTER = fileURLToPath(new URL('../../../examples/invoice/', import.meta.url));

export function initCommand(): Command {
  return new Command('init')
    .description('A template to start from: an invoice with its files, sample data, and a script that prints it')
    .argument('[directory]', 'where; its name becomes that of the template', 'my-invoice')
    .option('--json', 'one JSON document on stdout')
    .action(async (directory: string, { json = false }: { json?: boolean }) => {
      const problem = templateNameProblem(basename(resolve(directory)));
      if (problem !== undefined)
        throw new UsageError(
          `The name of the directory becomes that of the template: ${basename(resolve(directory))}; ${problem}`,
        );
      const files = await copyStarter(directory);
      if (json) return printJson({ directory, files });
      print(directory);
      warn(`${directory}: ${files.length} files, an invoice with its logo, fonts, sample data and two languages.

Type next:
  npx pdfprompt render ${quoted(directory)}            prints it with the sample data
  npx pdfprompt render ${quoted(directory)} --watch    prints it again at each save
  npx pdfprompt templates push ${quoted(directory)}    saves it as a template of a running service, such as \`npx pdfprompt up\``);
    });
}

/** @returns the files that were made @throws OperatorError, before anything is written, if one of them is there already */
async function copyStarter(directory: string): Promise<string[]> {
  const entries = await readdir(STARTER, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(STARTER.length))
    .toSorted();
  const existing: string[] = [];
  for (const file of files) if (await exists(join(directory, file))) existing.push(file);
  if (existing.length > 0)
    throw new OperatorError(
      `${directory} has ${existing.join(', ')} already; nothing was written. Allowed: a directory without them`,
    );
  for (const file of files) {
    const target = join(directory, file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(STARTER, file), target, constants.COPYFILE_EXCL);
  }
  return files;
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** For a shell. */
const quoted = (text: string) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

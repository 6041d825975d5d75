import { Command } from 'commander';
import { UsageError } from '../../kernel/errors.ts';
import { backupJson, backupText } from '../backup-text.ts';
import { printJson, progress, warn } from '../output.ts';
import { readConfig } from '../settings-flags.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description('Back up the database, and the PDFs of a directory, while the service runs')
    .argument('<file>', 'to write, such as pdfprompt.backup; - for stdout')
    .option('--json', 'one JSON document on stdout')
    .action(async (path: string, options: Record<string, unknown> & { json?: boolean }) => {
      const isStream = path === '-';
      if (isStream && options.json) throw new UsageError('--json: stdout has the backup. Name a file.');
      if (isStream && process.stdout.isTTY)
        throw new UsageError('A backup is no text for a terminal. Name a file, or add a pipe.');
      const input = { config: readConfig(options), onProgress: progress };
      const { backUp, backUpToFile } = await import('../../runtime/backup.ts');
      const { bytes, ...contents } = await (isStream ? backUp(input, process.stdout) : backUpToFile(input, path));
      if (options.json) printJson({ file: path, ...backupJson(contents, bytes) });
      else warn(`${isStream ? 'The backup' : path} has ${backupText(contents, bytes)}`);
    });
}

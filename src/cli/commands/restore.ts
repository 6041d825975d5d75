import { Command } from 'commander';
import { backupJson, backupText } from '../backup-text.ts';
import { confirm } from '../confirm.ts';
import { printJson, progress, warn } from '../output.ts';
import { readConfig } from '../settings-flags.ts';

type Options = Record<string, unknown> & { yes?: boolean; check?: boolean; json?: boolean };

export function restoreCommand(): Command {
  return new Command('restore')
    .description('Restore a backup into an empty database. A damaged file is refused before anything is written')
    .argument('<file>', 'that `pdfprompt backup` has written')
    .option('--check', 'only read all of the file, and say what is in it')
    .option('--yes', 'without asking')
    .option('--json', 'one JSON document on stdout')
    .action(async (path: string, options: Options) => {
      const config = readConfig(options);
      const { checkBackupFile, restore } = await import('../../runtime/restore.ts');
      progress('Checking the file');
      const backup = await checkBackupFile(path);
      const { bytes } = backup;
      warn(`${path} has ${backupText(backup, bytes)}`);
      if (options.check) {
        if (options.json) printJson({ file: path, ...backupJson(backup, bytes) });
        return;
      }
      await confirm('Restore it into the database of the settings?', options);
      const { queued } = await restore({ config, onProgress: progress }, backup);
      if (options.json) return printJson({ file: path, ...backupJson(backup, bytes), queued });
      warn(`All of it is restored. ${queued === 1 ? '1 job waits' : `${queued} jobs wait`} for a worker.`);
    });
}

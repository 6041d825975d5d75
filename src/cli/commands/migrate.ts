import { Command } from 'commander';
import { print, progress } from '../output.ts';
import { readConfig } from '../settings-flags.ts';

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Bring the database to this version')
    .option('--check', 'only say what is missing; exit 1 if anything is')
    .action(async (options: Record<string, unknown> & { check?: boolean }) => {
      const config = readConfig(options);
      const { acquireDatabase, migrateDatabase } = await import('../../runtime/database.ts');
      const handle = await acquireDatabase(config, progress);
      try {
        const { pending } = await migrateDatabase({
          url: handle.directUrl,
          config,
          check: options.check === true,
          onProgress: progress,
        });
        if (options.check) {
          print(
            pending.length === 0
              ? 'The database is up to date.'
              : `The database lacks ${pending.join(', ')}. Type: pdfprompt migrate`,
          );
          if (pending.length > 0) process.exitCode = 1;
        } else
          print(pending.length === 0 ? 'Nothing to do: the database is up to date.' : `Applied ${pending.join(', ')}.`);
      } finally {
        await handle.release();
      }
    });
}

import { Command } from 'commander';
import { print, printJson, progress, warn } from '../output.ts';
import { readConfig } from '../settings-flags.ts';

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Bring the database to this version')
    .option('--check', 'only say what is missing; exit 1 if anything is')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Record<string, unknown> & { check?: boolean; json?: boolean }) => {
      const config = readConfig(options);
      const { acquireDatabase } = await import('../../runtime/acquire-database.ts');
      const { migrateDatabase } = await import('../../runtime/database.ts');
      const handle = await acquireDatabase(config, progress);
      try {
        const { pending } = await migrateDatabase({
          url: handle.directUrl,
          config,
          check: options.check === true,
          onProgress: progress,
        });
        if (options.check && pending.length > 0) process.exitCode = 1;
        if (options.json) return printJson(options.check ? { lacks: pending } : { applied: pending });
        for (const name of pending) print(name);
        if (pending.length === 0) warn('The database is up to date.');
        else warn(options.check ? 'The database lacks these. Type: pdfprompt migrate' : 'Applied.');
      } finally {
        await handle.release();
      }
    });
}

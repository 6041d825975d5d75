import { Command } from 'commander';
import { OperatorError } from '../../kernel/errors.ts';
import { print, printJson } from '../output.ts';
import { readConfig } from '../settings-flags.ts';

export function dbCommand(): Command {
  const url = new Command('url')
    .description('The address of the database, with its password: psql "$(pdfprompt db url)"')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Record<string, unknown> & { json?: boolean }) => {
      const { databaseUrl, dataDir } = readConfig(options);
      const found = databaseUrl ?? (await embeddedUrl(dataDir));
      if (options.json) printJson({ url: found, isEmbedded: databaseUrl === undefined });
      else print(found);
    });
  return new Command('db').description('The database').addCommand(url);
}

async function embeddedUrl(dataDir: string): Promise<string> {
  const { runningEmbedded } = await import('../../db/embedded.ts');
  const url = await runningEmbedded(dataDir);
  if (url !== undefined) return url;
  throw new OperatorError(
    `The embedded Postgres of ${dataDir} does not run, and has no address. Type: pdfprompt up, and this in another terminal`,
  );
}

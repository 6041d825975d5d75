import { Command } from 'commander';
import { PRIORITY_NAMES } from '../../domain/priority.ts';
import { accountVerb } from '../account-verb.ts';
import { figure, printJson, printRows, warn } from '../output.ts';
import { toLimit } from '../to-limit.ts';
import { toNumber } from '../to-number.ts';

type Options = Record<string, unknown> & { json?: boolean };

const LIST = 'pdfprompt tiers';

export function tiersCommand(): Command {
  return new Command('tiers')
    .description('The tiers and their limits; without a command they are listed, with --json as JSON')
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(setCommand())
    .addCommand(deleteCommand());
}

function listCommand(): Command {
  return new Command('list')
    .description('Every tier and its limits')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Options) => {
      const { listTiers } = await import('../../accounts/tiers.ts');
      const tiers = await accountVerb(options, LIST, listTiers);
      if (options.json) return printJson({ data: tiers });
      const limit = (value: number | null) => (value === null ? 'none' : figure(value));
      const rows = tiers.map((tier) => [
        tier.name,
        limit(tier.requestsPerMinute),
        limit(tier.requestsPerDay),
        `${tier.priority} ${PRIORITY_NAMES[tier.priority]?.toUpperCase()}`,
        tier.retention ? `${figure(tier.retention)} s` : 'PDF_RETENTION',
      ]);
      printRows(rows, ['TIER', 'A MINUTE', 'A DAY', 'PRIORITY', 'FILES ARE KEPT']);
    });
}

function setCommand(): Command {
  return new Command('set')
    .description('Make a tier, or give it other limits, which hold from now on')
    .argument('<name>', 'of the tier')
    .requiredOption('--minute <N>', 'requests in any 60 seconds, or none: no limit')
    .requiredOption('--day <N>', 'requests in a UTC day, or none: no limit')
    .requiredOption('--priority <0-3>', '0 low, 1 medium, 2 high, 3 critical')
    .option('--retention <SECONDS>', 'that files are kept, or none: as PDF_RETENTION says', 'none')
    .option('--json', 'one JSON document on stdout')
    .action(
      async (name: string, options: Options & { minute: string; day: string; priority: string; retention: string }) => {
        const { defineTier } = await import('../../accounts/tiers.ts');
        const { isNew } = await accountVerb(options, LIST, (db) =>
          defineTier(db, {
            name,
            requestsPerMinute: toLimit(options.minute),
            requestsPerDay: toLimit(options.day),
            priority: toNumber(options.priority),
            retention: toLimit(options.retention),
          }),
        );
        if (options.json) return printJson({ name, isNew });
        warn(isNew ? `There is a tier ${name} now.` : `The tier ${name} has these limits now.`);
      },
    );
}

function deleteCommand(): Command {
  return new Command('delete')
    .description('Delete a tier that nobody is on')
    .argument('<name>', `from \`${LIST}\``)
    .option('--json', 'one JSON document on stdout')
    .action(async (name: string, options: Options) => {
      const { deleteTier } = await import('../../accounts/tiers.ts');
      await accountVerb(options, LIST, (db) => deleteTier(db, name));
      if (options.json) return printJson({ name });
      warn(`The tier ${name} is gone.`);
    });
}

import { Command } from 'commander';
import { accountVerb } from '../account-verb.ts';
import { printJson, warn } from '../output.ts';

export function tierCommand(): Command {
  const set = new Command('set')
    .description("Change a user's subscription")
    .requiredOption('--user <email>', 'who')
    .requiredOption('--tier <tier>', 'one of `pdfprompt tiers`')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Record<string, unknown> & { user: string; tier: string; json?: boolean }) => {
      const { setTier } = await import('../../accounts/subscriptions.ts');
      const { getUser } = await import('../../accounts/users.ts');
      const user = await accountVerb(options, `pdfprompt keys create --user ${options.user}`, async (db) => {
        const { id } = await getUser(db, { email: options.user });
        return setTier(db, { userId: id, tier: options.tier });
      });
      if (options.json) return printJson({ user: user.email, tier: user.tier });
      warn(`${user.email} is on ${user.tier}.`);
    });
  return new Command('tier').description('Subscriptions').addCommand(set);
}

import { Command } from 'commander';
import { accountVerb } from '../account-verb.ts';
import { print } from '../output.ts';

export function tierCommand(): Command {
  const set = new Command('set')
    .description("Change a user's subscription")
    .requiredOption('--user <email>', 'who')
    .requiredOption('--tier <tier>', 'one of `pdfprompt tiers`')
    .action(async (options: Record<string, unknown> & { user: string; tier: string }) => {
      const { setTier } = await import('../../accounts/subscriptions.ts');
      const { getUser } = await import('../../accounts/users.ts');
      const user = await accountVerb(options, `pdfprompt keys create --user ${options.user}`, async (db) => {
        const { id } = await getUser(db, { email: options.user });
        return setTier(db, { userId: id, tier: options.tier });
      });
      print(`${user.email} is on ${user.tier}.`);
    });
  return new Command('tier').description('Subscriptions').addCommand(set);
}

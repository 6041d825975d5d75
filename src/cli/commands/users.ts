import { Command } from 'commander';
import { accountVerb } from '../account-verb.ts';
import { confirm } from '../confirm.ts';
import { printJson, warn } from '../output.ts';
import { userLimitsCommand } from './user-limits.ts';

type Options = Record<string, unknown> & { yes?: boolean; json?: boolean };

export function usersCommand(): Command {
  return new Command('users')
    .description('Users, and all that is theirs')
    .addCommand(userLimitsCommand())
    .addCommand(deleteCommand());
}

function deleteCommand(): Command {
  return new Command('delete')
    .description('Erase a user: keys, jobs, PDFs. What they were charged for stays in sums without a name')
    .argument('<email>', 'whose, as `pdfprompt keys list` has it')
    .option('--yes', 'without asking')
    .option('--json', 'one JSON document on stdout')
    .action(async (email: string, options: Options) => {
      await confirm(`Erase ${email} with every key, job and PDF?`, options);
      const { eraseUserByEmail } = await import('../../runtime/erase-user.ts');
      const erased = await accountVerb(
        options,
        'pdfprompt keys list',
        (db, config) => eraseUserByEmail({ db, config }, email),
        { email: 'EMAIL' },
      );
      if (options.json) return printJson({ id: erased.id, jobs: erased.jobs });
      warn(`${email} is gone, with ${erased.jobs === 1 ? '1 job' : `${erased.jobs} jobs`}.`);
    });
}

import { Command } from 'commander';
import type { User } from '../../accounts/users.ts';
import type { Database } from '../../db/pools.ts';
import type { DescribedUser } from '../../jobs/describe-user.ts';
import { UsageError } from '../../kernel/errors.ts';
import { accountVerb } from '../account-verb.ts';
import { confirm } from '../confirm.ts';
import { figure, printJson, printRows, warn } from '../output.ts';
import { toNumber } from '../to-number.ts';
import { userLimitsCommand } from './user-limits.ts';

type Options = Record<string, unknown> & { yes?: boolean; json?: boolean };

const LIST = 'pdfprompt users list';
const PAGE = 100;
const MOST = 100_000;

export function usersCommand(): Command {
  return new Command('users')
    .description('Users, and all that is theirs')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(userLimitsCommand())
    .addCommand(deleteCommand());
}

function listCommand(): Command {
  return new Command('list')
    .description('Users, the oldest first; of an email, in the order of the emails')
    .option('--email <start>', 'only those whose email begins so')
    .option('--limit <N>', `users at most, up to ${MOST}`, '100')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Options & { email?: string; limit: string }) => {
      const limit = toNumber(options.limit);
      if (!(limit >= 1 && limit <= MOST))
        throw new UsageError(`--limit: ${JSON.stringify(options.limit)} is not allowed; allowed: 1 to ${MOST}`);
      const start = options.email?.trim().toLowerCase();
      const users = await accountVerb(options, LIST, (db) =>
        start === undefined ? firstUsers(db, limit) : usersFrom(db, start, limit),
      );
      if (options.json) return printJson({ data: users });
      if (users.length === 0) return warn('No user fits. Type: pdfprompt keys create --user ann@example.com');
      const rows = users.map(({ id, email, tier, createdAt }) => [id, email, tier ?? 'none', createdAt]);
      printRows(rows, ['ID', 'EMAIL', 'TIER', 'SINCE']);
    });
}

async function firstUsers(db: Database, limit: number): Promise<User[]> {
  const { listUsers } = await import('../../accounts/users.ts');
  const found: User[] = [];
  let cursor: string | undefined;
  do {
    const page = await listUsers(db, { limit: Math.min(PAGE, limit - found.length), cursor });
    found.push(...page.data);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && found.length < limit);
  return found;
}

async function usersFrom(db: Database, start: string, limit: number): Promise<User[]> {
  const { usersByEmail } = await import('../../accounts/users-by-email.ts');
  const { getUser } = await import('../../accounts/users.ts');
  const found: User[] = [];
  for (const { id } of await usersByEmail(db, start, limit)) found.push(await getUser(db, { id }));
  return found;
}

function showCommand(): Command {
  return new Command('show')
    .description('A user: tier, what is left of the limits, keys and jobs')
    .argument('<email>', `as \`${LIST}\` has it`)
    .option('--json', 'one JSON document on stdout')
    .action(async (email: string, options: Options) => {
      const { describeUser } = await import('../../jobs/describe-user.ts');
      const user = await accountVerb(options, LIST, (db) => describeUser(db, email), { email: 'EMAIL' });
      if (options.json) printJson(user);
      else printRows(rowsOf(user));
    });
}

function rowsOf({ id, email, tier, createdAt, allowances, today, keys, jobs }: DescribedUser): string[][] {
  return [
    ['id', id],
    ['email', email],
    ['tier', tier ?? 'none'],
    ['since', createdAt],
    ...allowances.map(({ name, used, quota }) => [`this ${name}`, `${figure(used)} of ${figure(quota)} requests`]),
    ...(today ? [['charged today', `${figure(today.completed)} documents, ${figure(today.pages)} pages`]] : []),
    ['keys', figure(keys)],
    ...Object.entries(jobs).map(([status, count]) => [`${status} jobs`, figure(count)]),
  ];
}

function deleteCommand(): Command {
  return new Command('delete')
    .description('Erase a user: keys, jobs, PDFs. What they were charged for stays in sums without a name')
    .argument('<email>', `whose, as \`${LIST}\` has it`)
    .option('--yes', 'without asking')
    .option('--json', 'one JSON document on stdout')
    .action(async (email: string, options: Options) => {
      await confirm(`Erase ${email} with every key, job and PDF?`, options);
      const { eraseUserByEmail } = await import('../../runtime/erase-user.ts');
      const erased = await accountVerb(options, LIST, (db, config) => eraseUserByEmail({ db, config }, email), {
        email: 'EMAIL',
      });
      if (options.json) return printJson({ id: erased.id, jobs: erased.jobs });
      warn(`${email} is gone, with ${erased.jobs === 1 ? '1 job' : `${erased.jobs} jobs`}.`);
    });
}

import { Command } from 'commander';
import type { ListedKey } from '../../accounts/keys.ts';
import { SCOPES } from '../../domain/scope.ts';
import type { Tier } from '../../domain/tier.ts';
import { accountVerb } from '../account-verb.ts';
import { print, printJson, printRows, warn } from '../output.ts';
import { toNumber } from '../to-number.ts';

// accounts/ is imported when a command runs: help and typos need no database driver.

type Options = Record<string, unknown> & { json?: boolean };

const LIST = 'pdfprompt keys list';
const create = (email = 'ann@example.com') => `pdfprompt keys create --user ${email}`;

export function keysCommand(): Command {
  return new Command('keys')
    .description('API keys')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(revokeCommand());
}

function createCommand(): Command {
  return new Command('create')
    .description('A new key; the user and the subscription are made if new. The key is shown once')
    .requiredOption('--user <email>', 'whose key it is')
    .option('--tier <tier>', "the user's tier from now on; a new user starts on starter")
    .option('--scopes <list>', `what it may do: some of ${SCOPES.join(',')} (default: all but admin)`)
    .option('--expires <time>', 'until when it is valid: 2031-12-31, or with a time 2031-12-31T12:00:00Z')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Options & { user: string; tier?: string; scopes?: string; expires?: string }) => {
      const { createKey } = await import('../../accounts/keys.ts');
      const { findTier } = await import('../../accounts/tiers.ts');
      const { created, limits } = await accountVerb(options, LIST, async (db) => {
        const made = await createKey(db, {
          email: options.user,
          tier: options.tier,
          scopes: options.scopes?.split(',').map((scope) => scope.trim()),
          expiresAt: options.expires?.replace(/^\d{4}-\d\d-\d\d$/, '$&T00:00:00Z'),
        });
        return { created: made, limits: made.tier === null ? undefined : await findTier(db, made.tier) };
      });
      if (options.json) return printJson(created);
      const { key, user, tier, id, scopes, expiresAt } = created;
      const until = expiresAt === null ? '' : `, valid until ${expiresAt}`;
      print(key);
      warn(`The key of ${user} (${tier}), id ${id}, for ${scopes.join(', ')}${until}. It is not shown again.`);
      if (limits) warn(limitsText(limits, user));
    });
}

/** The limits of the tier, and how to be without them: a service of one's own does not need those of customers. */
function limitsText({ name, requestsPerMinute, requestsPerDay }: Tier, email: string): string {
  const limits = [
    ...(requestsPerMinute === null ? [] : [`${requestsPerMinute} a minute`]),
    ...(requestsPerDay === null ? [] : [`${requestsPerDay} a day`]),
  ];
  if (limits.length === 0) return `The tier ${name} has no limits.`;
  return `The tier ${name} allows ${limits.join(', ')}. For your own service, without limits: pdfprompt tier set --user ${email} --tier system`;
}

function listCommand(): Command {
  return new Command('list')
    .description('Every key there is, the ended ones too')
    .option('--user <email>', 'only the keys of this user')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Options & { user?: string }) => {
      const { listKeys } = await import('../../accounts/keys.ts');
      const { data } = await accountVerb(options, create(options.user), (db) => listKeys(db, { email: options.user }));
      if (options.json) return printJson({ data });
      if (data.length === 0) return warn(`There are no keys yet. Type: ${create()}`);
      const now = new Date().toISOString();
      const rows = data.map((key) => [
        key.id,
        key.user,
        key.tier ?? 'none',
        `${key.prefix}…`,
        key.scopes.join(','),
        key.createdAt.slice(0, 16),
        key.lastUsedAt?.slice(0, 16) ?? 'never used',
        endOf(key, now),
      ]);
      printRows(rows, ['ID', 'USER', 'TIER', 'KEY', 'SCOPES', 'CREATED', 'LAST USED', 'ENDS']);
    });
}

/** @param now as the key's instants are written */
function endOf({ revokedAt, expiresAt }: ListedKey, now: string): string {
  if (revokedAt !== null) return `revoked ${revokedAt.slice(0, 16)}`;
  if (expiresAt === null) return '';
  return `${expiresAt <= now ? 'expired' : 'expires'} ${expiresAt.slice(0, 16)}`;
}

function rotateCommand(): Command {
  return new Command('rotate')
    .description('A new key in place of an old one, which is valid for some time more. The key is shown once')
    .argument('<id>', `of the old key, from \`${LIST}\``)
    .option('--grace <seconds>', 'how long the old key is valid beside the new one; 0 ends it at once (default: 86400)')
    .option('--json', 'one JSON document on stdout')
    .action(async (id: string, options: Options & { grace?: string }) => {
      const { rotateKey } = await import('../../accounts/rotate-key.ts');
      const rotated = await accountVerb(options, LIST, (db) =>
        rotateKey(db, { id, graceSeconds: options.grace === undefined ? undefined : toNumber(options.grace) }),
      );
      if (options.json) return printJson(rotated);
      print(rotated.key);
      warn(
        `The new key of ${rotated.user}, id ${rotated.id}. It is not shown again. The old key, id ${rotated.replaces}, is valid until ${rotated.replacedExpiresAt}.`,
      );
    });
}

function revokeCommand(): Command {
  return new Command('revoke')
    .description('End a key for good')
    .argument('<id>', `from \`${LIST}\``)
    .option('--json', 'one JSON document on stdout')
    .action(async (id: string, options: Options) => {
      const { revokeKey } = await import('../../accounts/keys.ts');
      await accountVerb(options, LIST, (db) => revokeKey(db, id));
      if (options.json) return printJson({ id });
      warn(`Key ${id} is revoked.`);
    });
}

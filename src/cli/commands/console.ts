import { Command } from 'commander';
import { signInUrl } from '../../domain/sign-in-url.ts';
import { accountVerb } from '../account-verb.ts';
import { print, printJson, warn } from '../output.ts';

type Options = Record<string, unknown> & { user?: string; scopes?: string; json?: boolean };

export function consoleCommand(): Command {
  return new Command('console')
    .description('A link that signs in to the console once, within 15 minutes')
    .option('--user <email>', 'whose session it is, as the audit log will have it (default: operator@localhost)')
    .option('--scopes <list>', 'what the session may do: console:read, console:documents, operator, admin', 'admin')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Options) => {
      const { createSignInLink } = await import('../../accounts/sign-in-links.ts');
      const { link, url } = await accountVerb(options, 'pdfprompt console', async (db, { publicUrl, port }) => {
        const made = await createSignInLink(db, {
          email: options.user,
          scopes: options.scopes?.split(',').map((scope) => scope.trim()),
        });
        return { link: made, url: signInUrl(publicUrl ?? `http://localhost:${port}`, made) };
      });
      const { user, userId, scopes, expiresAt } = link;
      if (options.json) return printJson({ url, user, userId, scopes, expiresAt });
      print(url);
      warn(`Signs in once, until ${expiresAt}, as ${user}, for ${scopes.join(', ')}.`);
    });
}

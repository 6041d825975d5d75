import type { Command } from 'commander';
import { validate as isUuid } from 'uuid';
import type { JobFilter } from '../domain/job-filter.ts';
import type { Database } from '../db/pools.ts';
import { UsageError } from '../kernel/errors.ts';

/** The flags of a filter, by its fields: what `GET /v1/admin/jobs` takes. */
const FLAGS = {
  status: ['--status <status>', 'scheduled, queued, processing, completed, failed or cancelled'],
  user: ['--user <email>', 'whose: an email, or the id of a user'],
  email: ['--email <start>', "the beginning of the user's email"],
  id: ['--id <start>', "the beginning of the job's id"],
  filename: ['--filename <start>', "the beginning of the file's name"],
  error: ['--error <code>', 'the code of the error that it failed with'],
  tier: ['--tier <tier>', "the user's tier when it was accepted"],
  template: ['--template <name>', 'a template, or one of its versions: invoice@7'],
  batch: ['--batch <id>', 'the batch that it is an item of'],
  after: ['--after <time>', 'accepted then or later: 2026-11-27, or 2026-11-27T12:00:00Z'],
  before: ['--before <time>', 'accepted earlier than that'],
  retried: ['--retried <true|false>', 'whether it was retried'],
} as const;

/** The flags as {@link accountVerb} names them in its errors. */
export const FLAG_NAMES: Record<string, string> = {
  ...Object.fromEntries(Object.keys(FLAGS).map((field) => [field, `--${field}`])),
  metadata: '--metadata',
};

const collect = (entry: string, before: string[] = []) => [...before, entry];

export function addJobFlags(command: Command): Command {
  for (const [flag, description] of Object.values(FLAGS)) command.option(flag, description);
  return command.option(
    '--metadata <key=value>',
    'an entry of its metadata; a value that ends in * is a beginning; may be given again',
    collect,
  );
}

/** @throws UsageError, CodedError `invalid_request` with the fields of a filter, `not_found`: there is no such user */
export async function readJobFlags(db: Database, options: Record<string, unknown>): Promise<JobFilter> {
  const { readJobFilter } = await import('../domain/job-filter.ts');
  const fields: Record<string, string> = {};
  for (const field of Object.keys(FLAGS)) if (typeof options[field] === 'string') fields[field] = options[field];
  for (const entry of (options.metadata ?? []) as string[]) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(entry) ?? [];
    if (key === undefined || value === undefined)
      throw new UsageError(
        `--metadata: ${JSON.stringify(entry)} is not allowed; allowed: KEY=VALUE, such as order=A-17`,
      );
    fields[`metadata.${key}`] = value;
  }
  if (fields.user?.includes('@')) {
    const { getUser } = await import('../accounts/users.ts');
    fields.user = (await getUser(db, { email: fields.user })).id;
  } else if (fields.user !== undefined && !isUuid(fields.user))
    throw new UsageError(
      `--user: ${JSON.stringify(fields.user)} is not allowed; allowed: an email, or the id of a user`,
    );
  return readJobFilter(fields);
}

import type { Config } from '../config/load.ts';
import type { Database } from '../db/pools.ts';
import { CodedError, invalidFields, OperatorError, UsageError } from '../kernel/errors.ts';
import { progress } from './output.ts';
import { readConfig } from './settings-flags.ts';

/** The flags by the fields of the verbs. */
const FLAGS: Record<string, string> = {
  email: '--user',
  tier: '--tier',
  scopes: '--scopes',
  expiresAt: '--expires',
  graceSeconds: '--grace',
  name: 'NAME',
  requestsPerMinute: '--minute',
  requestsPerDay: '--day',
  priority: '--priority',
  retention: '--retention',
};

/**
 * Runs a function of accounts/ with the database of the settings.
 * @param hint the command to suggest if there is no such user, key or tier
 * @param flags those that differ from the usual ones
 * @throws UsageError for invalid input, OperatorError for what cannot be done now
 */
export async function accountVerb<T>(
  options: Record<string, unknown>,
  hint: string,
  verb: (db: Database, config: Config) => Promise<T>,
  flags: Record<string, string> = {},
): Promise<T> {
  const config = readConfig(options);
  const { withDatabase } = await import('../runtime/database.ts');
  try {
    return await withDatabase({ config, onProgress: progress }, ({ db }) => verb(db, config));
  } catch (error) {
    throw error instanceof CodedError ? operatorError(error, hint, { ...FLAGS, ...flags }) : error;
  }
}

function operatorError(error: CodedError, hint: string, flags: Record<string, string>): OperatorError {
  if (error.code === 'not_found') return new UsageError(`${error.message}. Type: ${hint}`, { cause: error });
  if (error.code !== 'invalid_request') return new OperatorError(error.message, { cause: error });
  const named = (error.fields ?? []).map(({ field, message }) => ({ field: flags[nameOf(field)] ?? field, message }));
  const cause = invalidFields(named);
  return new UsageError(cause.message, { cause });
}

/** `scopes` for `scopes[1]`. */
function nameOf(field: string): string {
  return /^\w*/.exec(field)?.[0] ?? '';
}

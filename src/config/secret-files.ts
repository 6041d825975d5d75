import { readFileSync } from 'node:fs';
import { messageOf, UsageError } from '../kernel/errors.ts';
import { SETTING_LIST } from './settings.ts';

type Environment = Record<string, string | undefined>;

/**
 * `DATABASE_URL_FILE=/run/secrets/database_url` sets `DATABASE_URL` to the content of that file, and so for every
 * secret setting: containers get their secrets as files.
 * @throws UsageError that lists every problem at once
 */
export function readSecretFiles(env: Environment): Environment {
  const read: Environment = {};
  const problems: string[] = [];
  for (const { env: name } of SETTING_LIST.filter((setting) => setting.secret)) {
    const path = env[`${name}_FILE`];
    if (!path) continue;
    if (env[name]) problems.push(`${name}_FILE: ${name} is set as well; allowed: one of them`);
    try {
      read[name] = readFileSync(path, 'utf8').trim();
    } catch (error) {
      problems.push(
        `${name}_FILE: ${path} cannot be read: ${messageOf(error)}; allowed: a file with the value of ${name}`,
      );
    }
  }
  if (problems.length > 0)
    throw new UsageError(`The settings have a problem:\n${problems.map((line) => `  - ${line}`).join('\n')}`);
  return { ...env, ...read };
}

import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Config } from '../config/load.ts';
import {
  parseTemplateName,
  TEMPLATE_ENTRIES,
  TEMPLATE_NAME_ALLOWED,
  templateNameProblem,
} from '../domain/template-name.ts';
import { UsageError } from '../kernel/errors.ts';
import { pushTemplate } from './push-template.ts';
import type { ServiceClient } from '../kernel/service-client.ts';
import type { RemoteTemplate } from './template-folder.ts';

/**
 * The template of a batch with its version: `invoice@7`. A directory with a template is pushed first, under its name.
 * @param text a name, or the path of a directory
 * @param say is called with what was pushed
 * @throws UsageError if it is neither
 */
export async function batchTemplate(
  client: ServiceClient,
  text: string,
  { config, say }: { config: Config; say: (text: string) => void },
): Promise<string> {
  if (await isTemplate(text)) {
    const folder = basename(resolve(text));
    const problem = templateNameProblem(folder);
    if (problem !== undefined)
      throw new UsageError(
        `${text}: ${JSON.stringify(folder)} is no name of a template; ${problem}; or \`pdfprompt templates push\` with --name first`,
      );
    const { name, version, isNew } = await pushTemplate(client, text, { check: true, config });
    say(`${text}: ${isNew ? 'pushed as' : 'unchanged since'} ${name}@${version}`);
    return `${name}@${version}`;
  }
  if (!parseTemplateName(text)) {
    const entries = TEMPLATE_ENTRIES.join(', ').replace(/, (?=[^,]*$)/, ' or ');
    throw new UsageError(`${JSON.stringify(text)}; ${TEMPLATE_NAME_ALLOWED}; or a directory with ${entries}`);
  }
  const { name, version } = await client.json<RemoteTemplate>({ method: 'GET', path: `/v1/templates/${text}` });
  return `${name}@${version}`;
}

async function isTemplate(path: string): Promise<boolean> {
  for (const entry of TEMPLATE_ENTRIES)
    if ((await stat(join(path, entry)).catch(() => undefined))?.isFile()) return true;
  return false;
}

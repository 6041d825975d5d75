import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Config } from '../config/load.ts';
import { MAX_FILES } from '../domain/source.ts';
import { templateNameProblem } from '../domain/template-name.ts';
import { UsageError } from '../kernel/errors.ts';
import type { ServiceClient } from '../kernel/service-client.ts';
import { type RemoteTemplate, sendFiles } from './template-folder.ts';

interface Pushed {
  name: string;
  version: number;
  /** whether anything differs from the version before */
  isNew: boolean;
  /** ids by their paths */
  files: Record<string, string>;
}

/**
 * Saves a directory as a template of the service.
 * @param name default: that of the directory
 * @param check whether it has to be possible to fill it in with its own data.json
 * @throws UsageError, or OperatorError that names the file and the line of a mistake
 */
export async function pushTemplate(
  client: ServiceClient,
  directory: string,
  { name = basename(resolve(directory)), check, config }: { name?: string | undefined; check: boolean; config: Config },
): Promise<Pushed> {
  const problem = templateNameProblem(name);
  if (problem !== undefined) throw new UsageError(`--name: ${JSON.stringify(name)} is no name; ${problem}`);
  if (!(await stat(directory).catch(() => undefined))?.isDirectory())
    throw new UsageError(`${directory}: allowed: a directory with the files of a template`);
  if (check) {
    const { checkTemplate } = await import('./check-template.ts');
    await checkTemplate(directory, config);
  }
  const { listFolder } = await import('../sources/folder-listing.ts');
  const files = await sendFiles(client, await listFolder(directory, MAX_FILES));
  const response = await client.send({
    method: 'PUT',
    path: `/v1/templates/${name}`,
    body: JSON.stringify({ files }),
    type: 'application/json',
  });
  const { version } = (await response.json()) as RemoteTemplate;
  return { name, version, isNew: response.status === 201, files };
}

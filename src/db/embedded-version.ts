import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError } from '../kernel/errors.ts';

/** The release that used the data last, beside it. */
const RELEASE = 'release';

interface ServerFiles {
  directory: string;
  /** in it */
  data: string;
}

/**
 * @param version of the server's programs, `18.4.0`
 * @throws OperatorError that says what to type if another major version of Postgres wrote the data
 */
export async function checkMajorVersion({ directory, data }: ServerFiles, version: string): Promise<void> {
  const found = Number((await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => '')).trim());
  const major = Number.parseInt(version, 10);
  if (!found || found === major) return;
  const begin = `The data in ${data} is of Postgres ${found}, and this pdfprompt brings Postgres ${major}, which cannot use it. Nothing was changed.`;
  if (found > major) throw new OperatorError(`${begin} A later release of pdfprompt wrote it: use that.`);
  const release = (await readFile(join(directory, RELEASE), 'utf8').catch(() => '')).trim();
  throw new OperatorError(
    [
      `${begin} Back it up with the release before, move it, and restore it:`,
      `  npx pdfprompt@${release || 'VERSION'} backup pdfprompt.backup${release ? '' : '   # VERSION: the one that you had before'}`,
      `  mv ${directory} ${directory}-${found}`,
      '  pdfprompt restore pdfprompt.backup',
    ].join('\n'),
  );
}

/** So that a later release can say which one to use. */
export async function noteRelease({ directory }: Pick<ServerFiles, 'directory'>, release: string): Promise<void> {
  await writeFile(join(directory, RELEASE), `${release}\n`);
}

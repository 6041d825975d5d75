import { execFile } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryDirectory } from './files.ts';

const run = promisify(execFile);
const TARBALL = fileURLToPath(new URL('../fixtures/previous-release.tgz', import.meta.url));
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

/**
 * The package of the release before, as it was published, with the dependencies of this checkout.
 * @returns its `bin/pdfprompt.js`
 */
export async function unpackPreviousRelease(): Promise<string> {
  const home = await temporaryDirectory('previous');
  await run('tar', ['-xzf', TARBALL, '-C', home]);
  await symlink(MODULES, join(home, 'node_modules'));
  return join(home, 'package', 'bin', 'pdfprompt.js');
}

/** The names of its migrations, in order. */
export async function previousMigrations(): Promise<string[]> {
  const { stdout } = await run('tar', ['-tzf', TARBALL]);
  return [...stdout.matchAll(/^package\/sql\/(\d{4}_\w+\.sql)$/gm)].map(([, name]) => name ?? '').toSorted();
}

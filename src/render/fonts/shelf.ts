import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { type Identity, isReachable, reachableDirectory } from '../../kernel/privileges.ts';
import { chromiumIdentity } from '../chromium-identity.ts';
import type { FoundFile } from './font-places.ts';
import { fontsConf } from './fonts-conf.ts';
import type { Twin } from './twins.ts';

interface ShelfOptions {
  dataDir: string;
  base: string | undefined;
  hasGeneric: boolean;
  twins: readonly Twin[];
}

/** that this process has begun: each has a directory of its own, with a name that a later process with its number clears */
let drafts = 0;

/**
 * Puts fonts where the browser finds them: one directory with nothing but links to these files, or copies where its user
 * cannot read them, so that it opens no other file. What fontconfig finds out about them is kept there too: for large
 * fonts that takes longer than a browser needs to start. Other fonts get another directory.
 * @returns the path of the configuration
 */
export async function shelve(files: readonly FoundFile[], options: ShelfOptions): Promise<string> {
  const identity = chromiumIdentity();
  const rules = fontsConf({ directory: '', cache: '', ...options }); // of another release, perhaps others
  const key = createHash('sha256')
    .update(JSON.stringify([files.map(fingerprint), rules]))
    .digest('hex')
    .slice(0, 16);
  const home = resolve(await reachableDirectory(options.dataDir, 'chromium', identity), `fonts-${key}`);
  const conf = join(home, 'fonts.conf');
  if (existsSync(conf)) return conf;
  const draft = `${home}.${process.pid}.${drafts++}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(join(draft, 'files'), { recursive: true, mode: 0o755 });
  await mkdir(join(draft, 'cache'), { mode: 0o700 });
  if (identity) await chown(join(draft, 'cache'), identity.uid, identity.gid);
  for (const [index, { path }] of files.entries()) {
    const target = join(draft, 'files', `${index}${extname(path).toLowerCase()}`);
    const source = await realpath(path);
    if (identity && !isReadable(source, identity)) {
      await copyFile(source, target);
      await chmod(target, 0o644);
    } else await symlink(source, target);
  }
  const paths = { directory: join(home, 'files'), cache: join(home, 'cache') };
  await writeFile(join(draft, 'fonts.conf'), fontsConf({ ...paths, ...options }));
  await rename(draft, home).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(conf)) throw error; // otherwise somebody else was faster
  });
  return conf;
}

function isReadable(path: string, identity: Identity): boolean {
  const { mode, uid } = statSync(path);
  return isReachable(dirname(path), identity) && ((mode & 0o004) !== 0 || uid === identity.uid);
}

const fingerprint = ({ path, size, mtimeMs }: FoundFile) => [path, size, mtimeMs];

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, OperatorError } from './errors.ts';

/** Who a child process runs as. */
export interface Identity {
  uid: number;
  gid: number;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Postgres and Chromium's sandbox refuse root. @returns the first of these users that exists, or `nobody`'s usual ids,
 * if this process runs as root; otherwise undefined: child processes run as this user
 */
export function unprivilegedIdentity(userNames: readonly string[]): Identity | undefined {
  if (!isRoot()) return undefined;
  const users = new Map<string, Identity>();
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name && Number(uid) > 0) users.set(name, { uid: Number(uid), gid: Number(gid) });
  }
  for (const name of userNames) {
    const identity = users.get(name);
    if (identity) return identity;
  }
  return { uid: 65_534, gid: 65_534 };
}

/** A directory for files of a process of `identity`: `name` below the data directory, or elsewhere if only root can reach that. */
export async function reachableDirectory(
  dataDir: string,
  name: string,
  identity: Identity | undefined,
): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o711 }).catch((error: unknown) => {
    throw new OperatorError(
      `PDFPROMPT_DATA_DIR: cannot create ${dataDir}: ${messageOf(error)}; allowed: a directory that can be written`,
      { cause: error },
    );
  });
  if (!identity) return join(dataDir, name);
  const { mode } = await stat(dataDir);
  if ((mode & 0o011) !== 0o011) await chmod(dataDir, mode | 0o011);
  if (isReachable(dataDir, identity)) return join(dataDir, name);
  const key = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return join('/var/lib/pdfprompt/elsewhere', key, name);
}

/** Whether `identity` may enter every existing directory from / down to `path`. */
export function isReachable(path: string, identity: Identity): boolean {
  for (let at = path; ; at = dirname(at)) {
    const stat = statSync(at, { throwIfNoEntry: false });
    if (stat && (stat.mode & 0o001) === 0 && stat.uid !== identity.uid) return false;
    if (at === dirname(at)) return true;
  }
}

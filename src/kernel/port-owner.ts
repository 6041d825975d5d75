import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { processWithSocket, readProcessFile } from './processes.ts';

const run = promisify(execFile);

/** Of a socket that listens, in /proc/net/tcp. */
const LISTENS = '0A';
/** Characters of a command line. */
const MOST_SHOWN = 80;
/** Milliseconds for lsof. */
const LSOF_MS = 3_000;
/** Ports that are tried after the taken one. */
const TRIED = 20;

/**
 * Who listens on a TCP port of this machine: `node server.js (pid 812)`, or `a process of user 1000` if that user's
 * processes cannot be looked at. @returns undefined if it cannot be found out
 */
export async function portOwner(port: number): Promise<string | undefined> {
  const sockets = listeningSockets(port);
  if (!sockets) return lsofOwner(port);
  const [first] = sockets;
  const pid = processWithSocket(new Set(sockets.map(({ inode }) => inode)));
  if (pid !== undefined) return `${nameOf(pid)} (pid ${pid})`;
  return first && `a process of user ${first.uid}`;
}

/** The next port that can be listened on. @returns undefined if none of the next few can */
export async function freePortAfter(port: number, host: string): Promise<number | undefined> {
  const last = Math.min(65_535, port + TRIED);
  for (let next = port + 1; next <= last; next++) if (await isFree(next, host)) return next;
  return undefined;
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => done(true)));
  });
}

interface Listening {
  inode: string;
  uid: string;
}

/** @returns undefined where there is no /proc */
function listeningSockets(port: number): Listening[] | undefined {
  const tables = ['tcp', 'tcp6'].flatMap((name) => readTable(`/proc/net/${name}`));
  if (tables.length === 0) return undefined;
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return tables.flatMap((line) => {
    const [, local = '', , state, , , , uid = '', , inode = ''] = line.trim().split(/\s+/);
    return state === LISTENS && local.endsWith(wanted) ? [{ inode, uid }] : [];
  });
}

function readTable(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** Its command line up to the first flag, as values of flags may be secrets; of paths their last part, as they may be long. */
function nameOf(pid: number): string {
  const words = (readProcessFile(pid, 'cmdline') ?? '').split('\0').filter((word) => word !== '');
  const flag = words.findIndex((word, index) => index > 0 && word.startsWith('-'));
  const shown = words
    .slice(0, flag === -1 ? undefined : flag)
    .map((word) => (isAbsolute(word) ? basename(word) : word))
    .join(' ');
  const name = shown || (readProcessFile(pid, 'comm') ?? '').trim() || 'a process';
  return name.replaceAll(/\p{Cc}+/gu, ' ').slice(0, MOST_SHOWN);
}

/** For systems without /proc. `-F` prints a field on each line: p is the pid, c the command. */
async function lsofOwner(port: number): Promise<string | undefined> {
  const flags = ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'];
  const { stdout } = await run('lsof', flags, { timeout: LSOF_MS }).catch(() => ({ stdout: '' }));
  const pid = /^p(\d+)$/m.exec(stdout)?.[1];
  return pid === undefined ? undefined : `${/^c(.+)$/m.exec(stdout)?.[1] ?? 'a process'} (pid ${pid})`;
}

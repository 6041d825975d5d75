import { lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Others than the owner may write. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Keeps what V8 makes of each module, so that the next start does not compile it again: half of the CPU of a start.
 * It is in the user's cache directory, or where `NODE_COMPILE_CACHE` says; `NODE_DISABLE_COMPILE_CACHE=1` turns it off.
 * Without a place to write to, every start compiles. Only what is imported afterwards is kept.
 */
export function keepCompiledCode(env: NodeJS.ProcessEnv): void {
  if (env.NODE_DISABLE_COMPILE_CACHE !== undefined || env.NODE_COMPILE_CACHE !== undefined) return; // Node knows
  try {
    const { XDG_CACHE_HOME: chosen = '' } = env;
    if (!isAbsolute(chosen) && !isOurs(homedir())) return; // with sudo it may be somebody else's
    const parent = isAbsolute(chosen) ? chosen : join(homedir(), '.cache');
    mkdirSync(parent, { recursive: true });
    const directory = join(parent, 'pdfprompt');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (isOurs(parent) && isOurs(directory)) enableCompileCache(directory);
  } catch {
    // No home, or one that cannot be written.
  }
}

/** Anyone who may write there decides what this process runs. */
function isOurs(directory: string): boolean {
  const { uid, mode } = lstatSync(directory);
  const isOwn = process.getuid === undefined || uid === process.getuid();
  return isOwn && (process.platform === 'win32' || (mode & WRITABLE_BY_OTHERS) === 0);
}

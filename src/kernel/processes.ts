import { readdirSync, readFileSync } from 'node:fs';

/** Whether there is a process of this pid, ours or somebody else's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether a process is held by SIGSTOP or a debugger, which only somebody outside of it does. */
export function isStopped(pid: number): boolean {
  return /^State:\s+[tT]/m.test(readProcessFile(pid, 'status') ?? '');
}

/**
 * What the kernel says of a process in a file below `/proc/<pid>`. A process may end at any moment, also
 * between two reads, so every caller has to say what that means for it.
 * @returns undefined if the process has ended, the file is not ours to read, or there is no /proc
 */
export function readProcessFile(pid: number | 'self', name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** Ids of a process's threads; none if it has ended, or where there is no /proc. */
export function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';

/** Whether there is a process with this pid, of any user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether a process is stopped by SIGSTOP or a debugger. */
export function isStopped(pid: number): boolean {
  return /^State:\s+[tT]/m.test(readProcessFile(pid, 'status') ?? '');
}

/** Reads a file below `/proc/<pid>`. @returns undefined if the process has ended, the file may not be read, or there is no /proc */
export function readProcessFile(pid: number | 'self', name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** Ids of a process's threads; none if it has ended, or where there is no /proc. */
export function threadsOf(pid: number): string[] {
  return entriesOf(`/proc/${pid}/task`);
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Ids of the processes that were started with this argument, exactly; none where there is no /proc. */
export function processesWithArgument(argument: string): number[] {
  const isMeant = (pid: number) => readProcessFile(pid, 'cmdline')?.split('\0').includes(argument);
  return entriesOf('/proc').map(Number).filter(Number.isInteger).filter(isMeant);
}

/** The id of a process that has one of these sockets open, by their inodes. @returns undefined if only another user's has, or there is no /proc */
export function processWithSocket(inodes: ReadonlySet<string>): number | undefined {
  const pids = entriesOf('/proc').map(Number).filter(Number.isInteger);
  return pids.find((pid) => entriesOf(`/proc/${pid}/fd`).some((fd) => inodes.has(socketAt(`/proc/${pid}/fd/${fd}`))));
}

function socketAt(path: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1] ?? '';
  } catch {
    return ''; // closed meanwhile
  }
}

/** As Chromium does for its renderers: when memory runs out, the kernel rather kills this process than one of ours. */
export function preferToKill(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '300');
  } catch {
    // it has ended, belongs to another user, or there is no /proc
  }
}

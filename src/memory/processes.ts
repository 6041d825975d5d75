import { readProcessFile, threadsOf } from '../kernel/processes.ts';

/**
 * Ids of a process and all its descendants; only its own where there is no /proc. Follows the kernel's lists of
 * children, which takes a tenth of the time of reading every process on the machine.
 */
export function processTree(root: number): number[] {
  const pids = [root];
  for (const pid of pids) pids.push(...childrenOf(pid)); // the loop also visits what it adds
  return pids;
}

function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) =>
    (readProcessFile(pid, `task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
}

/** Chromium's `--type` of a process: `renderer`, `utility`, …; undefined for the main process of a browser. */
export function processType(pid: number): string | undefined {
  return /--type=([\w-]+)/.exec(readProcessFile(pid, 'cmdline') ?? '')?.[1];
}

/** Number of seccomp filters of a process, including the container's; undefined if the process has ended. */
export function seccompFilters(pid: number | 'self'): number | undefined {
  const status = readProcessFile(pid, 'status');
  if (status === undefined) return undefined;
  if (!/^Seccomp:\s*2$/m.test(status)) return 0;
  const count = /^Seccomp_filters:\s*(\d+)$/m.exec(status)?.[1];
  return pid === 'self' ? Number(count ?? 0) : Number(count ?? 1); // Linux before 5.9 does not report the number
}

/** Bytes of memory that only this process uses; cheap, and readable for processes of every user. 0 if it has ended. */
export function privateBytes(pid: number): number {
  const [, resident = '0', shared = '0'] = readProcessFile(pid, 'statm')?.split(' ') ?? [];
  return (Number(resident) - Number(shared)) * PAGE_BYTES;
}

/**
 * Bytes of memory of the process with its share of the memory it shares with others (PSS): the sum over a browser's
 * processes is what the browser really uses. Costs more than {@link privateBytes}, which it falls back to where the
 * kernel denies access.
 */
export function proportionalBytes(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+)/m.exec(readProcessFile(pid, 'smaps_rollup') ?? '')?.[1];
  return kilobytes === undefined ? privateBytes(pid) : Number(kilobytes) * 1024;
}

/** Milliseconds of CPU that the threads of a process have used; undefined if it has ended, or where there is no /proc. */
export function cpuMs(pid: number): number | undefined {
  // The second field is the name of the program, in parentheses.
  const fields = readProcessFile(pid, 'stat')
    ?.replace(/^[^]*\) /, '')
    .split(' ');
  return fields && (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The kernel counts CPU for /proc in hundredths of a second, whatever its own clock. */
const TICK_MS = 10;

/** Some ARM servers have larger pages; there, {@link privateBytes} is too low. */
const PAGE_BYTES = 4096;

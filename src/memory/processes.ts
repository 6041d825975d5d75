import { readProcessFile, threadsOf } from '../kernel/processes.ts';

/**
 * Process ids of a process and of all below it, by the kernel's lists of children: a tenth of the time
 * that looking at every process of the machine takes. Only the one given where there is no /proc.
 */
export function processTree(root: number): number[] {
  const pids = [root];
  for (const pid of pids) pids.push(...childrenOf(pid)); // grows while it is read
  return pids;
}

function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) =>
    (readProcessFile(pid, `task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
}

/** Chromium's `--type` of a process: `renderer`, `utility`, …; the first process of a browser has none. */
export function processType(pid: number): string | undefined {
  return /--type=([\w-]+)/.exec(readProcessFile(pid, 'cmdline') ?? '')?.[1];
}

/**
 * Seccomp filters that a process is under; every process of a container is under the container's own.
 * @returns undefined if the process has ended
 */
export function seccompFilters(pid: number | 'self'): number | undefined {
  const status = readProcessFile(pid, 'status');
  if (status === undefined) return undefined;
  if (!/^Seccomp:\s*2$/m.test(status)) return 0;
  const count = /^Seccomp_filters:\s*(\d+)$/m.exec(status)?.[1];
  return pid === 'self' ? Number(count ?? 0) : Number(count ?? 1); // before Linux 5.9 nobody counts them
}

/** Bytes that only this process holds in memory; cheap, and readable whoever it belongs to. 0 if it has ended. */
export function privateBytes(pid: number): number {
  const [, resident = '0', shared = '0'] = readProcessFile(pid, 'statm')?.split(' ') ?? [];
  return (Number(resident) - Number(shared)) * PAGE_BYTES;
}

/**
 * Bytes of the process with its share of what it has in common with others (PSS), which adds up to what
 * a browser really takes. Dearer than {@link privateBytes}, which stands in where the kernel lets nobody look.
 */
export function proportionalBytes(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+)/m.exec(readProcessFile(pid, 'smaps_rollup') ?? '')?.[1];
  return kilobytes === undefined ? privateBytes(pid) : Number(kilobytes) * 1024;
}

/** Of every system Chromium runs on but some ARM servers, where this counts too little. */
const PAGE_BYTES = 4096;

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes. */
export interface MemoryReading {
  used: number;
  limit: number;
  source: 'cgroup v2' | 'cgroup v1' | 'machine';
}

/** cgroup v1 writes "no limit" as a number near 2^63. */
const NO_LIMIT = 2 ** 60;

/** Where the two versions of control groups keep a group's memory figures. */
const CGROUPS = [
  {
    source: 'cgroup v2',
    controller: '',
    directory: 'sys/fs/cgroup',
    limit: 'memory.max',
    used: 'memory.current',
    reclaimable: 'inactive_file',
  },
  {
    source: 'cgroup v1',
    controller: 'memory',
    directory: 'sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    used: 'memory.usage_in_bytes',
    reclaimable: 'total_inactive_file',
  },
] as const;

/**
 * Memory use against the limit that is closest to being reached: of the machine, of this process's control groups or
 * of their parents. The kernel acts on that one first. Page cache that can be reclaimed counts as free.
 * @param root the directory that contains `proc` and `sys`
 * @returns undefined where there is no /proc
 */
export function readMemory(root = '/'): MemoryReading | undefined {
  const readings = [...cgroupReadings(root), ...machineReading(root)];
  return readings.toSorted((a, b) => b.used / b.limit - a.used / a.limit)[0];
}

function cgroupReadings(root: string): MemoryReading[] {
  const lines = read(join(root, 'proc/self/cgroup'))?.trim().split('\n') ?? [];
  return lines.flatMap((line) => {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const version = CGROUPS.find(({ controller }) => controllers.split(',').includes(controller));
    return version ? upwards(path).flatMap((at) => groupReading(join(root, version.directory, at), version)) : [];
  });
}

/** `/a/b` → `a/b`, `a`, ``: a group's limit also applies to the groups inside it. */
function upwards(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, index) => parts.slice(0, parts.length - index).join('/'));
}

function groupReading(directory: string, files: (typeof CGROUPS)[number]): MemoryReading[] {
  const limit = Number(read(join(directory, files.limit))); // "max", which means no limit, becomes NaN
  const usage = Number(read(join(directory, files.used)));
  if (!(limit > 0 && limit < NO_LIMIT) || !(usage >= 0)) return [];
  const reclaimable = valueOf(read(join(directory, 'memory.stat')), files.reclaimable);
  return [{ source: files.source, limit, used: Math.max(0, usage - reclaimable) }];
}

function machineReading(root: string): MemoryReading[] {
  const text = read(join(root, 'proc/meminfo'));
  const limit = valueOf(text, 'MemTotal:') * 1024;
  if (limit === 0) return [];
  return [{ source: 'machine', limit, used: limit - valueOf(text, 'MemAvailable:') * 1024 }];
}

/** The number after a name, in lines of `name number`; 0 if there is none. */
function valueOf(text: string | undefined, name: string): number {
  const line = text?.split('\n').find((each) => each.split(/\s/)[0] === name);
  return Number(line?.split(/\s+/)[1] ?? 0);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // missing, or not readable for this user
  }
}

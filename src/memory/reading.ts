import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes, of what limits us most. */
export interface MemoryReading {
  used: number;
  limit: number;
  source: 'cgroup v2' | 'cgroup v1' | 'machine';
}

/** cgroup v1 says "no limit" with a number near 2^63. */
const NO_LIMIT = 2 ** 60;

/**
 * Every limit that holds for this process: of its control groups and those around them, and of the machine.
 * The one that is fullest is what the kernel will act on first. Page cache that can be given back counts as free.
 * @param root where `proc` and `sys` are
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
    if (controllers === '')
      return upwards(path).flatMap((at) =>
        groupReading(join(root, 'sys/fs/cgroup', at), {
          source: 'cgroup v2',
          limit: 'memory.max',
          used: 'memory.current',
          reclaimable: 'inactive_file',
        }),
      );
    if (!controllers.split(',').includes('memory')) return [];
    return upwards(path).flatMap((at) =>
      groupReading(join(root, 'sys/fs/cgroup/memory', at), {
        source: 'cgroup v1',
        limit: 'memory.limit_in_bytes',
        used: 'memory.usage_in_bytes',
        reclaimable: 'total_inactive_file',
      }),
    );
  });
}

/** `/a/b` → `/a/b`, `/a`, `/`: a group's limit holds for all groups in it. */
function upwards(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, index) => parts.slice(0, parts.length - index).join('/'));
}

interface GroupFiles {
  source: MemoryReading['source'];
  limit: string;
  used: string;
  reclaimable: string;
}

function groupReading(directory: string, files: GroupFiles): MemoryReading[] {
  const limit = Number(read(join(directory, files.limit))); // "max" is no number
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

/** The number behind a name, in lines of `name number`. */
function valueOf(text: string | undefined, name: string): number {
  const line = text?.split('\n').find((each) => each.startsWith(name));
  return Number(/\d+/.exec(line?.slice(name.length) ?? '')?.[0] ?? 0);
}

function read(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // not ours to read
  }
}

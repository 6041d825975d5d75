import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMemory } from '../../src/memory/reading.ts';
import { temporaryDirectory } from '../support/files.ts';

/** A root directory with these files, as the kernel would show them. */
async function root(files: Record<string, string>): Promise<string> {
  const directory = await temporaryDirectory('memory');
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}

const MACHINE = { 'proc/meminfo': 'MemTotal:       1000 kB\nMemFree:          10 kB\nMemAvailable:    700 kB\n' };

describe('what limits the memory', () => {
  it('is the machine where there is no other limit', async () => {
    const at = await root({ ...MACHINE, 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': 'max\n' });
    expect(readMemory(at)).toEqual({ source: 'machine', limit: 1_024_000, used: 307_200 });
  });

  it('is the control group, its page cache not counted', async () => {
    const at = await root({
      ...MACHINE,
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/memory.max': '500000\n',
      'sys/fs/cgroup/memory.current': '450000\n',
      'sys/fs/cgroup/memory.stat': 'anon 100\nfile 200000\ninactive_file 150000\n',
    });
    expect(readMemory(at)).toEqual({ source: 'cgroup v2', limit: 500_000, used: 300_000 });
  });

  it('is the fullest of the groups around it', async () => {
    const at = await root({
      ...MACHINE,
      'proc/self/cgroup': '0::/pods/worker\n',
      'sys/fs/cgroup/pods/worker/memory.max': '500000\n',
      'sys/fs/cgroup/pods/worker/memory.current': '100000\n',
      'sys/fs/cgroup/pods/memory.max': '600000\n',
      'sys/fs/cgroup/pods/memory.current': '590000\n',
    });
    expect(readMemory(at)).toEqual({ source: 'cgroup v2', limit: 600_000, used: 590_000 });
  });

  it('is the control group of version 1, where a huge number means none', async () => {
    const files = {
      ...MACHINE,
      'proc/self/cgroup': '5:cpu,cpuacct:/\n4:memory:/docker/x\n',
      'sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes': '400000\n',
      'sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes': '390000\n',
      'sys/fs/cgroup/memory/docker/x/memory.stat': 'total_inactive_file 30000\n',
    };
    expect(readMemory(await root(files))).toEqual({ source: 'cgroup v1', limit: 400_000, used: 360_000 });
    const none = { ...files, 'sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes': '9223372036854771712\n' };
    expect(readMemory(await root(none))?.source).toBe('machine');
  });

  it('is unknown where there is no /proc', async () => {
    expect(readMemory(await root({}))).toBeUndefined();
  });

  it('is read here too', () => {
    const reading = readMemory();
    expect(reading?.limit).toBeGreaterThan(100 * 1024 * 1024);
    expect(reading?.used).toBeLessThan(reading?.limit ?? 0);
  });
});

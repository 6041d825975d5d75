import { describe, expect, it } from 'vitest';
import { diskRoom, NO_ROOM, shortageOf } from '../../src/kernel/disk.ts';

const MEGABYTE = 1024 * 1024;
const room = (free: number, total: number, freeFiles?: number) => ({
  free: free * MEGABYTE,
  total: total * MEGABYTE,
  freeFiles,
});

describe('the room on a disk', () => {
  it.each([
    [room(0, 100_000), '0 MB left'],
    [room(63, 100_000), '63 MB left'],
    [room(64, 100_000), undefined],
    [room(63, 300), undefined], // a fifth of a small one
    [room(6, 64), '6 MB left'],
    [room(7, 64), undefined],
    [room(90_000, 100_000, 99), 'room for 99 files left'],
    [room(90_000, 100_000, 100), undefined],
  ])('%o is called %s', (given, shortage) => {
    expect(shortageOf(given, NO_ROOM)).toBe(shortage);
  });

  it('is told by the system, or nothing is', () => {
    const found = diskRoom('/');
    expect(found?.total).toBeGreaterThan(MEGABYTE);
    expect(found?.free).toBeLessThanOrEqual(found?.total ?? 0);
    expect(diskRoom('/nowhere')).toBeUndefined();
  });
});

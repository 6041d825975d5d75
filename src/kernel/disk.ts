import { type StatsFs, statfsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { GIGABYTE, MEGABYTE } from './units.ts';

/** The free space of a file system. */
export interface DiskRoom {
  /** bytes that we may use */
  free: number;
  /** bytes in all */
  total: number;
  /** files that may still be made; undefined where there is no such limit */
  freeFiles: number | undefined;
}

/** The free space that is needed: `bytes`, or on a small disk `share` of it (0 to 1), and room for so many files. */
export interface LeastRoom {
  bytes: number;
  share: number;
  files: number;
}

/** With less than this, work stops. */
export const NO_ROOM: LeastRoom = { bytes: 64 * MEGABYTE, share: 0.1, files: 100 };

/** With less than this, work goes on, but doctor warns, and an alert fires. */
export const LITTLE_ROOM: LeastRoom = { bytes: 2 * GIGABYTE, share: 0.2, files: 10_000 };

/** Of the file system that `path` is on; undefined if it is unknown. */
export function diskRoom(path: string): DiskRoom | undefined {
  try {
    return toDiskRoom(statfsSync(path));
  } catch {
    return undefined;
  }
}

/** The same, without blocking the process while a network file system does not answer. */
export async function readDiskRoom(path: string): Promise<DiskRoom | undefined> {
  return statfs(path).then(toDiskRoom, () => undefined);
}

function toDiskRoom({ bavail, bsize, blocks, files, ffree }: StatsFs): DiskRoom {
  return { free: bavail * bsize, total: blocks * bsize, freeFiles: files === 0 ? undefined : ffree };
}

/** What there is too little of, in words; undefined if there is enough. */
export function shortageOf({ free, total, freeFiles }: DiskRoom, least: LeastRoom): string | undefined {
  if (free < Math.min(least.bytes, total * least.share)) return `${Math.floor(free / MEGABYTE)} MB left`;
  if (freeFiles !== undefined && freeFiles < least.files) return `room for ${freeFiles} files left`;
  return undefined;
}

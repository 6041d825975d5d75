import { statfsSync } from 'node:fs';

const MEGABYTE = 1024 * 1024;

/** What a file system has. */
export interface DiskRoom {
  /** bytes that we may use */
  free: number;
  /** bytes in all */
  total: number;
  /** files that may still be made; undefined where there is no such limit */
  freeFiles: number | undefined;
}

/** What there has to be: so many bytes, but no more than this share of all, for some disks are small; and so many files. */
export interface LeastRoom {
  bytes: number;
  share: number;
  files: number;
}

/** Less is none: work stops. */
export const NO_ROOM: LeastRoom = { bytes: 64 * MEGABYTE, share: 0.1, files: 100 };

/** Of the file system that `path` is on; undefined if it cannot be told. */
export function diskRoom(path: string): DiskRoom | undefined {
  try {
    const { bavail, bsize, blocks, files, ffree } = statfsSync(path);
    return { free: bavail * bsize, total: blocks * bsize, freeFiles: files === 0 ? undefined : ffree };
  } catch {
    return undefined;
  }
}

/** Which of the two there is too little of, in words; undefined: there is enough. */
export function shortageOf({ free, total, freeFiles }: DiskRoom, least: LeastRoom): string | undefined {
  if (free < Math.min(least.bytes, total * least.share)) return `${Math.floor(free / MEGABYTE)} MB left`;
  if (freeFiles !== undefined && freeFiles < least.files) return `room for ${freeFiles} files left`;
  return undefined;
}

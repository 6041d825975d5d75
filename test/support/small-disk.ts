import { execFile } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemCodeOf } from '../../src/kernel/errors.ts';
import { undoLater } from './clean-up.ts';
import { temporaryDirectory } from './files.ts';

const run = promisify(execFile);

/** A file system of a few megabytes, in memory, that can be filled to the last byte and emptied. Needs root. */
export class SmallDisk {
  readonly path: string;
  readonly #filler: string;

  private constructor(path: string) {
    this.path = path;
    this.#filler = join(path, '.filler');
  }

  /** @param at an empty directory; one of its own unless given */
  static async mount(megabytes: number, at?: string): Promise<SmallDisk> {
    const path = at ?? (await temporaryDirectory('disk'));
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', path]);
    undoLater(() => run('umount', ['--lazy', path]));
    await chmod(path, 0o755);
    return new SmallDisk(path);
  }

  /** Until not one byte more can be written. */
  fill(): void {
    const file = openSync(this.#filler, 'a');
    try {
      for (const piece of [Buffer.alloc(1024 * 1024, 1), Buffer.alloc(4_096, 1)]) writeAll(file, piece);
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(this.#filler, { force: true });
  }
}

function writeAll(file: number, piece: Buffer): void {
  try {
    while (writeSync(file, piece) > 0);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOSPC') throw error;
  }
}

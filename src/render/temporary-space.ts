import { tmpdir } from 'node:os';
import { diskRoom, NO_ROOM, shortageOf } from '../kernel/disk.ts';
import { isReachable } from '../kernel/privileges.ts';
import { chromiumIdentity } from './chromium-identity.ts';

const SHARED_MEMORY = '/dev/shm';
/** Containers often have only 64 MB there, which a large page fills. */
const ENOUGH_SHARED_MEMORY = 256 * 1024 * 1024;

/** The system's directory for temporary files, or /tmp if Chromium's user cannot access that. */
export function temporaryDirectory(): string {
  const identity = chromiumIdentity();
  return identity && !isReachable(tmpdir(), identity) ? '/tmp' : tmpdir();
}

/** Whether Chromium has to use temporary files for the memory that its processes share. */
export function sharedMemoryIsSmall(): boolean {
  return (diskRoom(SHARED_MEMORY)?.total ?? 0) < ENOUGH_SHARED_MEMORY;
}

/** Where Chromium writes while it renders: PDFs before they are read, profiles, shared memory. */
export function temporaryDirectories(): string[] {
  return [temporaryDirectory(), ...(sharedMemoryIsSmall() ? [] : [SHARED_MEMORY])];
}

/** Which directory is full, as text; undefined if none is. A failure of the browser is then not due to the document. */
export function missingSpace(directories: readonly string[]): string | undefined {
  for (const directory of directories) {
    const room = diskRoom(directory);
    const shortage = room && shortageOf(room, NO_ROOM);
    if (shortage !== undefined) return `${directory} has ${shortage}`;
  }
  return undefined;
}

import { tmpdir } from 'node:os';
import { diskRoom, NO_ROOM, shortageOf } from '../kernel/disk.ts';
import { isReachable } from '../kernel/privileges.ts';
import { chromiumIdentity } from './chromium-binary.ts';

const SHARED_MEMORY = '/dev/shm';
/** Containers often have 64 MB there, which a large page fills. */
const ENOUGH_SHARED_MEMORY = 256 * 1024 * 1024;

/** The system's directory for temporary files, unless the user that Chromium runs as cannot get there. */
export function temporaryDirectory(): string {
  const identity = chromiumIdentity();
  return identity && !isReachable(tmpdir(), identity) ? '/tmp' : tmpdir();
}

/** Whether Chromium has to put into temporary files what its processes share. */
export function sharedMemoryIsSmall(): boolean {
  return (diskRoom(SHARED_MEMORY)?.total ?? 0) < ENOUGH_SHARED_MEMORY;
}

/** Where Chromium writes while it renders: PDFs before they are read, profiles, what its processes share. */
export function temporaryPlaces(): string[] {
  return [temporaryDirectory(), ...(sharedMemoryIsSmall() ? [] : [SHARED_MEMORY])];
}

/** Which of these places has no room left, in words; undefined: none. What a browser does then is no document's doing. */
export function missingRoom(places: readonly string[]): string | undefined {
  for (const place of places) {
    const room = diskRoom(place);
    const shortage = room && shortageOf(room, NO_ROOM);
    if (shortage !== undefined) return `${place} has ${shortage}`;
  }
  return undefined;
}

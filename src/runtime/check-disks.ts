import type { Config } from '../config/load.ts';
import { embeddedDirectory } from '../db/embedded.ts';
import { diskRoom, type LeastRoom, NO_ROOM, shortageOf } from '../kernel/disk.ts';
import { temporaryDirectories } from '../render/temporary-space.ts';
import type { Check } from './check.ts';

const GIGABYTE = 1024 ** 3;
/** Less is little: work goes on, but somebody should look. */
const LITTLE_ROOM: LeastRoom = { bytes: 2 * GIGABYTE, share: 0.2, files: 10_000 };

interface Disk {
  name: string;
  path: string;
  /** how there comes to be more */
  fix: string;
}

/** What `doctor` says of the room there is where we write. */
export async function checkDisks(config: Config): Promise<Check[]> {
  const [temporary = '', ...shared] = temporaryDirectories();
  const disks: Disk[] = [
    ...(config.pdfStore.kind === 'file'
      ? [{ name: 'room for PDFs', path: config.pdfStore.directory, fix: 'give it more, or lower PDF_RETENTION' }]
      : []),
    ...(config.databaseUrl === undefined
      ? [
          {
            name: 'room for Postgres',
            path: await embeddedDirectory(config.dataDir),
            fix: `give it more, lower PDF_RETENTION, or set ${config.pdfStore.kind === 'postgres' ? 'PDF_STORE or ' : ''}DATABASE_URL`,
          },
        ]
      : []),
    { name: 'room for temporary files', path: temporary, fix: 'empty it, or set TMPDIR to a directory with more' },
    ...shared.map((path) => ({
      name: 'shared memory',
      path,
      fix: 'give it more (docker run --shm-size), or end what fills it',
    })),
  ];
  return disks.map(check);
}

function check({ name, path, fix }: Disk): Check {
  const room = diskRoom(path);
  if (!room)
    return { name, status: 'warn', message: `nothing can be told of ${path}`, fix: 'look whether it is there' };
  const none = shortageOf(room, NO_ROOM);
  if (none !== undefined) return { name, status: 'fail', message: `${path} has ${none}: work waits`, fix };
  const little = shortageOf(room, LITTLE_ROOM);
  if (little !== undefined) return { name, status: 'warn', message: `${path} has ${little}`, fix };
  return { name, status: 'ok', message: `${path} has ${(room.free / GIGABYTE).toFixed(1)} GB left` };
}

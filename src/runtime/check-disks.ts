import type { Config } from '../config/load.ts';
import { embeddedDirectory } from '../db/embedded.ts';
import { diskRoom, LITTLE_ROOM, NO_ROOM, shortageOf } from '../kernel/disk.ts';
import { GIGABYTE } from '../kernel/units.ts';
import { temporaryDirectories } from '../render/temporary-space.ts';
import { type Check, fail, ok, warn } from './check.ts';

interface Disk {
  name: string;
  path: string;
  /** how to get more */
  fix: string;
}

/** Free space of each directory that pdfprompt writes to. */
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
  if (!room) return warn(name, `the free space of ${path} is unknown`, 'check that the directory exists');
  const none = shortageOf(room, NO_ROOM);
  if (none !== undefined) return fail(name, `${path} has ${none}: work waits`, fix);
  const little = shortageOf(room, LITTLE_ROOM);
  if (little !== undefined) return warn(name, `${path} has ${little}`, fix);
  return ok(name, `${path} has ${(room.free / GIGABYTE).toFixed(1)} GB left`);
}

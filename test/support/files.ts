import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { undoLater } from './clean-up.ts';

/** A directory of the test file's own, gone when the file is done. Other users may pass through it. */
export async function temporaryDirectory(name: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `pdfprompt-test-${name}-`));
  undoLater(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o711);
  return directory;
}

/** A data directory of the test file's own, without a Postgres, with a Chromium that is unpacked already. */
export async function temporaryDataDirectory(name: string): Promise<string> {
  const directory = await temporaryDirectory(name);
  await cp(join(inject('dataDir'), 'chromium'), join(directory, 'chromium'), { recursive: true });
  return directory;
}

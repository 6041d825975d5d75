import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Of this test file, those included that were made in the middle of a test. */
const directories: string[] = [];

afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

/** A directory of the test file's own, gone when the file is done. Other users may pass through it. */
export async function temporaryDirectory(name: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `pdfprompt-test-${name}-`));
  directories.push(directory);
  await chmod(directory, 0o711);
  return directory;
}

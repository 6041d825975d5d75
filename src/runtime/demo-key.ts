import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The file with the key of the demo user of `up`. */
export const demoKeyPath = (dataDir: string) => join(dataDir, 'demo-key');

/** The key of the demo user of `up` on this machine; empty if there is none that this user may read. */
export async function keptDemoKey(dataDir: string): Promise<string> {
  return (await readFile(demoKeyPath(dataDir), 'utf8').catch(() => '')).trim();
}

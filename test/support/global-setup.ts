import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { EmbeddedPostgres } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { installQueue } from '../../src/queue/boss.ts';
import { sweepProfiles } from '../../src/render/chromium.ts';
import { findChromium } from '../../src/render/chromium-binary.ts';
import { searchLogs } from './logs.ts';
import { runningCommands } from './processes.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** of the migrated database that every test database is cloned from */
    templateUrl: string;
    /** with an unpacked Chromium in it */
    dataDir: string;
  }
}

/** One Postgres and one unpacked Chromium for the whole run; afterwards nothing of either may be left. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const before = await ourFiles();
  const dataDir = await mkdtemp(join(tmpdir(), 'pdfprompt-test-'));
  await chmod(dataDir, 0o711);
  const postgres = new EmbeddedPostgres({ dataDir });
  await postgres.start();
  const url = postgres.url;
  const connectTimeoutMs = 10_000;
  await migrate({ url, connectTimeoutMs, afterwards: () => installQueue({ url, connectTimeoutMs, check: false }) });
  await findChromium({ chromePath: undefined, dataDir });
  project.provide('templateUrl', url);
  project.provide('dataDir', dataDir);
  return async () => {
    await postgres.stop();
    const { leaks, count } = searchLogs(dataDir);
    await rm(dataDir, { recursive: true, force: true });
    await sweepProfiles(tmpdir()); // of workers that tests killed: the next start would do it
    await failOnLeftovers(before);
    if (leaks.length > 0) throw new Error(`secrets in the logs of the tests:\n${leaks.join('\n')}`);
    process.stdout.write(`${count} lines of logs, and no secret in them\n`);
  };
}

/** Files of ours in the directory for temporary ones. */
async function ourFiles(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('pdfprompt-'));
}

async function failOnLeftovers(before: string[]): Promise<void> {
  const processes = runningCommands().filter((command) => command.includes('pdfprompt-test-'));
  const files = (await ourFiles()).filter((name) => !before.includes(name));
  if (processes.length > 0 || files.length > 0) {
    throw new Error(`the tests left something behind:\n${[...processes, ...files].join('\n')}`);
  }
}

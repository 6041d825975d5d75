import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../src/db/driver.ts';
import { EmbeddedPostgres } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { installQueue } from '../../src/queue/boss.ts';
import { sweepBrowsers } from '../../src/render/chromium.ts';
import { findChromium } from '../../src/render/chromium-binary.ts';
import { searchLogs } from './logs.ts';
import { runningCommands } from './processes.ts';

interface Server {
  /** of an empty database */
  url: string;
  stop: () => Promise<void>;
}

export interface Services {
  /** of the migrated database that every test database is cloned from */
  templateUrl: string;
  /** with an unpacked Chromium in it */
  dataDir: string;
  /** @throws if tests have left anything behind, or a secret is in a log */
  stop: () => Promise<void>;
}

/** One Postgres and one unpacked Chromium for a whole run. */
export async function startServices(): Promise<Services> {
  const before = { processes: ourProcesses(), files: await ourFiles() };
  const dataDir = await mkdtemp(join(tmpdir(), 'pdfprompt-test-'));
  await chmod(dataDir, 0o711);
  const { TEST_DATABASE_URL } = process.env;
  const [server] = await Promise.all([
    TEST_DATABASE_URL === undefined ? startEmbedded(dataDir) : useServer(TEST_DATABASE_URL),
    findChromium({ chromePath: undefined, dataDir }),
  ]);
  const stop = async () => {
    await server.stop();
    const { leaks, count } = searchLogs(dataDir);
    await rm(dataDir, { recursive: true, force: true });
    failOnNew(before.processes, ourProcesses());
    await sweepBrowsers(tmpdir()); // profiles of workers that tests killed: the next start would do it
    failOnNew(before.files, await ourFiles());
    if (leaks.length > 0) throw new Error(`secrets in the logs of the tests:\n${leaks.join('\n')}`);
    process.stdout.write(`${count} lines of logs, and no secret in them\n`);
  };
  return { templateUrl: server.url, dataDir, stop };
}

async function startEmbedded(dataDir: string): Promise<Server> {
  const postgres = new EmbeddedPostgres({ dataDir });
  await postgres.start();
  await prepare(postgres.url);
  // What a power failure leaves is not tested with this server: nobody waits for its disk.
  const admin = connect(postgres.url, { max: 1 });
  await admin`alter system set fsync = off`;
  await admin`select pg_reload_conf()`;
  await admin.end({ timeout: 1 });
  return { url: postgres.url, stop: () => postgres.stop() };
}

/** For trying other versions of Postgres. @param url of a superuser */
async function useServer(url: string): Promise<Server> {
  const name = `test_template_${process.pid}`;
  const admin = connect(url, { max: 1 });
  await admin.unsafe(`create database ${name}`);
  const template = new URL(url);
  template.pathname = `/${name}`;
  await prepare(template.href);
  return {
    url: template.href,
    stop: async () => {
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end({ timeout: 1 });
    },
  };
}

async function prepare(url: string): Promise<void> {
  const options = { url, connectTimeoutMs: 10_000 };
  await migrate({ ...options, afterwards: () => installQueue({ ...options, check: false }) });
}

/** Processes of tests. */
const ourProcesses = () => runningCommands().filter((command) => command.includes('pdfprompt-test-'));

/** Ours, in the directory for temporary files. */
const ourFiles = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('pdfprompt-'));

/** What was there before is somebody else's: of a run that was killed, say. */
function failOnNew(before: string[], after: string[]): void {
  const left = after.filter((each) => !before.includes(each));
  if (left.length > 0) throw new Error(`the tests left something behind:\n${left.join('\n')}`);
}

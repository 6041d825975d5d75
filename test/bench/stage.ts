import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { type Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { v7 as uuidv7 } from 'uuid';
import { generateKey, hashKey, keyPrefix } from '../../src/accounts/key-format.ts';
import { createKey, type CreatedKey } from '../../src/accounts/keys.ts';
import type { Limiter } from '../../src/accounts/limits.ts';
import type { Principal } from '../../src/accounts/principals.ts';
import { connect, type Client } from '../../src/db/driver.ts';
import { EmbeddedPostgres } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { openPool, type Pool } from '../../src/db/pools.ts';
import { type Config, loadConfig } from '../../src/config/load.ts';
import { isRoot } from '../../src/kernel/privileges.ts';
import { installQueue, JobQueue } from '../../src/queue/boss.ts';
import { type ChromiumBinary, findChromium } from '../../src/render/chromium-binary.ts';
import { withFonts } from '../../src/render/fonts/font-library.ts';
import { Renderer, type RendererOptions } from '../../src/render/renderer.ts';
import { rendererOptions } from '../../src/runtime/renderer.ts';
import { createUnlimitedKey, forgetfulLimiter, principalOf, withoutLimits } from '../support/accounts.ts';
import { freePort } from '../support/free-port.ts';
import { silentEvents } from '../support/silent-events.ts';

export type Result = Record<string, string | number>;

/** What a benchmark with tables returns instead. */
export class Report {
  readonly text: string;
  /** for `--json` */
  readonly json: object;

  constructor(text: string, json: object) {
    this.text = text;
    this.json = json;
  }
}

interface StartOptions {
  /** gets its log, with everything in it */
  onLog?: (line: string) => void;
  /** settings, beside the stage's own */
  env?: Record<string, string>;
}

/** A Postgres of the benchmark's own, and the means to start real processes on it. */
export class Stage {
  readonly url: string;
  readonly pool: Pool;
  readonly sql: Client;
  readonly #postgres: EmbeddedPostgres;
  readonly directory: string;
  #children: ChildProcess[] = [];

  private constructor(postgres: EmbeddedPostgres, directory: string) {
    this.#postgres = postgres;
    this.directory = directory;
    this.url = postgres.url;
    this.pool = openPool({
      url: this.url,
      max: 10,
      applicationName: 'bench',
      idleTimeoutMs: 60_000,
      connectTimeoutMs: 5_000,
      prepare: true,
    });
    this.sql = connect(this.url, { max: 2, connection: { statement_timeout: 600_000 } });
  }

  static async open(): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-bench-'));
    await chmod(directory, 0o711);
    const postgres = new EmbeddedPostgres({ dataDir: directory });
    await postgres.start();
    const options = { url: postgres.url, connectTimeoutMs: 5_000 };
    await migrate({ ...options, afterwards: () => installQueue({ ...options, check: false }) });
    return new Stage(postgres, directory);
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGTERM');
    await Promise.all(this.#children.filter((child) => child.exitCode === null).map((child) => once(child, 'exit')));
    await this.pool.close();
    await this.sql.end();
    await this.#postgres.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Of the processes that were started, and of Postgres. */
  async pids(): Promise<number[]> {
    const [backend] = await this.sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    const [, server] = readFileSync(`/proc/${backend?.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return [...this.#children.flatMap((child) => child.pid ?? []), Number(server)];
  }

  /** Of the tier if one is named; else without limits. */
  user(email: string, tier?: string): Promise<CreatedKey> {
    return tier === undefined ? createUnlimitedKey(this.pool.db, email) : createKey(this.pool.db, { email, tier });
  }

  /** Like {@link user}, of the tier's priority but without its limits. */
  async principal(email: string, tier?: string): Promise<Principal> {
    const { db } = this.pool;
    return withoutLimits(db, await principalOf(db, (await this.user(email, tier)).key));
  }

  get limiter(): Limiter {
    return forgetfulLimiter();
  }

  /** Many at once, each with a key. @returns the keys */
  async users(count: number, tier: string): Promise<string[]> {
    const keys = Array.from({ length: count }, generateKey);
    const users = keys.map((key) => {
      const [id, subscription, keyId] = [uuidv7(), uuidv7(), uuidv7()];
      const hash = hashKey(key).toString('hex');
      return {
        id,
        subscription,
        key_id: keyId,
        email: `${id}@${tier}.example`,
        prefix: keyPrefix(key),
        hash,
      };
    });
    const rows = JSON.stringify(users);
    await this.sql`
      with u as materialized (
        select * from json_to_recordset(${rows}::text::json)
          as u (id uuid, subscription uuid, key_id uuid, email text, prefix text, hash text)
      ), users as (
        insert into pdfprompt_user (id, email) select id, email from u
      ), subscriptions as (
        insert into pdfprompt_user_subscription (id, user_id, tier) select subscription, id, ${tier} from u
      )
      insert into pdfprompt_api_key (id, user_id, prefix, hash) select key_id, id, prefix, decode(hash, 'hex') from u`;
    return keys;
  }

  /** A `serve` process, and how many queries it has sent to the database so far. */
  async serve(env: Record<string, string> = {}): Promise<{ address: string; queries: () => Promise<number> }> {
    const port = await freePort();
    const [, address = ''] = await this.start(
      ['serve', '--port', '0', '--ops-port', String(port)],
      /serves at (http:\S+)/,
      {
        env,
      },
    );
    const queries = async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const counts = text.matchAll(/^pdfprompt_db_query_duration_seconds_count\{.*\} (\d+)$/gm);
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    return { address, queries };
  }

  async queue(): Promise<JobQueue> {
    const queue = new JobQueue({ db: this.pool.db, supervise: false, onError: () => undefined });
    await queue.start();
    return queue;
  }

  #config(env: Record<string, string> = {}): Config {
    return loadConfig({ env: { PDFPROMPT_DATA_DIR: this.directory, ...env }, isRoot: isRoot() });
  }

  chromium(): Promise<ChromiumBinary> {
    const { chromePath, dataDir } = this.#config();
    return findChromium({ chromePath, dataDir });
  }

  /** A worker's renderer by itself, started. */
  async renderer(env: Record<string, string> = {}, overrides: Partial<RendererOptions> = {}): Promise<Renderer> {
    const config = this.#config(env);
    const { binary } = await withFonts(await this.chromium(), config);
    const options = rendererOptions(config, binary, silentEvents());
    const renderer = new Renderer({ ...options, ...overrides });
    await renderer.start();
    return renderer;
  }

  /** The same, to be stopped before the end. */
  async startAndStop(arguments_: string[], ready: RegExp, options: StartOptions = {}): Promise<() => Promise<void>> {
    await this.start(arguments_, ready, options);
    const child = this.#children.at(-1);
    return async () => {
      child?.kill('SIGTERM');
      if (child?.exitCode === null) await once(child, 'exit');
      this.#children = this.#children.filter((other) => other !== child);
    };
  }

  /**
   * A real process.
   * @returns what `ready` matched on its stderr
   */
  async start(arguments_: string[], ready: RegExp, { onLog, env = {} }: StartOptions = {}): Promise<RegExpMatchArray> {
    const bin = fileURLToPath(new URL('../../bin/pdfprompt.js', import.meta.url));
    const child = spawn(process.execPath, [bin, ...arguments_], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        DATABASE_URL: this.url,
        PDFPROMPT_DATA_DIR: this.directory,
        LOG_LEVEL: onLog ? 'debug' : 'error',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    createInterface({ input: child.stderr }).on('line', (line) =>
      onLog ? onLog(line) : process.stderr.write(`${line}\n`),
    );
    child.stdout.resume();
    let said = '';
    return new Promise((done, failed) => {
      child.stderr.on('data', (data: Buffer) => {
        said += data.toString();
        const match = ready.exec(said);
        if (match) done(match);
      });
      child.once('exit', () => failed(new Error(`${arguments_.join(' ')} ended: ${said}`)));
    });
  }
}

export const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Nearest-rank percentile of milliseconds, rounded to 0.1. */
export function percentile(values: number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (
    Math.round((sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN) * 10) / 10
  );
}

export const spread = (values: number[]) =>
  `p50 ${percentile(values, 50)}  p95 ${percentile(values, 95)}  p99 ${percentile(values, 99)}  max ${percentile(values, 100)} ms`;

/** One request of a client. @returns the body @throws if it is refused */
export function ask(agent: Agent, method: string, url: string, key: string, body?: Buffer): Promise<string> {
  return new Promise((done, failed) => {
    const headers = { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) };
    const sent = request(url, { agent, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => {
        if ((response.statusCode ?? 500) < 300) done(Buffer.concat(chunks).toString('latin1'));
        else failed(new Error(`${method} ${url} answered ${response.statusCode}`));
      });
    });
    sent.once('error', failed);
    sent.end(body);
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { connect } from '../../src/db/driver.ts';
import { temporaryDirectory } from './files.ts';
import { freePort } from './free-port.ts';

/** An account without rights: PgBouncer refuses to run as root. */
const NOBODY = 65_534;

/**
 * A real PgBouncer in transaction mode before a database, with the settings that it comes with, until
 * the file's tests are over.
 * @param poolSize connections that it makes to the server
 * @returns the database's URL by way of it
 */
export async function startPgBouncer(url: string, poolSize: number): Promise<string> {
  const { hostname, port, username, password } = new URL(url);
  const directory = await temporaryDirectory('pgbouncer');
  const listenPort = await freePort();
  const users = join(directory, 'users.txt');
  const config = join(directory, 'pgbouncer.ini');
  await writeFile(users, `"${username}" "${password}"\n`);
  await writeFile(
    config,
    `[databases]
* = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${poolSize}
`,
  );
  const isRoot = process.getuid?.() === 0;
  if (isRoot) for (const path of [users, config]) await chown(path, NOBODY, NOBODY);
  const child = spawn(binary(), ['-q', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  });
  const ended = new Promise((done) => child.once('exit', done));
  afterAll(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const pooled = new URL(url);
  pooled.port = String(listenPort);
  await untilItAnswers(pooled.href, child);
  return pooled.href;
}

function binary(): string {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  const found = directories.map((directory) => join(directory, 'pgbouncer')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('PgBouncer is not installed. Type: apt-get install -y pgbouncer');
  return found;
}

async function untilItAnswers(url: string, child: ChildProcess): Promise<void> {
  let printed = '';
  child.stderr?.on('data', (data: Buffer) => (printed += data.toString()));
  const until = performance.now() + 10_000;
  for (;;) {
    const client = connect(url, { max: 1, connect_timeout: 2, prepare: false });
    const failure = await client`select 1`.then(
      () => undefined,
      (error: unknown) => error,
    );
    await client.end({ timeout: 1 });
    if (failure === undefined) return;
    if (child.exitCode !== null || performance.now() > until)
      throw new Error(`PgBouncer does not answer:\n${printed}`, { cause: failure });
    await sleep(50);
  }
}

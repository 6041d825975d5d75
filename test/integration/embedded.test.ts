/**
 * @module-tag long
 * @module-tag user
 */

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Row } from 'postgres';
import { connect } from '../../src/db/driver.ts';
import { describe, expect, it } from 'vitest';
import { EmbeddedPostgres } from '../../src/db/embedded.ts';
import { reachableDirectory, unprivilegedIdentity } from '../../src/kernel/privileges.ts';
import { temporaryDirectory } from '../support/files.ts';
import { eventually, isAlive } from '../support/processes.ts';

const dataDir = await temporaryDirectory('embedded');

const serverPid = async () =>
  Number((await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
const ask = async <T extends Row>(url: string, query: string) => {
  const sql = connect(url, { max: 1 });
  try {
    return (await sql.unsafe<T[]>(query))[0];
  } finally {
    await sql.end();
  }
};

describe('the embedded Postgres', () => {
  it('is one for all that start at once, and is stopped by the last', async () => {
    const users = Array.from({ length: 4 }, () => new EmbeddedPostgres({ dataDir }));
    await Promise.all(users.map((user) => user.start()));
    expect(new Set(users.map((user) => user.url)).size).toBe(1);
    const url = users[0]?.url ?? '';
    await ask(url, 'create table kept as select 42 as answer');
    const pid = await serverPid();
    for (const user of users.slice(1)) await user.stop();
    expect(await ask(url, 'select answer from kept')).toEqual({ answer: 42 });
    await users[0]?.stop();
    await eventually(() => !isAlive(pid), 30_000, 'the server has ended');
  });

  it('keeps its data, and asks for a password', async () => {
    const server = new EmbeddedPostgres({ dataDir });
    await server.start();
    expect(await ask(server.url, 'select answer from kept')).toEqual({ answer: 42 });
    const guess = new URL(server.url);
    guess.password = 'guess';
    await expect(ask(guess.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    await server.stop();
  });

  it('comes back at the same address when it is killed under its users', async () => {
    const server = new EmbeddedPostgres({ dataDir });
    await server.start();
    await ask(server.url, 'insert into kept values (43)');
    const pid = await serverPid();
    process.kill(pid, 'SIGKILL');
    await eventually(() => !isAlive(pid), 30_000, 'the server is dead');
    await eventually(
      () =>
        ask(server.url, 'select count(*)::int as rows from kept').then(
          (row) => row?.rows === 2,
          () => false,
        ),
      30_000,
      'the server is back',
    );
    await server.stop();
  });

  it('starts after a crash that left its lock file, even if the pid belongs to another program by now', async () => {
    const server = new EmbeddedPostgres({ dataDir });
    await server.start();
    await server.stop();
    await writeFile(
      join(dataDir, 'postgres', 'data', 'postmaster.pid'),
      `${process.pid}\n${dataDir}\n1\n5999\n\n127.0.0.1\n\nready\n`,
    );
    await server.start();
    expect(await ask(server.url, 'select count(*)::int as rows from kept')).toEqual({ rows: 2 });
    await server.stop();
  });

  it('below a home that nobody else may enter, lives where its user can go', async () => {
    const home = await mkdtemp(join(homedir(), '.pdfprompt-private-'));
    await chmod(home, 0o700);
    await mkdir(join(home, 'data'));
    const elsewhere = await reachableDirectory(
      join(home, 'data'),
      'postgres',
      unprivilegedIdentity(['postgres', 'daemon', 'nobody']),
    );
    const server = new EmbeddedPostgres({ dataDir: join(home, 'data') });
    try {
      await server.start();
      expect(await ask(server.url, 'select 1 as one')).toEqual({ one: 1 });
      await server.stop();
    } finally {
      await rm(home, { recursive: true, force: true });
      if (elsewhere.startsWith('/var/lib/pdfprompt/elsewhere/'))
        await rm(join(elsewhere, '..'), { recursive: true, force: true });
    }
  });

  it.each<[string, string | undefined, RegExp[]]>([
    [
      '17',
      '1.4.0',
      [
        /of Postgres 17, and this pdfprompt brings Postgres 18/,
        /npx pdfprompt@1\.4\.0 backup/,
        /mv \S+ \S+-17$/m,
        /restore/,
      ],
    ],
    ['17', undefined, [/npx pdfprompt@VERSION backup .*the one that you had before/]],
    ['99', '9.9.9', [/A later release of pdfprompt wrote it/]],
  ])('leaves the data of Postgres %s alone, of release %s, and says what to type', async (major, release, said) => {
    const directory = join(dataDir, 'postgres');
    const planted = join(directory, 'data', 'PG_VERSION');
    const was = await readFile(planted, 'utf8');
    await writeFile(planted, `${major}\n`);
    await rm(join(directory, 'release'), { force: true });
    if (release !== undefined) await writeFile(join(directory, 'release'), `${release}\n`);
    try {
      const start = new EmbeddedPostgres({ dataDir }).start();
      for (const text of said) await expect(start).rejects.toThrow(text);
    } finally {
      await writeFile(planted, was);
    }
    const server = new EmbeddedPostgres({ dataDir, release: '2.0.0' });
    await server.start();
    expect(await ask(server.url, 'select count(*)::int as rows from kept')).toEqual({ rows: 2 });
    expect(await readFile(join(directory, 'release'), 'utf8')).toBe('2.0.0\n');
    await server.stop();
  });
});

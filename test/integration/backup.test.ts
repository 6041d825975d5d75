/** @module-tag long */

import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, inject, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { createSignInLink } from '../../src/accounts/sign-in-links.ts';
import { checkBackup } from '../../src/backup/read-backup.ts';
import { END_OF_ARCHIVE, header, padding } from '../../src/backup/tar.ts';
import { connect } from '../../src/db/driver.ts';
import type { Job } from '../../src/domain/job.ts';
import { OperatorError } from '../../src/kernel/errors.ts';
import { checkBackupFile } from '../../src/runtime/restore.ts';
import { undoLater } from '../support/clean-up.ts';
import { pdfprompt } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const directory = await temporaryDirectory('backup');
const [oldStore, newStore] = [join(directory, 'old'), join(directory, 'new')];
const env = { MAX_PDF_CONCURRENCY: '2' };
const source = await startService({ worker: true, env: { ...env, PDF_STORE: `file://${oldStore}` } });
const FILE = join(directory, 'pdfprompt.backup');

/** A text with everything that COPY writes in another way. */
const STRANGE = 'a\tb\\N\\.\r\nc "d" ü 😀 \\x00 {e,f}';

async function send(path: string, body: object | string, method = 'POST', key?: string): Promise<{ id: string }> {
  const isText = typeof body === 'string';
  const response = await source.request(path, {
    method,
    ...(key !== undefined && { key }),
    body: isText ? body : JSON.stringify(body),
    headers: isText ? { 'content-type': 'text/plain' } : {},
  });
  expect([path, response.status]).toEqual([path, expect.toSatisfy((status: number) => status < 300)]);
  return (await response.json()) as { id: string };
}
const submit = async (more: object = {}) =>
  (await send('/v1/jobs', { html: `<p>${STRANGE}</p>`, metadata: { text: STRANGE }, ...more })).id;
const statusesOf = async ({ sql }: Pick<typeof source, 'sql'>, ids: string[]) => [
  ...(await sql<{ status: string; count: number }[]>`
    select status, count(*)::integer as count from pdfprompt_job where id in ${sql(ids)} group by 1 order by 1`),
];

/** Another database, of a user who may nothing but have it. */
async function emptyDatabase() {
  const database = await createDatabase({ empty: true });
  const name = `backup_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  const { pathname } = new URL(database.url);
  const admin = connect(inject('templateUrl'), { max: 1 });
  await admin.unsafe(
    `create role ${name} login password 'hunter2'; grant pdfprompt_tenant, pdfprompt_client to ${name}`,
  );
  await admin.unsafe(`alter database ${pathname.slice(1)} owner to ${name}`);
  undoLater(async () => {
    await admin.unsafe(`reassign owned by ${name} to current_user; drop owned by ${name}`).catch(() => undefined);
    await admin.end();
  });
  const url = new URL(database.url);
  Object.assign(url, { username: name, password: 'hunter2' });
  return { url: url.href, sql: database.sql };
}

const cli = async (url: string, ...words: string[]) => {
  const { exited } = pdfprompt(words, { env: { DATABASE_URL: url, PDF_STORE: `file://${newStore}` } });
  const { code, stdout, stderr, bytes } = await exited;
  return { code, stdout, stderr, bytes };
};

/** What makes the rows what they are: constraints, indexes, triggers, row-level security, owners of nothing. */
const schemaOf = async ({ sql }: Pick<typeof source, 'sql'>) => [
  ...(await sql`
    select c.relname, 'constraint' as what, k.conname as name, pg_get_constraintdef(k.oid) || k.convalidated as how
      from pg_constraint k join pg_class c on c.oid = k.conrelid where c.relname like 'pdfprompt\\_%'
    union all select tablename, 'index', indexname, indexdef from pg_indexes where tablename like 'pdfprompt\\_%'
    union all select c.relname, 'trigger', t.tgname, t.tgenabled::text from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where c.relname like 'pdfprompt\\_%' and not t.tgisinternal
    union all select relname, 'rls', '', concat(relrowsecurity, relforcerowsecurity) from pg_class where relname like 'pdfprompt\\_%'
    order by 1, 2, 3, 4`),
];

/** A checksum of all rows by table, without what a restore changes, or the service in passing. */
const OF_STATE: Record<string, string> = {
  pdfprompt_job: '{status,started_at,worker_id,attempts,is_queued}',
  pdfprompt_job_attempt: '{ended_at,outcome,reason}',
  pdfprompt_worker: '{ended_at,seen_at}',
  pdfprompt_api_key: '{last_used_at}', // written a while after the use
  pdfprompt_lease: '{expires_at,state}',
  pdfprompt_file: '{location}',
  pdfprompt_asset: '{location}',
};
async function rowsOf({ sql }: Pick<typeof source, 'sql'>, tables: string[]) {
  const sums: Record<string, string> = {};
  for (const name of tables) {
    const [row] = await sql.unsafe<{ sum: string }[]>(
      `select count(*) || md5(coalesce(string_agg(t, '|' order by t), '')) as sum
       from (select (to_jsonb(r) - '${OF_STATE[name] ?? '{}'}'::text[])::text as t from ${name} r) as rows`,
    );
    sums[name] = row?.sum ?? '';
  }
  return sums;
}

describe('a backup that is made while the service is used', async () => {
  const asset = (await send('/v1/assets', STRANGE, 'PUT')).id;
  await send('/v1/templates/letter', { files: { 'index.html': { text: '<p>{{ name }}</p>' }, 'a.txt': asset } }, 'PUT');
  const early = await Promise.all(Array.from({ length: 6 }, () => submit()));
  const failed = await submit({ html: '<script>console.log("said")</script>', options: { pageRanges: '7' } });
  const areDone = async () =>
    (await statusesOf(source, [...early, failed])).every(({ status }) => ['completed', 'failed'].includes(status));
  await eventually(areDone, 60_000, 'the first documents are done');
  await send('/v1/batches', { request: {}, items: Array.from({ length: 5 }, () => ({ html: '<p>item</p>' })) });
  const operator = await createKey(source.base.db, { email: 'operator@example.com', scopes: ['operator'] });
  const pat = await createKey(source.base.db, { email: 'pat@example.com', tier: 'unlimited' });
  await send(`/v1/admin/pauses/user:${pat.userId}`, { reason: STRANGE }, 'PUT', operator.key);
  const paused: string[] = [];
  for (let time = 0; time < 3; time++)
    paused.push((await send('/v1/jobs', { html: '<p>paused</p>' }, 'POST', pat.key)).id);
  await send('/v1/admin/actions', { action: 'replay', filter: { status: 'completed' } }, 'POST', operator.key);
  await createSignInLink(source.base.db, {});
  await submit({ runAt: new Date(Date.now() + 86_400_000).toISOString() });
  const slow = await Promise.all(Array.from({ length: 2 }, () => submit({ waitForTimeout: 60_000 })));
  const areUnderWay = async () => (await statusesOf(source, slow)).every(({ status }) => status === 'processing');
  await eventually(areUnderWay, 60_000, 'the slow documents are under way');

  const acknowledged: string[] = [];
  let isOver = false;
  const users = Array.from({ length: 4 }, async () => {
    while (!isOver) acknowledged.push(await submit());
  });
  await eventually(async () => acknowledged.length > 20, 30_000, 'it is used');
  const before = [...acknowledged];
  const made = await cli(source.url, 'backup', FILE, '--json');
  isOver = true;
  await Promise.all(users);
  for (const id of slow) await source.request(`/v1/jobs/${id}`, { method: 'DELETE' });
  const contents = await checkBackup(FILE);
  const target = await emptyDatabase();
  const restored = await cli(target.url, 'restore', FILE, '--yes', '--json');

  it('says what is in it, and is for its owner alone', async () => {
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const said = JSON.parse(made.stdout) as { rows: Record<string, number>; files: number; missing: number };
    expect(said).toMatchObject({ files: contents.end.files, missing: 0, rows: contents.end.rows });
    expect(said.rows['pdfprompt_job']).toBeGreaterThan(before.length + early.length);
    expect(said.files).toBeGreaterThanOrEqual(early.length + 1);
    expect((await stat(FILE)).mode & 0o777).toBe(0o600);
    expect((await readdir(directory)).toSorted()).toEqual(['old', 'new', 'pdfprompt.backup'].toSorted());
  });

  it('has every table that the database has', async () => {
    const tables = await source.sql<{ name: string }[]>`
      select relname as name from pg_class where relkind = 'r' and relname like 'pdfprompt\\_%' and relname not like 'pdfprompt\\_migration%'`;
    expect(Object.keys(contents.end.rows).toSorted()).toEqual(tables.map(({ name }) => name).toSorted());
  });

  it('is recorded, for the alarm', async () => {
    for (const { sql } of [source, target]) {
      const rows = await sql<{ at: Date }[]>`select taken_at as at from pdfprompt_backup`;
      expect(rows.map(({ at }) => at.getTime())).toEqual([Date.parse(contents.manifest.takenAt)]);
    }
  });

  it('is restored by a user without special rights, into the schema as it is made', async () => {
    expect(restored).toMatchObject({ code: 0 });
    expect(await schemaOf(target)).toEqual(await schemaOf(source));
  });

  it('has every job that was acknowledged before it began, and they wait or have ended', async () => {
    const statuses = await statusesOf(target, [...before, ...early, failed, ...slow]);
    expect(statuses.reduce((sum, { count }) => sum + count, 0)).toBe(before.length + early.length + 1 + slow.length);
    expect(statuses.map(({ status }) => status)).toEqual(['completed', 'failed', 'queued']);
    const [row] = await target.sql`
      select (select count(*) from pdfprompt_job where is_queued and paused_at is null)
          = (select count(*) from pgboss.job where state = 'created') as same,
        (select count(*)::integer from pdfprompt_job where id in ${target.sql(paused)} and is_queued and paused_at is not null
          and not exists (select from pgboss.job q where q.id = pdfprompt_job.id)) as paused,
        (select count(*)::integer from pdfprompt_job where id in ${target.sql(slow)} and status = 'queued' and attempts = 0) as slow,
        (select count(*)::integer from pdfprompt_job where status = 'scheduled') as scheduled`;
    expect(row).toEqual({ same: true, paused: paused.length, slow: slow.length, scheduled: 1 });
  });

  it('has every row as it was, if nothing happens meanwhile', async () => {
    const isAtRest = async () =>
      (await source.sql`select 1 from pdfprompt_job where status in ('queued', 'processing') and paused_at is null`)
        .length === 0;
    await eventually(isAtRest, 60_000, 'every document has ended');
    const again = await emptyDatabase();
    const quiet = await cli(source.url, 'backup', '-');
    expect(quiet.code).toBe(0);
    const path = join(directory, 'quiet.backup');
    await writeFile(path, quiet.bytes);
    expect((await cli(again.url, 'restore', path, '--yes')).code).toBe(0);
    const tables = contents.manifest.tables.map(({ name }) => name).filter((name) => name !== 'pdfprompt_backup');
    const was = await rowsOf(source, tables);
    expect(await rowsOf(again, tables)).toEqual(was);
    const filled = tables.filter((name) => was[name]?.startsWith('0') === false);
    const few = ['audit', 'bulk_action', 'job_term', 'page_report', 'pause', 'sign_in_link'];
    expect(filled).toEqual(expect.arrayContaining(few.map((name) => `pdfprompt_${name}`)));
    expect(filled.length).toBeGreaterThan(20);
  }, 120_000);

  it('has the files of the directory, which are in the one of PDF_STORE now', async () => {
    await rm(oldStore, { recursive: true });
    const service = await startService({
      database: target,
      worker: true,
      env: { ...env, PDF_STORE: `file://${newStore}` },
    });
    const request = (path: string, init: object = {}) => service.request(path, { key: source.key, ...init });
    for (const id of early) {
      const pdf = Buffer.from(await (await request(`/v1/jobs/${id}/pdf`)).arrayBuffer());
      const [file] = await target.sql<{ sha256: string }[]>`
        select encode(sha256, 'hex') as sha256 from pdfprompt_file where job_id = ${id}`;
      expect(Buffer.from(await crypto.subtle.digest('SHA-256', pdf)).toString('hex')).toBe(file?.sha256);
    }
    const job = await service.request('/v1/jobs', {
      method: 'POST',
      key: source.key,
      body: JSON.stringify({ template: 'letter', data: { name: 'Ann' } }),
    });
    expect(job.status).toBe(202);
    for (const id of slow) await service.request(`/v1/jobs/${id}`, { method: 'DELETE', key: source.key });
    const all = [...before, ((await job.json()) as Job).id];
    const haveEnded = async () => (await statusesOf(target, all)).every(({ status }) => status === 'completed');
    await eventually(haveEnded, 120_000, 'every acknowledged job is completed after the restore');
    expect(await statusesOf(target, paused)).toEqual([{ status: 'queued', count: paused.length }]);
    await request(`/v1/admin/pauses/user:${pat.userId}`, { method: 'DELETE', key: operator.key });
    const haveResumed = async () => (await statusesOf(target, paused)).every(({ status }) => status === 'completed');
    await eventually(haveResumed, 60_000, 'the paused jobs are completed when their pause has ended');
    const [batch] = await target.sql`select status from pdfprompt_batch`;
    expect(batch).toEqual({ status: 'completed' });
  }, 180_000);
});

describe('a file that is no backup as it was made', async () => {
  const whole = await readFile(FILE);
  const broken = join(directory, 'broken.backup');
  const refused = async (bytes: Uint8Array) => {
    await writeFile(broken, bytes);
    return checkBackup(broken).then(
      () => 'taken',
      (error: unknown) => (error instanceof OperatorError ? 'refused' : String(error)),
    );
  };
  const places = Array.from({ length: 40 }, (_, n) => Math.floor((n * (whole.length - 1)) / 39));

  it('is refused wherever one bit of it is another', async () => {
    for (const at of places) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect([at, await refused(changed)]).toEqual([at, 'refused']);
    }
  });

  it('is refused wherever it is cut off, and with more at its end', async () => {
    for (const at of places.slice(0, -1)) expect([at, await refused(whole.subarray(0, at))]).toEqual([at, 'refused']);
    expect(await refused(Buffer.concat([whole, Buffer.from('more')]))).toBe('refused');
    expect(await refused(Buffer.concat([whole, whole]))).toBe('refused');
  });

  it.each<[string, object, RegExp]>([
    [
      'of a later format',
      { format: 2, version: '9.9.9' },
      /its format is 2, and this version reads 1\. Use pdfprompt 9\.9\.9/,
    ],
    [
      'of a later release',
      { migrations: [{ version: 999, name: '0999_later.sql', sha256: 'x' }] },
      /migration 0999_later\.sql/,
    ],
    ['without its tables', { tables: undefined }, /damaged/],
    ['with a table of somebody else', { tables: [{ name: 'pg_authid', columns: ['rolname'] }] }, /damaged/],
  ])('is refused if it is one %s, with what to do', async (_, change, message) => {
    const { manifest, end } = await checkBackup(FILE);
    const file = (name: string, value: object) => {
      const bytes = Buffer.from(JSON.stringify(value));
      return Buffer.concat([header(name, bytes.length, 0), bytes, padding(bytes.length)]);
    };
    const first = file('manifest.json', { ...manifest, ...change });
    const packed = zstdCompressSync(Buffer.concat([first, file('end.json', end), END_OF_ARCHIVE]));
    const sum = createHash('sha256').update(packed).digest();
    await writeFile(broken, Buffer.concat([packed, whole.subarray(-40, -32), sum]));
    await expect(checkBackupFile(broken)).rejects.toThrow(message);
  });
});

describe('a restore', async () => {
  const target = await emptyDatabase();
  const users = async () => (await target.sql`select count(*)::integer as count from pdfprompt_user`)[0]?.['count'];

  it('that is killed leaves nothing behind, and can be done again', async () => {
    expect((await cli(target.url, 'migrate')).code).toBe(0);
    const holder = connect(target.url, { max: 1 });
    await holder.unsafe('begin; lock table pgboss.job in access exclusive mode'); // the queue is made when all tables are filled
    undoLater(() => holder.end({ timeout: 0 }));
    const { child, exited } = pdfprompt(['restore', FILE, '--yes'], {
      env: { DATABASE_URL: target.url, PDF_STORE: `file://${newStore}` },
    });
    const restoring = (wait: string[]) => target.sql`
      select 1 from pg_stat_activity
      where datname = current_database() and application_name = 'pdfprompt restore' and wait_event_type in ${target.sql(wait)}`;
    await eventually(async () => (await restoring(['Lock'])).length > 0, 60_000, 'the tables are filled');
    child.kill('SIGKILL');
    await exited;
    await holder.unsafe('rollback');
    await eventually(
      async () => (await restoring(['Lock', 'Client', 'IO'])).length === 0,
      30_000,
      'its session has ended',
    );
    expect(await users()).toBe(0);
    expect(await cli(target.url, 'restore', FILE, '--yes')).toMatchObject({ code: 0 });
    expect(await users()).toBe((await checkBackup(FILE)).end.rows['pdfprompt_user']);
  }, 120_000);

  it.each([
    ['a database that is not empty', () => target.url, /not empty: there are rows in pdfprompt_/],
    ['one that is used', () => source.url, /Another process uses this database \(pdfprompt test/],
  ])('into %s is refused', async (_, url, message) => {
    const before = await users();
    expect(await cli(url(), 'restore', FILE, '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(message),
    });
    expect(await users()).toBe(before);
  });
});

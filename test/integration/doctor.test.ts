/** @module-tag user */

import { afterAll, describe, expect, it } from 'vitest';
import type { Check } from '../../src/runtime/check.ts';
import { connect } from '../../src/db/driver.ts';
import { isRoot } from '../../src/kernel/privileges.ts';
import { examine } from '../../src/runtime/doctor.ts';
import { undoLater } from '../support/clean-up.ts';
import { pdfprompt } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { OwnPostgres } from '../support/postgres.ts';
import { S3Server } from '../support/s3-server.ts';
import { testConfig } from '../support/service.ts';
import { SmallDisk } from '../support/small-disk.ts';

/** Nobody else's: `doctor` adds up what all processes of a server may open, other tests' among them. */
const postgres = await OwnPostgres.open();
afterAll(() => postgres.close());
const env = { DATABASE_URL: postgres.url };

/** What doctor finds, without a browser unless it is about that one: starting it takes a second. */
async function examined(more: Record<string, string> = {}): Promise<(name: string) => Check | undefined> {
  const config = testConfig({ ...env, CHROME_PATH: '/nowhere/chrome', ...more });
  const checks = await examine(config, () => undefined);
  return (name) => checks.find((check) => check.name === name);
}

describe('doctor', () => {
  it('finds everything here, the sandbox on', async () => {
    const checks = await examine(testConfig(env), () => undefined);
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    const check = (name: string) => checks.find((each) => each.name === name);
    expect(check('postgres')?.message).toMatch(/^Postgres \d+/);
    expect(check('sandbox')).toMatchObject({ status: 'ok', message: expect.stringMatching(/under seccomp/) });
    expect(check('rendering')?.message).toMatch(/a test page of \d+ bytes/);
  });

  it('without a browser says what to type', async () => {
    const check = await examined();
    expect(check('chromium')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/^CHROME_PATH: \/nowhere\/chrome is not a program/),
      fix: expect.stringMatching(/correct CHROME_PATH/),
    });
  });

  it.each([
    ['tenant', 'ok', 'a page belongs to one tenant'],
    ['static', 'ok', 'at most 200 documents and 60 s'],
    ['job', 'ok', 'each document has a new page'],
    ['shared', 'warn', 'all tenants share pages'],
  ])('says who may share a page with RENDER_ISOLATION=%s', async (isolation, status, message) => {
    const check = await examined({ RENDER_ISOLATION: isolation });
    expect(check('isolation')).toMatchObject({ status, message: expect.stringContaining(message) });
  });

  it('with a dead DATABASE_URL says so, without the password', async () => {
    const config = testConfig({
      DATABASE_URL: 'postgres://ann:hunter2@127.0.0.1:1/db',
      CHROME_PATH: '/nowhere/chrome',
    });
    const checks = await examine(config, () => undefined);
    expect(checks.find(({ name }) => name === 'postgres')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/The database db at 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED/),
      fix: expect.stringMatching(/correct DATABASE_URL, or unset it/),
    });
    expect(JSON.stringify(checks)).not.toContain('hunter2');
  });

  it('adds up what all processes may open, and says what to lower or raise', async () => {
    expect((await examined())('connections')).toEqual({
      name: 'connections',
      status: 'ok',
      message: expect.stringMatching(/^at most \d+ of \d+ for one serve and one work$/),
    });
    await pdfprompt(['serve', '--port', '0'], { env }).until(/serves at/);
    const check = await examined({ DATABASE_MAX_CONNECTIONS: '90' });
    expect(check('connections')).toMatchObject({
      status: 'warn',
      message: expect.stringMatching(/^at most \d+ of \d+ for 1 serve and one more serve and work$/),
      fix: expect.stringMatching(
        /^lower DATABASE_MAX_CONNECTIONS of every process to \d+, or raise max_connections in postgresql\.conf by \d+$/,
      ),
    });
  });

  it('with a database that is not migrated says what to type', async () => {
    const empty = await createDatabase({ empty: true });
    const check = await examined({ DATABASE_URL: empty.url });
    expect(check('migrations')).toMatchObject({ status: 'fail', fix: 'pdfprompt migrate' });
  });

  it('names who may create in the schema of the tables, and what to type', async () => {
    const sql = connect(postgres.url, { max: 1 });
    undoLater(() => sql.end({ timeout: 1 }));
    const [me] = await sql<{ name: string }[]>`
      select quote_ident(current_user) as name`;
    const fine = { name: 'schema', status: 'ok', message: 'only the owner of the tables may create in public' };
    await sql.unsafe(`create role member; grant ${me?.name} to member; create role root superuser;
      grant create on schema public to member, root; grant usage on schema public to public`);
    expect((await examined())('schema')).toEqual(fine); // they act as the owner anyway
    await sql.unsafe(`create role "An app"; grant create on schema public to public, "An app"`);
    const granted = (await examined())('schema');
    expect(granted).toMatchObject({
      status: 'warn',
      message: '"An app", PUBLIC may create in public, the schema of the tables, and so act as their owner',
      fix: 'revoke create on schema public from "An app"; revoke create on schema public from public;',
    });
    await sql.unsafe(granted?.fix ?? '');
    expect((await examined())('schema')).toEqual(fine);
    await sql.unsafe(`alter schema public owner to "An app"`);
    const owned = (await examined())('schema');
    expect(owned).toMatchObject({ status: 'warn', fix: `alter schema public owner to ${me?.name};` });
    await sql.unsafe(owned?.fix ?? '');
    expect((await examined())('schema')).toEqual(fine);
  });

  it('says how much room there is where we write, and for each of them', async () => {
    const directory = await temporaryDirectory('store');
    const check = await examined({ PDF_STORE: `file://${directory}` });
    for (const name of ['room for PDFs', 'room for temporary files'])
      expect(check(name)).toMatchObject({ message: expect.stringMatching(/^\/\S* has [\d.]+ [GM]B left/) });
    expect(check('room for Postgres')).toBeUndefined(); // it is not ours
  });

  it.runIf(isRoot())('with a full disk fails, and says what to do', async () => {
    const disk = await SmallDisk.mount(1);
    const env = { PDF_STORE: `file://${disk.path}` };
    expect((await examined(env))('room for PDFs')).toMatchObject({ status: 'ok' });
    disk.fill();
    expect((await examined(env))('room for PDFs')).toEqual({
      name: 'room for PDFs',
      status: 'fail',
      message: `${disk.path} has 0 MB left: work waits`,
      fix: 'give it more, or lower PDF_RETENTION',
    });
  });

  it('with a store that cannot be written says so', async () => {
    const check = await examined({ PDF_STORE: 'file:///etc/passwd/pdfs' });
    expect(check('pdf store')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/^PDF_STORE: \/etc\/passwd\/pdfs cannot be written/),
    });
  });

  it('uses a bucket, and says which setting is wrong', async () => {
    const server = await S3Server.start();
    const inBucket = { PDF_STORE: `s3://${server.bucket}/pdfs`, ...server.env };
    expect((await examined(inBucket))('pdf store')).toMatchObject({ status: 'ok', message: inBucket.PDF_STORE });
    const check = await examined({ ...inBucket, AWS_SECRET_ACCESS_KEY: 'other' });
    expect(check('pdf store')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/^PDF_STORE: s3:\/\/pdfs\/pdfs cannot be used: SignatureDoesNotMatch/),
      fix: 'set AWS_SECRET_ACCESS_KEY to the secret of AWS_ACCESS_KEY_ID',
    });
  });
});

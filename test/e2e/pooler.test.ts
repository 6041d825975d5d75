/** @module-tag long */

import { sql as query } from 'drizzle-orm';
import { afterAll, describe, expect, it } from 'vitest';
import { openPool } from '../../src/db/pools.ts';
import { TENANT_ROLE } from '../../src/db/tenant.ts';
import type { Job } from '../../src/domain/job.ts';
import { pdfprompt } from '../support/cli.ts';
import { createDatabase } from '../support/database.ts';
import { readPdf } from '../support/pdf.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { eventually } from '../support/processes.ts';
import { createService } from '../support/remote-service.ts';

const POOL_SIZE = 4;
const JOBS = 30;
const { url, sql } = await createDatabase();
const pooledUrl = await startPgBouncer(url, POOL_SIZE);
const env = { DATABASE_DIRECT_URL: url, DATABASE_PREPARE: 'false' };

describe('behind a transaction-mode pooler', async () => {
  const service = await createService(pooledUrl, ['ann', 'bob'], env);
  const idOf = async (response: Response) => ((await response.json()) as Job).id;
  const ids: string[] = [];
  let mostConnections = 0;
  const count = async () => {
    const rows = await sql`
      select 1 from pg_stat_activity where datname = current_database()
      and (application_name like 'pdfprompt%' or application_name = 'test')`;
    mostConnections = Math.max(mostConnections, rows.length);
  };
  const counting = setInterval(() => void count().catch(() => undefined), 50);
  afterAll(() => clearInterval(counting));

  it('every job is done, is listed, and has its PDF; and nothing of it is there for anybody else', async () => {
    ids.push(
      ...(await Promise.all(
        Array.from({ length: JOBS }, (_, index) => service.submit('ann', `<p>number ${index}</p>`)),
      )),
    );
    const jobs = await Promise.all(ids.map((id) => service.jobOf('ann', id, 60)));
    expect(jobs.map(({ status }) => status)).toEqual(ids.map(() => 'completed'));

    const list = await service.request('ann', `/v1/jobs?limit=100`);
    expect(((await list.json()) as { data: Job[] }).data.map(({ id }) => id).sort()).toEqual(ids.toSorted());
    const pdf = await service.request('ann', `/v1/jobs/${ids[7]}/pdf`);
    expect((await readPdf(await pdf.arrayBuffer())).text.join('')).toContain('number 7');

    for (const path of [`/v1/jobs/${ids[7]}`, `/v1/jobs/${ids[7]}/pdf`])
      expect((await service.request('bob', path)).status).toBe(404);
    expect(await (await service.request('bob', '/v1/jobs')).json()).toEqual({ data: [], nextCursor: null });
  });

  it('an idempotency key makes one job', async () => {
    const init = { method: 'POST', body: '{"html":"<p>once</p>"}' };
    const send = () => service.request('bob', '/v1/jobs', { ...init, headers: { 'Idempotency-Key': 'once' } });
    const [first, second] = [await send(), await send()];
    expect([first.status, second.status]).toEqual([202, 200]);
    const id = await idOf(first);
    expect(await idOf(second)).toBe(id);
    expect(await service.jobOf('bob', id, 60)).toMatchObject({ status: 'completed' });
  });

  it('a cancelled job ends while it runs', async () => {
    const response = await service.request('bob', '/v1/jobs', {
      method: 'POST',
      body: '{"html":"<p>slow</p>","waitForTimeout":20000}',
    });
    const id = await idOf(response);
    const statusOf = async () => (await service.jobOf('bob', id, 0)).status;
    await eventually(async () => (await statusOf()) === 'processing', 30_000, 'it is begun');
    const cancelled = await service.request('bob', `/v1/jobs/${id}`, { method: 'DELETE' });
    expect(await cancelled.json()).toMatchObject({ status: 'cancelled' });
    const again = await service.submit('bob', '<p>next</p>');
    expect(await service.jobOf('bob', again, 20)).toMatchObject({ status: 'completed' });
  });

  it('what needs a session has one past the pooler, and all else shares the few that the pooler makes', async () => {
    const sessions = await sql<{ name: string }[]>`
      select application_name as name from pg_stat_activity
      where datname = current_database() and application_name in ('pdfprompt serve notifier', 'pdfprompt work notifier', 'pdfprompt worker')`;
    expect(sessions.map(({ name }) => name).sort()).toEqual([
      'pdfprompt serve notifier',
      'pdfprompt work notifier',
      'pdfprompt worker',
    ]);
    const [lock] = await sql`
      select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
      where l.locktype = 'advisory' and a.datname = current_database()`;
    expect(lock).toEqual({ name: 'pdfprompt worker' });
    expect(mostConnections).toBeGreaterThan(3);
    expect(mostConnections).toBeLessThanOrEqual(POOL_SIZE + 3);
  });

  it('tenants are read in their role, which no connection keeps', async () => {
    const options = { url: pooledUrl, max: 4, idleTimeoutMs: 1_000, connectTimeoutMs: 5_000, prepare: false };
    const reads = openPool({ ...options, applicationName: 'test reads', role: TENANT_ROLE });
    const main = openPool({ ...options, applicationName: 'test main' });
    const role = query`select current_user as role, ${1}::integer as one`;
    for (let time = 0; time < 20; time++) {
      const [walled, other] = await Promise.all([reads.db.execute(role), main.db.execute(role)]);
      expect([walled[0]?.['role'], other[0]?.['role']]).toEqual([TENANT_ROLE, new URL(url).username]);
    }
    expect(await reads.db.transaction((tx) => tx.execute(role))).toMatchObject([{ role: TENANT_ROLE }]);
    expect(await reads.db.execute(query`select 1 from pdfprompt_job`)).toHaveLength(0);
    await expect(reads.db.execute(query`select 1 from pdfprompt_user`)).rejects.toMatchObject({
      cause: { code: '42501' },
    });
    await Promise.all([reads.close(), main.close()]);
  });
});

it.each(['serve', 'work'])('a %s that was not told of the pooler says what to set', async (command) => {
  const { code, stderr } = await pdfprompt([command], { env: { DATABASE_URL: pooledUrl, PORT: '0' } }).exited;
  expect(code).toBe(1);
  expect(stderr).toMatch(/If that is a pooler, set DATABASE_PREPARE=false and DATABASE_DIRECT_URL\./);
});

it('doctor says which timeouts the role should have, until it has them', async () => {
  const pooler = async () => {
    const { stdout } = await pdfprompt(['doctor', '--json'], { env: { ...env, DATABASE_URL: pooledUrl } }).exited;
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; fix?: string }[] };
    return checks.find(({ name }) => name === 'pooler');
  };
  const before = await pooler();
  expect(before).toMatchObject({
    status: 'warn',
    fix: expect.stringMatching(/alter role \w+ set lock_timeout = '10s';/),
  });
  const lines = (before?.fix ?? '').replaceAll(/role \w+ set/g, `database ${new URL(url).pathname.slice(1)} set`);
  await sql.unsafe(lines); // the other tests' databases are the same user's
  // The pooler's connections began without them.
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
  expect(await pooler()).toMatchObject({ status: 'ok' });
});

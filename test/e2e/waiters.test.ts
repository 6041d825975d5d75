/** @module-tag long */

import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import type { Job } from '../../src/domain/job.ts';
import { type ClaimedJob, claimJobs } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { submitJob } from '../../src/jobs/submit.ts';
import { JobQueue } from '../../src/queue/boss.ts';
import { Stores } from '../../src/storage/stores.ts';
import { createUnlimitedKey, forgetfulLimiter, principalOf } from '../support/accounts.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { pdfprompt } from '../support/cli.ts';
import { eventually } from '../support/processes.ts';
import { silentEvents } from '../support/silent-events.ts';

const CLIENTS = 2_000;
/** Of all clients together. Half of it is usual; how much garbage is left besides depends on how busy the machine is. */
const MEMORY_MB = 300;
const { url, sql } = await createDatabase();
const pool = openTestPool(url, 4);
const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');

it('2,000 clients that wait cost memory, but no connection and no query, and are answered as their jobs end', async () => {
  const queue = new JobQueue({ db: pool.db, supervise: false, onError: () => undefined });
  await queue.start();
  const events = silentEvents();
  const limiter = forgetfulLimiter();
  const deps = {
    db: pool.db,
    reads: pool.db,
    queue,
    events,
    limiter,
    stores: new Stores({ pdfStore: { kind: 'postgres' } }),
    retentionMs: 60_000,
  };
  const principal = await principalOf(pool.db, key);
  const parsed = parsePdfRequest({ html: '<p>x</p>' });
  if (!parsed.ok) throw new Error('the test does not fit the code');
  const workerId = '01a20b1c-7e0d-7435-94b8-00000000000d';
  await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
  const ids: string[] = [];
  while (ids.length < CLIENTS) {
    const some = Array.from({ length: 8 }, () => submitJob(deps, { principal, request: parsed.request }));
    ids.push(...(await Promise.all(some)).map(({ job }) => job.id));
  }

  const claimed: ClaimedJob[] = [];
  while (claimed.length < CLIENTS) claimed.push(...(await claimJobs(deps, { workerId, count: 100 })));

  const api = pdfprompt(['serve', '--port', '0'], { env: { DATABASE_URL: url, LOG_LEVEL: 'warn' } });
  const [, address = ''] = await api.until(/serves at (http:\S+)/);
  const agent = new Agent({ maxSockets: Infinity });
  const answeredAt = new Map<string, number>();
  const wait = (id: string) =>
    new Promise<Job>((done, failed) => {
      const headers = { authorization: `Bearer ${key}` };
      get(`${address}/v1/jobs/${id}?wait=60`, { agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          answeredAt.set(id, performance.now());
          done(JSON.parse(Buffer.concat(chunks).toString()) as Job);
        });
      }).once('error', failed);
    });
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${api.pid}/status`, 'utf8'))?.[1]) / 1024;
  const connections = async () =>
    (
      await sql`select 1 from pg_stat_activity where application_name like 'pdfprompt serve%' and datname = current_database()`
    ).length;
  // Whether the database is there is asked once a second, by one for all.
  const secondsSinceLastQuery = async () => {
    const [row] = await sql`
      select extract(epoch from clock_timestamp() - max(query_start)) as seconds from pg_stat_activity
      where application_name in ('pdfprompt serve', 'pdfprompt serve reads') and datname = current_database()
        and query not like '%transaction_read_only%'`;
    return Number(row?.['seconds'] ?? Infinity);
  };

  await wait(ids[0] ?? '').catch(() => undefined); // warm: it waits for nothing else
  const before = memory();
  const jobs: Promise<Job>[] = [];
  for (const id of ids) {
    const job = wait(id);
    job.catch(() => undefined);
    jobs.push(job);
    if (jobs.length % 50 === 0) await sleep(100); // clients come one after the other: this is no test of a stampede
  }
  // Each looked for its job once; from then on nothing is asked.
  await eventually(async () => (await secondsSinceLastQuery()) > 4, 30_000, 'the API asks nothing more');
  const count = await connections();
  expect(count).toBeLessThanOrEqual(21); // the pool, and the notifier
  expect(memory() - before).toBeLessThan(MEMORY_MB);

  const endedAt = new Map<string, number>();
  const left = [...claimed];
  const finish = async () => {
    for (let job = left.pop(); job; job = left.pop()) {
      await finishJob(deps, job, { kind: 'reject', code: 'job_failed', message: 'a test' });
      endedAt.set(job.id, performance.now());
    }
  };
  await Promise.all([finish(), finish()]);
  await eventually(() => answeredAt.size >= CLIENTS, 30_000, 'all are answered');
  for (const job of await Promise.all(jobs)) expect(job.status).toBe('failed');
  const late = ids.map((id) => (answeredAt.get(id) ?? Infinity) - (endedAt.get(id) ?? 0)).toSorted((a, b) => a - b);
  // Alone on a machine it is 50 ms for all. Who is not woken is answered when the 60 s are over.
  expect(late[CLIENTS / 2]).toBeLessThan(1_000);
  expect(late.at(-1)).toBeLessThan(10_000);
  expect(memory() - before).toBeLessThan(MEMORY_MB);
  expect(await connections()).toBeLessThanOrEqual(count + 2); // those for slow work, which come and go

  agent.destroy();
  await queue.stop();
  await pool.close();
}, 240_000);

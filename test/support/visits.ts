import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../src/db/driver.ts';
import { JOB_STATUSES } from '../../src/domain/job.ts';
import { cancelJob } from '../../src/jobs/cancel.ts';
import { expire } from '../../src/jobs/expire.ts';
import { requeueLostJobs, requeueUnknownJobs } from '../../src/jobs/lost-jobs.ts';
import { requeueStranded } from '../../src/jobs/requeue.ts';
import { sweepFiles } from '../../src/jobs/sweep-files.ts';
import { locateFiles, removeAbandonedPuts, removeUnownedFiles } from '../../src/jobs/unowned-files.ts';
import { rotateLinkKeys } from '../../src/links/rotate-link-keys.ts';
import type { Claim } from '../../src/queue/boss.ts';
import { Stores } from '../../src/storage/stores.ts';
import { adminVisits, FILTERS } from './admin-visits.ts';
import { batchVisits } from './batch-visits.ts';
import { consoleVisits, keepDocuments } from './console-visits.ts';
import { deliveryVisits } from './delivery-visits.ts';
import { eventVisits } from './event-visits.ts';
import { temporaryDirectory } from './files.ts';
import { asker, at, type Guest, welcome } from './guests.ts';
import { FORMER_USER, HEAVY_USERS } from './million.ts';
import { scheduleVisits } from './schedule-visits.ts';
import type { StagedService } from './staged-service.ts';
import { silentEvents } from './silent-events.ts';
import { sqlVisits } from './sql-visits.ts';
import { templateVisits } from './template-visits.ts';
import { TURNS, type Visit } from './visit.ts';
import { webhookVisits } from './webhook-visits.ts';

/** Jobs of each worker that is lost. */
const LOST_JOBS = 4;
const RETENTION_SECONDS = 7 * 86_400;
/** In each pass: one batch and a half, and the jobs of this many seconds, some hundred. */
const EXPIRED_FILES = 300;
const EXPIRED_JOBS_SECONDS = 300;
const LEFT_FILES = 300;
const EXPIRED_BATCHES = 50;

/** Everybody who has something to do with the database. The queries that nobody makes are not seen. */
export async function planVisits(
  service: StagedService,
  sql: Client,
  /** so that a second time meets other users */
  round: number,
): Promise<Visit[]> {
  const guestsFrom = (first: number, count: number) => welcome(sql, first, count);
  const heavy = await guestsFrom(1, HEAVY_USERS);
  // whose newest jobs are old, too
  const readers = [...heavy, ...(await guestsFrom(FORMER_USER, 1))];
  let next = 7_000 + round * 2_000;
  const many = async () => guestsFrom((next += 100) - 100, TURNS);
  const ask = asker(service.url);
  const heavyOf = (turn: number) => at(heavy, turn);
  const readerOf = (turn: number) => at(readers, turn);
  const jobsOf = async (guest: Guest, status: string, extra = '') =>
    sql.unsafe<{ id: string }[]>(
      `select j.id from pdfprompt_job j where user_id = $1 and status = $2 ${extra} order by j.id desc limit 100`,
      [guest.id, status],
    );
  const ids = async (status: string, extra?: string) =>
    Promise.all(heavy.map(async (guest) => (await jobsOf(guest, status, extra)).map(({ id }) => id)));
  const completed = await ids('completed');
  const withBytes = await ids(
    'completed',
    'and exists (select 1 from pdfprompt_file f join pdfprompt_file_chunk c on c.file_id = f.id where f.job_id = j.id)',
  );
  const failed = await ids('failed');
  const retryable = await keepDocuments(sql, heavy);
  const queued = await jobsOf(at(heavy, 0), 'queued');
  const jobOf = (which: string[][], turn: number) =>
    at(at(which, turn % HEAVY_USERS), Math.floor(turn / HEAVY_USERS) + round * 20);
  const [submitters, repeaters, impatient, limited, strangers] = [
    await many(),
    await many(),
    await many(),
    await many(),
    await many(),
  ];
  const html = { html: '<p>x</p>' };
  const repeated = { body: html, headers: { 'Idempotency-Key': `again-${round}` } };
  const { db, queue, stores } = service.chores;
  const links: string[] = [];

  return [
    {
      name: 'POST /v1/jobs',
      run: async (turn) =>
        void (await ask(turn % 2 ? heavyOf(turn) : at(submitters, turn), 'POST', '/v1/jobs', 202, { body: html })),
    },
    {
      name: 'POST /v1/jobs (Idempotency-Key)',
      run: async (turn) => void (await ask(at(repeaters, turn), 'POST', '/v1/jobs', 202, repeated)),
    },
    {
      name: 'POST /v1/jobs (again)',
      run: async (turn) => void (await ask(at(repeaters, turn), 'POST', '/v1/jobs', 200, repeated)),
    },
    {
      name: 'POST /v1/jobs (limit reached)',
      run: async (turn) => {
        for (const expected of [202, 202, 429])
          await ask(at(limited, turn), 'POST', '/v1/jobs', expected, { body: html });
      },
    },
    {
      name: 'POST /v1/pdf',
      run: async (turn) => void (await ask(at(impatient, turn), 'POST', '/v1/pdf', 200, { body: { html: 'done' } })),
    },
    { name: 'GET /v1/jobs', run: async (turn) => void (await ask(readerOf(turn), 'GET', '/v1/jobs', 200)) },
    {
      name: 'GET /v1/jobs (limit=100)',
      run: async (turn) => void (await ask(readerOf(turn), 'GET', '/v1/jobs?limit=100', 200)),
    },
    {
      name: 'GET /v1/jobs (cursor)',
      run: async (turn) => {
        const page = (await ask(readerOf(turn), 'GET', '/v1/jobs?limit=1', 200)) as { nextCursor: string };
        await ask(readerOf(turn), 'GET', `/v1/jobs?cursor=${page.nextCursor}`, 200);
      },
    },
    ...JOB_STATUSES.map((status) => ({
      name: `GET /v1/jobs (status=${status})`,
      run: async (turn: number) => {
        const page = (await ask(readerOf(turn), 'GET', `/v1/jobs?status=${status}`, 200)) as {
          data: unknown[];
          nextCursor: string | null;
        };
        if (page.nextCursor)
          await ask(readerOf(turn), 'GET', `/v1/jobs?status=${status}&cursor=${page.nextCursor}`, 200);
      },
    })),
    ...FILTERS.slice(1).map(([what, query]) => ({
      name: `GET /v1/jobs (${what})`,
      run: async (turn: number) => {
        const page = (await ask(readerOf(turn), 'GET', `/v1/jobs?${query(turn)}`, 200)) as {
          nextCursor: string | null;
        };
        if (page.nextCursor !== null)
          await ask(
            readerOf(turn),
            'GET',
            `/v1/jobs?${query(turn)}&cursor=${encodeURIComponent(page.nextCursor)}`,
            200,
          );
      },
    })),
    {
      name: 'GET /v1/jobs/{id}',
      run: async (turn) =>
        void (await ask(
          heavyOf(turn),
          'GET',
          `/v1/jobs/${turn % 2 ? jobOf(completed, turn) : jobOf(failed, turn)}`,
          200,
        )),
    },
    {
      name: 'GET /v1/jobs/{id} (queued)',
      run: async (turn) => void (await ask(at(heavy, 0), 'GET', `/v1/jobs/${at(queued, turn).id}`, 200)),
    },
    {
      name: "GET /v1/jobs/{id} (another's)",
      run: async (turn) => void (await ask(at(strangers, turn), 'GET', `/v1/jobs/${jobOf(completed, turn)}`, 404)),
    },
    {
      name: 'GET /v1/jobs/{id}/pdf',
      run: async (turn) => void (await ask(heavyOf(turn), 'GET', `/v1/jobs/${jobOf(withBytes, turn)}/pdf`, 200)),
    },
    {
      name: 'GET /v1/jobs/{id}/picture',
      run: async (turn) => void (await ask(heavyOf(turn), 'GET', `/v1/jobs/${jobOf(failed, turn)}/picture`, 404)),
    },
    {
      name: 'GET /v1/jobs/{id}/files',
      run: async (turn) => void (await ask(heavyOf(turn), 'GET', `/v1/jobs/${jobOf(completed, turn)}/files`, 200)),
    },
    {
      name: 'GET /v1/jobs/{id}/files/{n}',
      run: async (turn) => void (await ask(heavyOf(turn), 'GET', `/v1/jobs/${jobOf(withBytes, turn)}/files/0`, 200)),
    },
    {
      name: 'POST /v1/jobs/{id}/link',
      run: async (turn) => {
        const link = await ask(heavyOf(turn), 'POST', `/v1/jobs/${jobOf(withBytes, turn)}/link`, 201);
        links.push(new URL((link as { url: string }).url).pathname);
      },
    },
    {
      name: 'GET /v1/links/{token}',
      run: async (turn) => void (await ask(heavyOf(turn), 'GET', at(links, turn), 200)),
    },
    {
      name: 'DELETE /v1/jobs/{id}/links',
      run: async (turn) => void (await ask(heavyOf(turn), 'DELETE', `/v1/jobs/${jobOf(withBytes, turn)}/links`, 204)),
    },
    {
      name: 'DELETE /v1/jobs/{id}/pdf',
      run: async (turn) => void (await ask(heavyOf(turn), 'DELETE', `/v1/jobs/${jobOf(withBytes, turn)}/pdf`, 204)),
    },
    { name: 'rotating the keys of links', run: async () => void (await rotateLinkKeys(db)) },
    {
      name: 'DELETE /v1/jobs/{id}',
      run: async (turn) => void (await ask(at(heavy, 0), 'DELETE', `/v1/jobs/${at(queued, 30 + turn).id}`, 200)),
    },
    {
      name: 'POST /v1/jobs/{id}/retry',
      run: async (turn) => {
        const { id, userId } = at(retryable, turn);
        const owner = heavy.find((guest) => guest.id === userId) ?? at(heavy, 0);
        await ask(owner, 'POST', `/v1/jobs/${id}/retry`, 202);
      },
    },
    {
      name: 'GET /v1/usage',
      run: async (turn) =>
        void (await ask(turn % 2 ? heavyOf(turn) : at(strangers, turn), 'GET', '/v1/usage?days=366', 200)),
    },
    { name: 'GET /readyz', run: async () => void (await fetch(`${service.url}/readyz`)) },
    // Before anything expires.
    ...(await batchVisits(service, sql, { ask, heavy, guests: [...(await many()), ...(await many())] })),
    ...(await scheduleVisits(service, sql, { ask, heavy, guests: await many(), due: await many() })),
    {
      name: 'cancelling',
      run: async (turn) =>
        cancelJob(
          { db, queue, events: silentEvents() },
          { userId: at(heavy, 0).id, jobId: at(queued, 60 + turn).id, requestId: undefined },
        ),
    },
    {
      name: 'losing',
      run: async () => {
        const workerId = await loseWorker(sql);
        await db.transaction(async (tx) => requeueLostJobs(tx, queue, workerId));
      },
    },
    {
      name: 'leaving',
      run: async () => void (await requeueUnknownJobs({ db, queue }, { workerId: await loseWorker(sql), known: [] })),
    },
    {
      name: 'renewing and reaping',
      run: async () => {
        const workerId = await loseWorker(sql);
        const claims = await sql<Claim[]>`
          select id, retry_count as "retryCount" from pgboss.job
          where name = 'pdf' and id in (select id from pdfprompt_job where worker_id = ${workerId})`;
        for (const claim of claims) await queue.renew(db, claim);
      },
    },
    {
      name: 'expiring',
      run: async (turn) => {
        if (turn % 2 === 1) return;
        await letExpire(sql);
        const passes = round * TURNS + turn;
        await expire({
          db,
          stores,
          events: silentEvents(),
          retentionMs: (RETENTION_SECONDS - passes * EXPIRED_JOBS_SECONDS) * 1_000,
        });
      },
    },
    {
      name: 'requeueing',
      run: async () => {
        await losePlaces(sql);
        await requeueStranded({ db, queue });
      },
    },
    {
      name: 'sweeping',
      run: async () => {
        await leaveFiles(sql);
        await removeAbandonedPuts({ db, stores: unmounted });
        await removeUnownedFiles({ db, stores: unmounted, events: silentEvents() });
        await locateFiles({ db, stores: unmounted });
        await sweepFiles({ db, stores: await directoryOf(sql) }, 0);
      },
    },
    { name: "the queue's maintenance", run: async (turn) => (turn < 2 ? queue.maintain() : undefined) },
    ...(await templateVisits(service, sql, { ask, guests: await many(), round })),
    ...(await deliveryVisits(service, sql, await many())),
    ...(await webhookVisits(sql, { ask, heavy, guests: await many(), round })),
    ...(await adminVisits(service, ask)),
    ...eventVisits(service, sql, heavy),
    ...(await sqlVisits(service, sql, { guests: await many(), cancellers: await many(), round })),
    ...(await consoleVisits(service, sql, heavy)),
  ];
}

/** A worker that has ended, but is still at some jobs. @returns its id */
async function loseWorker(sql: Client): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    with lost as (
      insert into pdfprompt_worker (id, host, pid, concurrency) values (gen_random_uuid(), 'lost', 1, 10) returning id
    ), last as (
      select id from pdfprompt_job where is_queued order by rank desc limit ${LOST_JOBS} for update skip locked
    ), taken as (
      update pdfprompt_job set status = 'processing', runs = runs + 1, attempts = attempts + 1, started_at = now(),
        losses = case when rank % 4 = 0 then 2 else 0 end, worker_id = (select id from lost)
      where id in (select id from last) returning id, runs, worker_id
    ), claimed as (
      update pgboss.job set state = 'active', started_on = now() where name = 'pdf' and id in (select id from taken)
    ), begun as (
      insert into pdfprompt_job_attempt (job_id, run, worker_id) select id, runs, worker_id from taken
    )
    select id from lost`;
  return row?.id ?? '';
}

/** Some at the front of the queue lose their places in it. */
async function losePlaces(sql: Client): Promise<void> {
  await sql`
    delete from pgboss.job where name = 'pdf' and state < 'active' and id in (
      select id from pdfprompt_job where is_queued and created_at < now() - interval '1 minute'
      order by rank, id limit ${LOST_JOBS} offset 100)`;
}

/** A directory that is not there. */
const unmounted = new Stores({ pdfStore: { kind: 'file', directory: '/not/there' } });

/** What was put there in vain, what is to be removed from there, and what an old release wrote. */
async function leaveFiles(sql: Client): Promise<void> {
  await sql`
    insert into pdfprompt_unowned_file (id, store, location, job_id, run)
    select gen_random_uuid(), 'file', 'file:///not/there', id, 1 from pdfprompt_job where status = 'failed' limit ${LEFT_FILES}`;
  await sql`
    insert into pdfprompt_unowned_file (id, store, location)
    select gen_random_uuid(), 'file', 'file:///not/there' from generate_series(1, ${LEFT_FILES}::integer)`;
  await sql`
    update pdfprompt_file set store = 'file' where id in (
      select id from pdfprompt_file f where store = 'postgres' and expired_at is null
        and not exists (select 1 from pdfprompt_file_chunk c where c.file_id = f.id) limit ${LEFT_FILES})`;
}

/** A directory with PDFs of jobs that failed, all in its first part, as the last release named them. */
async function directoryOf(sql: Client): Promise<Stores> {
  const directory = await temporaryDirectory('left');
  const stores = new Stores({ pdfStore: { kind: 'file', directory } });
  await stores.current.check();
  await mkdir(join(directory, '00'));
  for (const { id } of await sql<{ id: string }[]>`
    select id from pdfprompt_job where status = 'failed' order by id desc limit ${LEFT_FILES}`) {
    const path = join(directory, '00', `${id.slice(0, -2)}00.pdf`);
    await writeFile(path, '');
    await utimes(path, 1, 1);
  }
  return stores;
}

/** PDFs and batches whose time is over, and one worker of whom nothing is left. */
async function letExpire(sql: Client): Promise<void> {
  await sql`
    update pdfprompt_file set expires_at = now() - interval '1 minute'
    where id in (select id from pdfprompt_file where expired_at is null order by expires_at limit ${EXPIRED_FILES})`;
  await sql`
    insert into pdfprompt_batch (id, user_id, status, result, total, tier, priority, virtual_start, completed_at)
    select gen_random_uuid(), id, 'completed', 'files', 1, 'starter', 0, 0, now() - interval '90 days'
    from (select id from pdfprompt_user limit ${EXPIRED_BATCHES}) as users`;
  await sql`
    insert into pdfprompt_batch_count (batch_id, shard, open)
    select b.id, shard, 0 from pdfprompt_batch b, generate_series(0, 15) shard
    where b.completed_at < now() - interval '80 days' on conflict do nothing`;
  await sql`
    insert into pdfprompt_worker (id, host, pid, concurrency, started_at, ended_at)
    values (gen_random_uuid(), 'gone', 1, 10, now() - interval '90 days', now() - interval '90 days')`;
}

import { sql as statement } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Queryable } from '../../src/db/pools.ts';
import { queueScheduled, untilScheduled } from '../../src/jobs/queue-scheduled.ts';
import type { Client } from '../../src/db/driver.ts';
import { retryRun, runDue, untilDue } from '../../src/schedules/run-due.ts';
import { type Ask, at, type Guest } from './guests.ts';
import type { StagedService } from './staged-service.ts';
import type { Visit } from './visit.ts';

/** Each of the first users has one. */
const OTHERS = 10_000;
/** Of each heavy user, and runs of each; the first has as many as are kept. */
const OF_HEAVY = 100;
const RUNS = 20;
const KEPT_RUNS = 1_000;
/** Due at once, and refused a while ago. */
const DUE = 3;
const DAY_MS = 86_400_000;

const LEAP_DAY = { cron: '0 0 29 2 *', timezone: 'Europe/Vienna', request: { html: '<p>x</p>' } };

interface Visiting {
  ask: Ask;
  heavy: Guest[];
  guests: Guest[];
  /** whose schedules are due */
  due: Guest[];
}

/** What is asked of schedules, and how they are run: those that are due here are not due for the service itself yet. */
export async function scheduleVisits(
  { chores: { db } }: StagedService,
  sql: Client,
  { ask, heavy, guests, due }: Visiting,
): Promise<Visit[]> {
  await seedSchedules(sql, heavy);
  await seedScheduledJobs(sql, heavy);
  const tomorrow = new Date(Date.now() + DAY_MS);
  const visit = (name: string, run: (turn: number) => Promise<unknown>): Visit => ({ name, run: async (turn) => void (await run(turn)) }); // prettier-ignore
  const get = (path: string) => (turn: number) => ask(at(heavy, turn), 'GET', `/v1/schedules${path}`, 200);
  const path = '/v1/schedules/leap-day';
  return [
    visit('GET /v1/schedules', get('')),
    visit('GET /v1/schedules (limit=100)', get('?limit=100')),
    visit('GET /v1/schedules (cursor)', get('?cursor=seeded-50')),
    visit('GET /v1/schedules/{name}', get('/seeded-1')),
    visit('GET /v1/schedules/{name}/runs', get('/seeded-1/runs')),
    visit('GET /v1/schedules/{name}/runs (limit=100)', get('/seeded-1/runs?limit=100')),
    visit('GET /v1/schedules/{name}/runs (cursor)', (turn) =>
      get(`/seeded-1/runs?cursor=${new Date(Date.now() - DAY_MS / 2).toISOString()}`)(turn),
    ),
    visit('PUT /v1/schedules/{name}', async (turn) => {
      await ask(at(guests, turn), 'PUT', path, 201, { body: LEAP_DAY });
      await ask(at(guests, turn), 'PUT', path, 200, { body: { ...LEAP_DAY, missed: 'skip' } });
    }),
    visit('POST /v1/schedules/{name}/run', (turn) => ask(at(guests, turn), 'POST', `${path}/run`, 202)),
    visit('DELETE /v1/schedules/{name}', (turn) => ask(at(guests, turn), 'DELETE', path, 204)),
    visit('running schedules', async (turn) => {
      await makeDue(sql, [at(due, turn), at(heavy, turn)], tomorrow);
      const onBroken = (_: string, error: unknown) => {
        throw error;
      };
      for (const some of [() => runDue({ db, now: tomorrow, onBroken }), () => retryRun({ db, now: tomorrow })])
        while (await some());
      await untilDue(db);
    }),
    visit('queueing scheduled jobs', async (turn) => {
      // In one transaction, so that no other process sees that they are due.
      await db.transaction(async (tx) => {
        for (const { id } of [at(due, turn), at(heavy, turn)]) await scheduleJobs(tx, id);
        await queueScheduled(tx);
      });
      await untilScheduled(db);
    }),
  ];
}

/** Jobs whose time is yet to come, of the heavy users. */
const SCHEDULED = 20_000;

/** Sixty days ahead and later. */
async function seedScheduledJobs(sql: Client, heavy: readonly Guest[]): Promise<void> {
  const ids = `{${heavy.map(({ id }) => id).join(',')}}`;
  await sql`
    insert into pdfprompt_job (id, user_id, priority, rank, request, status, run_at)
    select uuidv7(), (${ids}::uuid[])[1 + n % ${heavy.length}::integer], 0, 0, '{}', 'scheduled', now() + interval '60 days' + n * interval '1 minute'
    from generate_series(1, ${SCHEDULED}::integer) n`;
}

/** One of each of many users, and a hundred of each heavy one with their history: due in sixty days. */
async function seedSchedules(sql: Client, heavy: readonly Guest[]): Promise<void> {
  const ids = `{${heavy.map(({ id }) => id).join(',')}}`;
  const { cron, timezone, request } = LEAP_DAY;
  await sql`
    insert into pdfprompt_schedule (id, user_id, name, cron, timezone, request, next_at)
    select uuidv7(), id, 'seeded-' || n, ${cron}, ${timezone}, ${JSON.stringify(request)}::text::jsonb, now() + interval '60 days'
    from (
      (select id, 0 as n from pdfprompt_user order by id limit ${OTHERS})
      union all select id, n from unnest(${ids}::uuid[]) id, generate_series(1, ${OF_HEAVY}::integer) n
    ) as owner
    on conflict do nothing`;
  await sql`
    insert into pdfprompt_schedule_run (schedule_id, user_id, planned_at, status, job_id)
    select s.id, s.user_id, now() - n * interval '2 minutes', 'submitted', (
      select j.id from pdfprompt_job j where j.user_id = s.user_id order by j.id desc limit 1)
    from pdfprompt_schedule s,
      generate_series(1, case when s.name = 'seeded-1' then ${KEPT_RUNS}::integer else ${RUNS}::integer end) n
    where s.user_id = any (${ids}::uuid[])`;
}

/** One of the first user's, whose first time was missed; some of the other's runs are to be tried again. */
async function makeDue(sql: Client, [{ id: first }, { id: second }]: [Guest, Guest], at: Date): Promise<void> {
  const { cron, timezone, request } = LEAP_DAY;
  await sql`
    insert into pdfprompt_schedule (id, user_id, name, cron, timezone, request, next_at)
    values (uuidv7(), ${first}, 'due', ${cron}, ${timezone}, ${JSON.stringify(request)}::text::jsonb, ${at.toISOString()}::timestamptz)
    on conflict (user_id, name) do update set next_at = excluded.next_at`;
  await sql`
    insert into pdfprompt_schedule_run (schedule_id, user_id, planned_at, status, retry_at, created_at)
    select id, user_id, clock_timestamp(), 'waiting', ${at.toISOString()}::timestamptz, ${at.toISOString()}::timestamptz from pdfprompt_schedule
    where user_id = ${second} and next_at is not null order by id limit ${DUE}`;
}

/** Two whose time has come. */
async function scheduleJobs(tx: Queryable, userId: string): Promise<void> {
  for (const id of [uuidv7(), uuidv7()]) {
    await tx.execute(statement`
      insert into pdfprompt_job (id, user_id, priority, rank, request, status, run_at, keeps_parts)
      values (${id}, ${userId}, 0, 0, '{}', 'scheduled', now() - interval '1 second', true)`);
    await tx.execute(statement`
      insert into pdfprompt_part (job_id, position, kind, content, settings) values (${id}, 0, 'html', '<p>x</p>', '{}')`);
  }
}

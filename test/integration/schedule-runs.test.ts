import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { getUser } from '../../src/accounts/users.ts';
import { retryRun, runDue, untilDue } from '../../src/schedules/run-due.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { undoLater } from '../support/clean-up.ts';

const { url, sql } = await createDatabase();
const pool = openTestPool(url);
undoLater(() => pool.close());
const { db } = pool;
await sql`insert into pdfprompt_tier values ('minute', 1, null, 1), ('day', null, 1, 1), ('none', null, null, 1)`;

let count = 0;
/** A schedule of a new user, due at a time. */
async function schedule({ tier = 'none', cron = '0 * * * *', due = '2031-03-01T10:00:00Z', missed = 'run', request = { html: 'x' } } = {}) {
  const email = `user-${count++}@example.com`;
  await createKey(db, { email, tier });
  const { id: userId } = await getUser(db, { email });
  const [row] = await sql<{ id: string }[]>`
    insert into pdfprompt_schedule (id, user_id, name, cron, timezone, request, missed, next_at)
    values (gen_random_uuid(), ${userId}, 'it', ${cron}, 'UTC', ${sql.json(request)}, ${missed}, ${due}) returning id`;
  return { id: row?.id ?? '', userId };
} // prettier-ignore
const never = (id: string, error: unknown) => {
  throw new Error(id, { cause: error });
};
const tick = (now: string) => runDue({ db, now: new Date(now), onBroken: never });
const historyOf = async (id: string) =>
  (
    await sql<{ at: Date; status: string; skipped: number; job: string | null; code: string | null; retry: Date | null }[]>`
      select planned_at as at, status, skipped, job_id as job, error_code as code, retry_at as retry
      from pdfprompt_schedule_run where schedule_id = ${id} order by planned_at`
  ).map(({ at, ...run }) => ({ at: at.toISOString().slice(0, 16), ...run })); // prettier-ignore
const nextOf = async (id: string) =>
  (
    await sql<{ next_at: Date | null }[]>`select next_at from pdfprompt_schedule where id = ${id}`
  )[0]?.next_at?.toISOString();
const jobsOf = async (userId: string) =>
  (await sql<{ id: string }[]>`select id from pdfprompt_job where user_id = ${userId}`).map(({ id }) => id); // prettier-ignore

describe('a time that has come', () => {
  it('makes one job, however often it is looked at, and the next time', async () => {
    const { id, userId } = await schedule();
    expect(await tick('2031-03-01T09:59:59Z')).toBeUndefined();
    const [run] = (await tick('2031-03-01T10:00:01Z')) ?? [];
    expect(run).toMatchObject({ scheduleId: id, userId, status: 'submitted', plannedAt: '2031-03-01T10:00:00.000Z' });
    expect(await tick('2031-03-01T10:00:02Z')).toBeUndefined();
    expect(await jobsOf(userId)).toEqual([run?.jobId]);
    expect(await nextOf(id)).toBe('2031-03-01T11:00:00.000Z');
  });

  it('is one transaction: without its end there is no job', async () => {
    const { id, userId } = await schedule();
    await sql`alter table pdfprompt_schedule add constraint no_next check (next_at <> '2031-03-01T11:00:00Z') not valid`;
    await expect(tick('2031-03-01T10:00:01Z')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('no_next') },
    });
    expect([await jobsOf(userId), await historyOf(id)]).toEqual([[], []]);
    await sql`alter table pdfprompt_schedule drop constraint no_next`;
    expect(await tick('2031-03-01T10:00:01Z')).toHaveLength(1);
    expect(await jobsOf(userId)).toHaveLength(1);
  });

  it('is left to the process that has it in hand', async () => {
    const { id, userId } = await schedule();
    await sql.begin(async (tx) => {
      await tx`select from pdfprompt_schedule where id = ${id} for no key update`;
      expect(await tick('2031-03-01T10:00:01Z')).toBeUndefined();
    });
    const runs = await Promise.all(Array.from({ length: 4 }, () => tick('2031-03-01T10:00:01Z')));
    expect(runs.filter(Boolean)).toHaveLength(1);
    expect(await jobsOf(userId)).toHaveLength(1);
  });

  it('stands in no other schedule’s way if its times cannot be told', async () => {
    const broken = await schedule({ cron: 'x', due: '2031-03-01T00:00:00Z' });
    const { id } = await schedule();
    const found: string[] = [];
    const now = new Date('2031-03-01T10:00:01Z');
    const look = () => runDue({ db, now, onBroken: (which) => found.push(which) });
    expect([await look(), await look()]).toMatchObject([[], [{ scheduleId: id }]]);
    expect([found, await nextOf(broken.id)]).toEqual([[broken.id], undefined]);
  });
});

describe('times that were missed', () => {
  it.each([
    // [missed, cron, present, run, skipped, next]
    ['run', '0 * * * *', '10:04', '10:00', 0, '11:00'],
    ['skip', '0 * * * *', '10:04', '10:00', 0, '11:00'],
    ['run', '0 * * * *', '10:30', '10:00', 0, '11:00'],
    ['skip', '0 * * * *', '10:30', undefined, 1, '11:00'],
    ['run', '0 * * * *', '14:30', '14:00', 4, '15:00'],
    ['skip', '0 * * * *', '14:30', undefined, 5, '15:00'],
    ['skip', '0 * * * *', '14:01', '14:00', 4, '15:00'],
  ])('%s: %s at %s', async (missed, cron, present, run, skipped, next) => {
    const { id, userId } = await schedule({ missed, cron });
    await tick(`2031-03-01T${present}:00Z`);
    const runs = await historyOf(id);
    expect(runs.find(({ status }) => status === 'submitted')?.at).toBe(run && `2031-03-01T${run}`);
    expect(runs.find(({ status }) => status === 'skipped')).toEqual(
      skipped === 0 ? undefined : { at: '2031-03-01T10:00', status: 'skipped', skipped, job: null, code: null, retry: null },
    );
    expect(await nextOf(id)).toBe(`2031-03-01T${next}:00.000Z`);
    expect(await jobsOf(userId)).toHaveLength(run === undefined ? 0 : 1);
  }); // prettier-ignore

  it.each([
    ['* * * * *', '2032-06-01T10:00'],
    ['*/5 3 * * MON', '2032-05-31T03:55'],
  ])('over a year of %s are told in a moment', async (cron, newest) => {
    const { id } = await schedule({ cron, due: '2031-01-06T03:00:00Z' });
    await tick('2032-06-01T10:00:30Z');
    const runs = await historyOf(id);
    expect(runs.map(({ at, status, skipped }) => [at, status, skipped])).toEqual([
      ['2031-01-06T03:00', 'skipped', cron === '* * * * *' ? 1_000 : 887],
      [newest, 'submitted', 0],
    ]);
  });
});

describe('a run that is refused', () => {
  it('by the limit of a minute is tried again until it is accepted', async () => {
    const { id, userId } = await schedule({ tier: 'minute', cron: '* * * * *' });
    await tick('2031-03-01T10:00:01Z');
    await tick('2031-03-01T10:01:01Z');
    const [, waiting] = await historyOf(id);
    expect(waiting).toMatchObject({ status: 'waiting', code: 'rate_limited', job: null });
    expect(await untilDue(db)).toBeGreaterThan(0);
    expect(await retryRun({ db, now: new Date('2031-03-01T10:01:02Z') })).toBeUndefined();
    expect(await retryRun({ db, now: new Date((waiting?.retry?.getTime() ?? NaN) + 1) })).toMatchObject([
      { status: 'waiting' },
    ]);
    await sql`update pdfprompt_lane set recent = '{}' where user_id = ${userId}`;
    expect(await retryRun({ db, now: new Date('2031-03-01T10:10:00Z') })).toMatchObject([{ status: 'submitted' }]);
    expect((await historyOf(id)).map(({ status, code, retry }) => [status, code, retry])).toEqual([
      ['submitted', null, null],
      ['submitted', null, null],
    ]);
    expect(await jobsOf(userId)).toHaveLength(2);
  });

  it('is not tried again while its schedule is paused', async () => {
    const { id, userId } = await schedule({ tier: 'minute', cron: '* * * * *' });
    await tick('2031-03-01T10:00:01Z');
    await tick('2031-03-01T10:01:01Z');
    await sql`update pdfprompt_lane set recent = '{}' where user_id = ${userId}`;
    await sql`update pdfprompt_schedule set paused = true, next_at = null where id = ${id}`;
    const skipped = { scheduleId: id, status: 'skipped', code: undefined, jobId: undefined };
    expect(await retryRun({ db, now: new Date('2031-03-01T10:10:00Z') })).toMatchObject([skipped]);
    expect((await historyOf(id))[1]).toMatchObject({
      status: 'skipped',
      skipped: 1,
      job: null,
      code: null,
      retry: null,
    });
    await sql`update pdfprompt_schedule set paused = false where id = ${id}`;
    expect(await retryRun({ db, now: new Date('2031-03-01T10:20:00Z') })).toBeUndefined();
    expect(await jobsOf(userId)).toHaveLength(1);
  });

  it('by the limit of a minute for an hour is refused for good', async () => {
    const { id } = await schedule({ tier: 'minute', cron: '* * * * *' });
    await tick('2031-03-01T10:00:01Z');
    await tick('2031-03-01T10:01:01Z');
    expect(await retryRun({ db, now: new Date('2031-03-01T11:01:00Z') })).toMatchObject([
      { status: 'refused', code: 'rate_limited' },
    ]);
    expect((await historyOf(id))[1]).toMatchObject({ status: 'refused', retry: null });
  });

  it.each([
    ['rate_limited', { tier: 'day' }],
    ['invalid_request', { request: { html: 'x', webhook: '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25' } }],
  ])('for good is in the history: %s', async (code, more) => {
    const { id } = await schedule({ cron: '* * * * *', ...more });
    await tick('2031-03-01T10:00:01Z');
    await tick('2031-03-01T10:01:01Z');
    expect((await historyOf(id))[1]).toMatchObject({ status: 'refused', code, job: null, retry: null });
    expect(await nextOf(id)).toBe('2031-03-01T10:02:00.000Z');
  });

  it('because the user has no subscription is in the history', async () => {
    const { id, userId } = await schedule();
    await sql`update pdfprompt_user_subscription set ended_at = now() where user_id = ${userId}`;
    await tick('2031-03-01T10:00:01Z');
    expect(await historyOf(id)).toMatchObject([{ status: 'refused', code: 'unauthenticated' }]);
  });

  it.each(['40P01', '53100'])('by what befell the database (%s) did not take place', async (code) => {
    const { id, userId } = await schedule();
    await sql.unsafe(`
      create function befall() returns trigger language plpgsql as $$ begin raise 'it' using errcode = '${code}'; end $$;
      create trigger befall before insert on pdfprompt_job for each row execute function befall()`);
    await expect(tick('2031-03-01T10:00:01Z')).rejects.toMatchObject({ cause: { code } });
    expect([await historyOf(id), await nextOf(id)]).toEqual([[], '2031-03-01T10:00:00.000Z']);
    await sql.unsafe('drop trigger befall on pdfprompt_job; drop function befall');
    expect(await tick('2031-03-01T10:00:02Z')).toMatchObject([{ status: 'submitted' }]);
    expect(await jobsOf(userId)).toHaveLength(1);
  });

  it('as a transaction of the user is open is tried again, and keeps no other schedule waiting', async () => {
    const [{ id, userId }, other] = [await schedule(), await schedule({ due: '2031-03-01T10:00:01Z' })];
    await sql`insert into pdfprompt_lane (user_id, virtual_finish) values (${userId}, 0)`;
    await sql.begin(async (tx) => {
      await tx`select from pdfprompt_submit(id => gen_random_uuid(), user_id => ${userId}, kind => 'html', content => 'x')`;
      await tick('2031-03-01T10:00:02Z');
      await tick('2031-03-01T10:00:02Z');
      expect([await historyOf(id), await historyOf(other.id)]).toMatchObject([
        [{ status: 'waiting', code: 'unavailable' }],
        [{ status: 'submitted' }],
      ]);
    });
    expect(await retryRun({ db, now: new Date('2031-03-01T10:00:13Z') })).toMatchObject([{ status: 'submitted' }]);
  });

  it('by a fault of the database is tried again', async () => {
    const { id, userId } = await schedule();
    await sql.unsafe(`alter table pdfprompt_job add constraint nobody check (user_id <> '${userId}') not valid`);
    await tick('2031-03-01T10:00:01Z');
    expect(await historyOf(id)).toMatchObject([{ status: 'waiting', code: 'internal' }]);
    await sql`alter table pdfprompt_job drop constraint nobody`;
    expect(await retryRun({ db, now: new Date('2031-03-01T10:02:00Z') })).toMatchObject([{ status: 'submitted' }]);
  });
});

it('the newest thousand runs of a schedule are kept', async () => {
  const { id, userId } = await schedule();
  await sql`insert into pdfprompt_schedule_run (schedule_id, user_id, planned_at, status, skipped)
    select ${id}, ${userId}, timestamptz '2031-03-01T10:00:00Z' - n * interval '1 hour', 'skipped', 1 from generate_series(1, 1005) n`;
  await tick('2031-03-01T10:00:01Z');
  const runs = await historyOf(id);
  expect([runs.length, runs.at(-1)?.status]).toEqual([1_000, 'submitted']);
});

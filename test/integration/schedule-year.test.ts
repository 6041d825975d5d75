import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { getUser } from '../../src/accounts/users.ts';
import { nextTime } from '../../src/schedules/cron.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { undoLater } from '../support/clean-up.ts';
import { timesOf, ZONES } from '../support/cron-oracle.ts';
import { createDatabase, openTestPool } from '../support/database.ts';

const YEAR = { from: Date.UTC(2027, 0, 1), until: Date.UTC(2028, 0, 1) };
/** With the Sundays at which clocks are changed, in all zones. */
const CRONS = [
  '30 2 * 3,4,9,10,11 SUN',
  '0 0 * 3,4,9-11 SUN',
  '*/30 1-3 * 3,4,10,11 SUN',
  '15,45 2 * 3,4,10 SUN',
  '0 0-4 * 9,10 SUN',
  '59 1 * 4,11 SUN',
  '30 23 * 4,9 SAT',
  '@monthly',
  '0 8 L * *',
  '0 9 * * MON#2',
  '0 12 13 * FRI',
  '0 3 28 3 *',
];

const { url, sql } = await createDatabase();

async function start(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('../support/ticking-process.ts', import.meta.url)), {
    env: { ...process.env, DATABASE_URL: url },
    execArgv: [],
  });
  undoLater(async () => {
    const isRunning = child.exitCode === null && child.signalCode === null;
    if (child.connected) child.disconnect();
    if (isRunning) await once(child, 'exit');
  });
  await once(child, 'message');
  return child;
}

/** @returns how many runs it has recorded; 0 if it was killed */
async function tick(child: ChildProcess, time: Date): Promise<number> {
  const over = new AbortController();
  const answer = once(child, 'message', { signal: over.signal }) as Promise<[number]>;
  const end = once(child, 'exit', { signal: over.signal }).then(() => [0] as const);
  child.send(time.toISOString());
  const [done] = await Promise.race([answer, end]);
  over.abort();
  await Promise.allSettled([answer, end]);
  return done;
}

it('a year of schedules in five time zones is run by three processes, each time once, though some are killed', async () => {
  const pool = openTestPool(url);
  undoLater(() => pool.close());
  await createUnlimitedKey(pool.db, 'ann@example.com');
  const { id: userId } = await getUser(pool.db, { email: 'ann@example.com' });
  const schedules = ZONES.flatMap((timezone) => CRONS.map((cron) => ({ name: `${cron} ${timezone}`, cron, timezone })));
  for (const { name, ...rule } of schedules)
    await sql`insert into pdfprompt_schedule (id, user_id, name, cron, timezone, request, missed, next_at) values
      (gen_random_uuid(), ${userId}, ${name}, ${rule.cron}, ${rule.timezone}, '{"html": "x"}', 'skip',
        ${nextTime(rule, new Date(YEAR.from - 1)) ?? null})`;

  const children = await Promise.all([start(), start(), start()]);
  const killed = new Set(Array.from({ length: 3 }, (_, index) => 20 + index * 150 + Math.floor(Math.random() * 130)));
  const by = [0, 0, 0];
  for (let step = 0; ; step++) {
    const [due] = await sql<{ at: Date }[]>`select min(next_at) as at from pdfprompt_schedule`;
    if (!due || due.at.getTime() >= YEAR.until) break;
    const time = new Date(due.at.getTime() + Math.floor(Math.random() * 40_000));
    const victim = killed.has(step) ? step % 3 : -1;
    await Promise.all(
      children.map(async (_, turn) => {
        const index = (turn + step) % children.length;
        const child = children[index] as ChildProcess;
        const ticking = tick(child, time);
        if (index === victim) {
          await sleep(Math.random() * 10);
          child.kill('SIGKILL');
        }
        by[index] = (by[index] ?? 0) + (await ticking);
      }),
    );
    const gone = children[victim];
    if (gone) {
      if (gone.signalCode === null) await once(gone, 'exit');
      children[victim] = await start();
    }
  }

  const runs = await sql<{ name: string; at: Date; status: string; job: string }[]>`
    select s.name, r.planned_at as at, r.status, r.job_id as job
    from pdfprompt_schedule_run r join pdfprompt_schedule s on s.id = r.schedule_id
    where r.planned_at < ${new Date(YEAR.until)} order by r.planned_at`;
  expect(runs.filter(({ status }) => status !== 'submitted')).toEqual([]);
  for (const { name, cron, timezone } of schedules) {
    const found = runs.filter((run) => run.name === name).map(({ at }) => at.toISOString());
    expect([name, found]).toEqual([name, timesOf(cron, timezone, YEAR).map((time) => new Date(time).toISOString())]);
  }
  const jobs = await sql<{ id: string }[]>`select id from pdfprompt_job`;
  expect(jobs.map(({ id }) => id).toSorted()).toEqual(runs.map(({ job }) => job).toSorted());
  expect(runs.length).toBeGreaterThan(1_300);
  // All of them took part.
  expect(Math.min(...by)).toBeGreaterThan(0);
});

import { setTimeout as sleep } from 'node:timers/promises';
import { measureListeners } from '../support/many-listeners.ts';
import type { Result, Stage } from './stage.ts';

const USERS = 25;
const LISTENERS = 2_000;
const ROUNDS = 100;

/**
 * Many who listen to events at one API process: what each costs in memory, and how long an event takes to all of its
 * listeners. In each round one transaction ends a job of every user, so that all listeners get an event at once.
 */
export async function events(stage: Stage): Promise<Result> {
  const { address, queries } = await stage.serve();
  const [pid = 0] = await stage.pids();
  const users = [];
  for (let index = 0; index < USERS; index++) users.push(await stage.user(`user${index}@example.com`));
  const measured = await measureListeners(stage.sql, {
    address,
    pid,
    users,
    listeners: LISTENERS,
    rounds: ROUNDS,
    pauseMs: 200,
  });
  const before = await queries();
  await sleep(5_000);
  const [row] = await stage.sql<{ count: number }[]>`
    select count(*)::integer as count from pg_stat_activity where application_name like 'pdfprompt serve%'`;
  return {
    ...measured,
    'database connections of the process': row?.count ?? 0,
    'queries per second, nothing happening': ((await queries()) - before) / 5,
  };
}

import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/kernel/errors.ts';
import { pretendToWork } from './pretend-worker.ts';
import { percentile, type Result, spread, type Stage } from './stage.ts';
import { act, pickRoute, type Tenant } from './tenants.ts';

const USERS = 2_000;
/** Milliseconds in which they all come: a connection, a key that nobody knows yet, mostly a document. */
const COMING_MS = 10_000;
const SECONDS = 70;
/** Milliseconds between two requests of a user, on average. */
const PAUSE_MS = 5_000;
const MAX_CONNECTIONS = 20;

/** Two thousand users at a time, each with a connection of their own, on one API process. */
export async function users(stage: Stage): Promise<Result> {
  const keys = await stage.users(USERS, 'enterprise');
  const stop = await pretendToWork(stage);
  const { address } = await stage.serve({ DATABASE_MAX_CONNECTIONS: String(MAX_CONNECTIONS) });
  const agent = new Agent({ keepAlive: true, maxSockets: USERS });
  const coming: number[] = [];
  const there: number[] = [];
  const errors = new Map<string, number>();
  const startedAt = performance.now();
  const user = async (key: string) => {
    const tenant: Tenant = { key, jobId: undefined };
    await sleep(Math.random() * COMING_MS);
    while (performance.now() - startedAt < SECONDS * 1_000) {
      const times = performance.now() - startedAt < COMING_MS ? coming : there;
      try {
        times.push(await act(agent, address, tenant, pickRoute()));
      } catch (error) {
        errors.set(messageOf(error), (errors.get(messageOf(error)) ?? 0) + 1);
      }
      await sleep(Math.random() * 2 * PAUSE_MS);
    }
  };
  let connections = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const [row] = await stage.sql<{ count: number }[]>`
        select count(*)::int as count from pg_stat_activity where application_name like 'pdfprompt serve%'`;
      connections = Math.max(connections, row?.count ?? 0);
      await sleep(200);
    }
  })();
  await Promise.all(keys.map(user));
  isOver = true;
  await watching;
  agent.destroy();
  await stop();
  return {
    'users, each with a connection of their own': USERS,
    'requests a second': Math.round(there.length / (SECONDS - COMING_MS / 1_000)),
    errors: [...errors].map(([message, count]) => `${count} × ${message}`).join('; ') || '0',
    'answered in, in the ten seconds in which they come': spread(coming),
    'answered in, from then on': spread(there),
    'p95 from then on, ms': percentile(there, 95),
    [`connections to the database, at most (of ${MAX_CONNECTIONS})`]: connections,
  };
}

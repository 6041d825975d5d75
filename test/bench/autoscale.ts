import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKey } from '../../src/accounts/keys.ts';
import { ask, percentile, type Result, type Stage } from './stage.ts';

const JOBS = 2_000;
const CLIENTS = 8;
const TARGET_WAIT_SECONDS = 240;
const CHECK_MS = 2_000;
/** Milliseconds after which it has failed. */
const PATIENCE_MS = 12 * 60_000;
const ENV = {
  AUTOSCALE_TARGET_WAIT: String(TARGET_WAIT_SECONDS),
  AUTOSCALE_MAX_WORKERS: '4',
  AUTOSCALE_DOWN_AFTER: '30',
};
/**
 * It waits for something, as a page does that fetches its figures. All workers share this machine: of documents that
 * only want its cores more workers would print no more.
 */
const DOCUMENT = { html: '<h1>Report</h1>', waitForTimeout: 500 };
const CONCURRENCY = '2';

interface Figures {
  desiredWorkers: number;
  depth: Record<string, number>;
}

/** A burst, and real worker processes started and stopped as `desiredWorkers` says. */
export async function autoscale(stage: Stage): Promise<Result> {
  const body = Buffer.from(JSON.stringify(DOCUMENT));
  await stage.chromium();
  const { key } = await stage.user('burst@example.com');
  const admin = await createKey(stage.pool.db, { email: 'admin@example.com', tier: 'system', scopes: ['admin'] });
  const { address } = await stage.serve(ENV);
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const figures = async () => JSON.parse(await ask(agent, 'GET', `${address}/v1/admin/queue`, admin.key)) as Figures;

  const workers: (() => Promise<void>)[] = [];
  const steps: string[] = [];
  const startedAt = performance.now();
  const second = () => Math.round((performance.now() - startedAt) / 1000);
  let most = 0;
  /** @returns whether nothing waits and one worker is enough */
  const follow = async (): Promise<boolean> => {
    const { desiredWorkers, depth } = await figures();
    if (desiredWorkers !== workers.length) steps.push(`${second()} s: ${desiredWorkers}`);
    while (workers.length < desiredWorkers)
      workers.push(await stage.startAndStop(['work', '--concurrency', CONCURRENCY], /pdfprompt works/, { env: ENV }));
    while (workers.length > desiredWorkers) await workers.pop()?.();
    most = Math.max(most, workers.length);
    return workers.length === 1 && Object.values(depth).every((jobs) => jobs === 0);
  };

  await sleep(CHECK_MS);
  await follow();
  let sent = 0;
  const submitting = Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (sent++ < JOBS) await ask(agent, 'POST', `${address}/v1/jobs`, key, body);
    }),
  );
  const burstAt = second();
  await submitting;
  let drainedAt: number | undefined;
  const ended = async () => {
    const [row] = await stage.sql<{ ended: number }[]>`
      select count(*)::int as ended from pdfprompt_job where completed_at is not null`;
    return row?.ended ?? 0;
  };
  for (let isOver = false; !isOver && performance.now() - startedAt < PATIENCE_MS; await sleep(CHECK_MS)) {
    isOver = (await follow()) && (await ended()) === JOBS;
    if (drainedAt === undefined && (await ended()) === JOBS) drainedAt = second();
  }
  agent.destroy();
  for (const stop of workers.splice(0)) await stop();
  const waits = await stage.sql<{ ms: number }[]>`
    select extract(epoch from started_at - created_at)::float * 1000 as ms from pdfprompt_job where status = 'completed'`;
  return {
    jobs: JOBS,
    completed: waits.length,
    'target wait, s': TARGET_WAIT_SECONDS,
    'longest wait, s': Math.round(
      percentile(
        waits.map(({ ms }) => ms),
        100,
      ) / 1000,
    ),
    'drained after, s': drainedAt === undefined ? 'never' : drainedAt - burstAt,
    'most workers': most,
    'changes (at: workers)': steps.join(', '),
  };
}

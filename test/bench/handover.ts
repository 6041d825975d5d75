import { setTimeout as sleep } from 'node:timers/promises';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { submitJob } from '../../src/jobs/submit.ts';
import { silentEvents } from '../support/silent-events.ts';
import { type Result, spread, type Stage } from './stage.ts';

const ROUNDS = 15;
const JOBS = 4;
/** Milliseconds that a document is in hand: longer than a handover takes. */
const IN_HAND_MS = 60_000;

/** From the SIGKILL of a worker with four documents in hand until another worker has all four. */
export async function handover(stage: Stage): Promise<Result> {
  const principal = await stage.principal('bench@example.com');
  const parsed = parsePdfRequest({ html: '<p>x</p>', waitForTimeout: IN_HAND_MS, timeoutMs: 2 * IN_HAND_MS });
  if (!parsed.ok) throw new Error('the benchmark does not fit the code');
  const { request } = parsed;
  const queue = await stage.queue();
  const deps = { db: stage.pool.db, reads: stage.pool.db, queue, events: silentEvents(), limiter: stage.limiter };
  const inHand = async (runs: number) =>
    (await stage.sql`select 1 from pdfprompt_job where status = 'processing' and runs = ${runs}`).length === JOBS;
  const until = async (isSo: () => Promise<boolean>) => {
    while (!(await isSo())) await sleep(5);
  };
  const start = () => stage.start(['work', '--concurrency', String(JOBS)], /pdfprompt works/);

  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await start();
    const [doomed] = await stage.sql<{ pid: number }[]>`select pid from pdfprompt_worker where ended_at is null`;
    if (!doomed) throw new Error('no worker has registered');
    for (let count = 0; count < JOBS; count++) await submitJob(deps, { principal, request });
    await until(() => inHand(1));
    await start();
    await sleep(1_000); // it is idle
    const killedAt = performance.now();
    process.kill(doomed.pid, 'SIGKILL');
    await until(() => inHand(2));
    times.push(performance.now() - killedAt);
    await stage.sql`delete from pdfprompt_job`;
    await stage.sql`delete from pgboss.job`;
    const [heir] = await stage.sql<{ pid: number }[]>`select pid from pdfprompt_worker where ended_at is null`;
    if (heir) process.kill(heir.pid, 'SIGKILL');
    await stage.sql`update pdfprompt_worker set ended_at = now() where ended_at is null`;
  }
  await queue.stop();
  return { 'SIGKILL of a worker → its four jobs run elsewhere': spread(times) };
}

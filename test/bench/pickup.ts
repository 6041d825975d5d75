import { setTimeout as sleep } from 'node:timers/promises';
import { PgBoss } from 'pg-boss';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { submitJob } from '../../src/jobs/submit.ts';
import { silentEvents } from '../support/silent-events.ts';
import { type Result, spread, type Stage } from './stage.ts';

const ROUNDS = 200;
const REFERENCE_ROUNDS = 40;

/** From the commit of a submission to the start of its handler in an idle worker, another process; beside pg-boss's own workers. */
export async function pickup(stage: Stage): Promise<Result> {
  return {
    'submit committed → started, in another process': spread(await ours(stage)),
    'pg-boss work(), notified, in this process': spread(await theirs(stage, true)),
    'pg-boss work(), polling every 0.5 s': spread(await theirs(stage, false)),
  };
}

async function ours(stage: Stage): Promise<number[]> {
  let started: (line: { jobId: string; time: string }) => void = () => undefined;
  await stage.start(['work', '--concurrency', '2'], /pdfprompt works/, {
    onLog: (line) => {
      if (line.includes('"job started"')) started(JSON.parse(line) as { jobId: string; time: string });
    },
  });
  const principal = await stage.principal('bench@example.com');
  const parsed = parsePdfRequest({ html: '<p>x</p>' });
  if (!parsed.ok) throw new Error('the benchmark does not fit the code');
  const queue = await stage.queue();
  const events = silentEvents();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(250 + Math.random() * 100); // idle: the last document is done
    const start = Promise.withResolvers<{ jobId: string; time: string }>();
    started = start.resolve;
    const { job } = await submitJob(
      { db: stage.pool.db, reads: stage.pool.db, events, limiter: stage.limiter },
      { principal, request: parsed.request },
    );
    const committedAt = Date.now(); // a little after it; both clocks are this machine's, in whole milliseconds
    const line = await start.promise;
    if (line.jobId !== job.id) throw new Error('another job was started');
    times.push(Math.max(0, Date.parse(line.time) - committedAt));
  }
  await queue.stop();
  return times;
}

async function theirs(stage: Stage, notify: boolean): Promise<number[]> {
  const boss = new PgBoss({
    connectionString: stage.url,
    supervise: false,
    schedule: false,
    migrate: false,
    useListenNotify: notify,
  });
  boss.on('error', () => undefined);
  await boss.start();
  const queue = notify ? 'notified' : 'polled';
  await boss.createQueue(queue, { partition: true, notify });
  let started: (at: number) => void = () => undefined;
  await boss.work(queue, { pollingIntervalSeconds: 0.5 }, async () => started(performance.now()));
  const times: number[] = [];
  for (let round = 0; round < REFERENCE_ROUNDS; round++) {
    await sleep(250 + Math.random() * 100);
    const start = Promise.withResolvers<number>();
    started = start.resolve;
    await boss.send(queue, {});
    const committedAt = performance.now();
    times.push(Math.max(0, (await start.promise) - committedAt));
  }
  await boss.stop({ graceful: false });
  return times;
}

import { openPool } from '../../src/db/pools.ts';
import { runDue } from '../../src/schedules/run-due.ts';

// A process that runs the schedules that are due, whenever its parent says what time it is.

const pool = openPool({
  url: process.env.DATABASE_URL ?? '',
  max: 1,
  applicationName: 'test',
  idleTimeoutMs: 20_000,
  connectTimeoutMs: 30_000,
  prepare: true,
});
const onBroken = (_: string, error: unknown) => {
  throw error;
};

async function run(time: string): Promise<void> {
  let done = 0;
  for (let runs; (runs = await runDue({ db: pool.db, now: new Date(time), onBroken }));) done += runs.length;
  process.send?.(done);
}

process.on('message', (time: string) => void run(time));
process.on('disconnect', () => void pool.close());
process.send?.('ready');

import { expect, it } from 'vitest';
import { cancelJob } from '../../src/jobs/cancel.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { createDatabase } from '../support/database.ts';
import { startService } from '../support/service.ts';

const database = await createDatabase();
// Each deadlock is found after this, and there are many.
await database.sql.unsafe(`alter database ${new URL(database.url).pathname.slice(1)} set deadlock_timeout = '50ms'`);
const service = await startService({ database });
const { db, queue, events } = service.base;
const workerId = '01a20b1c-7e0d-7435-94b8-000000000011';
const ROUNDS = 60;
/** Cancelled at once, while one claim takes them all. */
const JOBS = 6;
await service.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;

it('jobs that are cancelled while a worker claims them are cancelled, without a deadlock', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const body = JSON.stringify({ html: '<p>x' });
    const ids: string[] = [];
    for (let count = 0; count < JOBS; count++)
      ids.push(((await (await service.request('/v1/jobs', { method: 'POST', body })).json()) as { id: string }).id);
    const [row] = await service.sql<
      { user_id: string }[]
    >`select user_id from pdfprompt_job where id = ${ids[0] ?? ''}`;
    const claiming = claimJobs({ db, queue, events }, { workerId, count: JOBS });
    await new Promise((soon) => setTimeout(soon, (round % 12) * 0.5));
    const cancelling = ids.map((jobId) =>
      cancelJob({ db, queue, events }, { userId: row?.user_id ?? '', jobId, requestId: undefined }),
    );
    await Promise.all([claiming, ...cancelling]);
  }
  const left = await service.sql`select id from pdfprompt_job where status <> 'cancelled'`;
  const waiting = await service.sql`select id from pgboss.job where state < 'completed'`;
  const [found] = await service.sql<{ deadlocks: number }[]>`
    select deadlocks::integer as deadlocks from pg_stat_database where datname = current_database()`;
  expect([[...left], [...waiting], found?.deadlocks]).toEqual([[], [], 0]);
});

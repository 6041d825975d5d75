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

it('a job that is cancelled while a worker claims it is cancelled, without an error by a deadlock', async () => {
  await service.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
  for (let round = 0; round < ROUNDS; round++) {
    const body = JSON.stringify({ html: '<p>x' });
    const { id } = (await (await service.request('/v1/jobs', { method: 'POST', body })).json()) as { id: string };
    const [row] = await service.sql<{ user_id: string }[]>`select user_id from pdfprompt_job where id = ${id}`;
    const claiming = claimJobs({ db, queue, events }, { workerId, count: 1 }).catch(() => undefined); // it is tried again
    await new Promise((soon) => setTimeout(soon, (round % 6) * 0.5));
    await cancelJob({ db, queue, events }, { userId: row?.user_id ?? '', jobId: id, requestId: undefined });
    await claiming;
  }
  const left = await service.sql`select id from pdfprompt_job where status <> 'cancelled'`;
  expect([...left]).toEqual([]);
});

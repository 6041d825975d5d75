import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { eraseUser } from '../../src/jobs/erase-user.ts';
import { expire } from '../../src/jobs/expire.ts';
import { principalOf } from '../support/accounts.ts';
import { completeItems, endItems, makeBatch } from '../support/batches.ts';
import { tablesWith } from '../support/everywhere.ts';
import { isWaitingForLock } from '../support/lock-waits.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { base, sql, request } = service;
const retentionMs = 3_600_000;
const newUser = async () => (await principalOf(base.db, await service.newKey(`${uuidv7()}@example.com`))).userId;

it('a batch is kept as long as the last of its jobs, and leaves nothing', async () => {
  const { userId } = await principalOf(base.db, service.key);
  const { id, jobs } = await makeBatch(sql, { userId, items: 3, result: 'merged', webhook: 'https://hooks.invalid/' });
  await endItems(sql, jobs.slice(0, 1), 'failed');
  await completeItems(service, () => [Buffer.from('%PDF-1.7')]);
  const status = async () => (await request(`/v1/batches/${id}`)).status;
  const pdf = async () => (await request(`/v1/batches/${id}/pdf`)).status;
  expect(await pdf()).toBe(200);
  const age = (table: string, column: string, days: number, where: string) =>
    sql.unsafe(`update ${table} set ${column} = now() - interval '${days} days 2 hours' where ${where}`);
  await age('pdfprompt_batch', 'completed_at', 31, `id = '${id}'`);
  await age('pdfprompt_file', 'expires_at', 30, 'true');
  await age('pdfprompt_job', 'completed_at', 31, `batch_id = '${id}' and batch_row <> 2`);
  await expire({ ...base, retentionMs });
  expect([await status(), await pdf()]).toEqual([200, 410]);
  expect(await (await request(`/v1/batches/${id}/zip`)).json()).toMatchObject({ code: 'file_expired' });
  await age('pdfprompt_job', 'completed_at', 31, `batch_id = '${id}'`);
  await expire({ ...base, retentionMs });
  expect(await status()).toBe(404);
  expect((await tablesWith(sql, [id, ...jobs])).filter((table) => !table.includes('pgboss'))).toEqual([]);
});

it('the batches of a user that is erased go first, and are reported to nobody', async () => {
  const [ann, bob] = [await newUser(), await newUser()];
  const bobs = await makeBatch(sql, { userId: bob, items: 5 });
  const before = await sql`select to_jsonb(b) from pdfprompt_batch b where id = ${bobs.id}`;
  const ended = await makeBatch(sql, { userId: ann, items: 2, metadata: { of: 'ann-17' } });
  await endItems(sql, ended.jobs);
  const open = await makeBatch(sql, {
    userId: ann,
    items: 700,
    webhook: 'https://hooks.invalid/ann',
    filename: 'ann-17',
  });
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  // A worker is about to end an item.
  const ending = sql.begin(async (tx) => {
    await tx`select from pdfprompt_job where id = ${open.jobs[3] ?? ''} for update`;
    locked.resolve();
    await release.promise;
    await tx`update pdfprompt_job set status = 'completed', completed_at = now() where id = ${open.jobs[3] ?? ''}`;
  });
  await locked.promise;
  const erasing = eraseUser(base, { id: ann });
  expect(await eraseUser(base, { id: ann }, { withinMs: 300 })).toMatchObject({ isDone: false });
  release.resolve();
  await ending;
  expect(await erasing).toMatchObject({ isDone: true });
  expect(await tablesWith(sql, ['ann-17', open.id, ended.id, ...open.jobs.slice(0, 5), ann])).toEqual([]);
  expect([...(await sql`select to_jsonb(b) from pdfprompt_batch b where id = ${bobs.id}`)]).toEqual([...before]);
});

it('the schedules of a user that is erased are waited for, and those who run them wait for no one', async () => {
  const ann = await newUser();
  const [schedule] = await sql<{ id: string }[]>`
    insert into pdfprompt_schedule (id, user_id, name, cron, timezone, request, next_at)
    values (gen_random_uuid(), ${ann}, 'daily', '@daily', 'UTC', '{"html": "x"}', now() + interval '1 day') returning id`;
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const running = sql.begin(async (tx) => {
    await tx`select from pdfprompt_schedule where id = ${schedule?.id ?? ''} for no key update`;
    locked.resolve();
    await release.promise;
    // As its run does it.
    await tx`select from pdfprompt_user where id = ${ann} for key share`;
  });
  await locked.promise;
  const erasing = eraseUser(base, { id: ann });
  const isWaiting = () => isWaitingForLock(sql, { query: 'update pdfprompt_schedule%' });
  await eventually(isWaiting, 30_000, 'the erasing waits for the schedule');
  release.resolve();
  await running;
  expect(await erasing).toMatchObject({ isDone: true });
});

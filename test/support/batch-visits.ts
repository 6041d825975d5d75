import { v7 as uuidv7 } from 'uuid';
import { cancelBatch, finishCancelling } from '../../src/batches/cancel-batch.ts';
import { completedFiles, completedPages } from '../../src/batches/completed-files.ts';
import { repairBatches } from '../../src/batches/repair-batches.ts';
import type { Client } from '../../src/db/driver.ts';
import { BATCH_STATUSES } from '../../src/domain/batch.ts';
import { eraseUser } from '../../src/jobs/erase-user.ts';
import { endItems, makeBatch } from './batches.ts';
import { type Ask, at, type Guest } from './guests.ts';
import { silentEvents } from './silent-events.ts';
import type { StagedService } from './staged-service.ts';
import { TURNS, type Visit } from './visit.ts';

/** Items of a large batch, one of a hundred failed, and of one whose files are fetched. */
const LARGE = 20_000;
const SMALL = 300;
/** Items of a batch that is cancelled. */
const OPEN = 30;
const RETRIED = 5;

const SENT = { request: {}, items: Array.from({ length: 5 }, (_, row) => ({ html: `<p>${row}</p>` })) };

interface Visiting {
  ask: Ask;
  heavy: Guest[];
  /** who have a batch to cancel each */
  guests: Guest[];
}

/** What is asked of batches: one of each heavy user is large, and has ended; one is fetched. */
export async function batchVisits(
  { chores }: StagedService,
  sql: Client,
  { ask, heavy, guests }: Visiting,
): Promise<Visit[]> {
  await unlimit(sql, guests);
  const large: string[] = [];
  const small: string[] = [];
  for (const guest of heavy.slice(0, 2)) {
    large.push(await addEnded(sql, guest, LARGE));
    small.push(await addEnded(sql, guest, SMALL));
  }
  const open = (guest: Guest) => makeBatch(sql, { userId: guest.id, items: OPEN });
  const cancelled: string[] = [];
  for (const guest of guests) cancelled.push((await open(guest)).id);
  const get =
    (ids: string[], path: string, method = 'GET') =>
    (turn: number) =>
      ask(at(heavy, turn % 2), method, `/v1/batches/${at(ids, turn)}${path}`, 200);
  const visit = (name: string, run: (turn: number) => Promise<unknown>): Visit => ({ name, run: async (turn) => void (await run(turn)) }); // prettier-ignore
  const list = (query: string) => (turn: number) => ask(at(heavy, turn % 2), 'GET', `/v1/batches${query}`, 200);
  const { db, queue } = chores;
  return [
    visit('POST /v1/batches', (turn) => ask(at(guests, turn), 'POST', '/v1/batches', 202, { body: SENT })),
    visit('GET /v1/batches', list('')),
    visit('GET /v1/batches (limit=100)', list('?limit=100')),
    visit('GET /v1/batches (cursor)', (turn) => list(`?cursor=${at(small, turn)}`)(turn)),
    ...BATCH_STATUSES.map((status) => visit(`GET /v1/batches (status=${status})`, list(`?status=${status}`))),
    visit('GET /v1/batches/{id}', get(large, '')),
    visit('GET /v1/batches/{id}/items', get(large, `/items?after=${LARGE / 2}`)),
    visit('GET /v1/batches/{id}/items (limit=1000)', get(large, '/items?limit=1000')),
    visit('GET /v1/batches/{id}/items (status=failed)', get(large, '/items?status=failed')),
    visit('GET /v1/batches/{id}/items (status=cancelled)', get(large, '/items?status=cancelled')),
    visit('GET /v1/batches/{id}/items (status=queued)', get(large, '/items?status=queued')),
    visit('GET /v1/batches/{id}/pdf', get(small, '/pdf')),
    visit('GET /v1/batches/{id}/zip', (turn) => (turn < 4 ? get(small, '/zip')(turn) : Promise.resolve())),
    visit('GET /v1/batches/{id}/zip (large)', (turn) => (turn < 4 ? get(large, '/zip', 'HEAD')(turn) : Promise.resolve())), // prettier-ignore
    visit('DELETE /v1/batches/{id}', (turn) =>
      ask(at(guests, turn), 'DELETE', `/v1/batches/${at(cancelled, turn)}`, 200),
    ),
    visit('POST /v1/batches/{id}/retry', async (turn) => {
      const { id, jobs } = await makeBatch(sql, { userId: at(guests, turn).id, items: RETRIED });
      await endItems(sql, jobs, 'failed');
      await ask(at(guests, turn), 'POST', `/v1/batches/${id}/retry`, 202);
    }),
    visit('cancelling batches', async (turn) => {
      const { id: userId } = at(guests, turn + TURNS);
      const { id } = await open({ ...at(guests, turn), id: userId });
      await cancelBatch({ db, queue, events: silentEvents() }, { userId, batchId: id }, { withinMs: -1 });
      await finishCancelling({ db, queue, events: silentEvents() });
      await repairBatches({ db, events: silentEvents() });
    }),
    visit('merging', async (turn) => {
      if (turn > 1) return;
      const which = { userId: at(heavy, turn).id, batchId: at(large, turn) };
      await completedPages(db, which);
      for await (const file of completedFiles(db, which)) if (file.pages === 0) throw new Error('it has no page');
    }),
    visit('erasing', (turn) => (turn < 4 ? eraseUser(chores, { id: at(guests, turn).id }) : Promise.resolve())),
  ];
}

/** They submit more in a minute than most tiers allow. */
async function unlimit(sql: Client, guests: readonly Guest[]): Promise<void> {
  await sql`insert into pdfprompt_tier values ('unlimited', null, null, 2) on conflict do nothing`;
  await sql`
    update pdfprompt_user_subscription set tier = 'unlimited'
    where ended_at is null and user_id = any (${`{${guests.map(({ id }) => id).join(',')}}`}::uuid[])`;
}

/** A batch that ended an hour ago, with a file for each item that has not failed, and a merged one. */
async function addEnded(sql: Client, { id: userId }: Guest, items: number): Promise<string> {
  const id = uuidv7();
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`
      insert into pdfprompt_batch (id, user_id, status, result, total, tier, priority, virtual_start, completed_at)
      values (${id}, ${userId}, 'completed', 'merged', ${items}, 'starter', 0, 0, now() - interval '1 hour')`;
    await tx`
      insert into pdfprompt_batch_count (batch_id, shard, open, completed, failed)
      select ${id}, shard, 0, ${items}::integer * 99 / 1600, ${items}::integer / 1600 from generate_series(0, 15) shard`;
    await tx`
      insert into pdfprompt_job (id, user_id, status, priority, request, batch_id, batch_row, error_code, error_message, completed_at)
      select uuidv7(), ${userId}, case when n % 100 = 99 then 'failed' else 'completed' end, 0, '{}', ${id}, nullif(n, 0),
        case when n % 100 = 99 then 'print_failed' end, case when n % 100 = 99 then 'it could not' end,
        now() - interval '1 hour' - n * interval '1 millisecond'
      from generate_series(0, ${items}::integer) n`;
    // The bytes of a large one are in a directory that is not there: nobody fetches them.
    const isSmall = items === SMALL;
    await tx`
      insert into pdfprompt_file (id, user_id, job_id, position, store, location, size, pages, type, sha256, expires_at)
      select gen_random_uuid(), user_id, id, 0, ${isSmall ? 'postgres' : 'file'}, ${isSmall ? null : 'file:///large'},
        4, 1, 'application/pdf', sha256('%PDF'), now() + interval '60 days'
      from pdfprompt_job where batch_id = ${id} and status = 'completed'`;
    if (isSmall)
      await tx`
        insert into pdfprompt_file_chunk (file_id, seq, bytes)
        select f.id, 0, '%PDF' from pdfprompt_file f join pdfprompt_job j on j.id = f.job_id where j.batch_id = ${id}`;
  });
  return id;
}

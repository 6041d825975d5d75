import type { Client } from '../../src/db/driver.ts';
import { type Ask, at, type Guest } from './guests.ts';
import type { Visit } from './visit.ts';

interface Visitors {
  ask: Ask;
  /** with many jobs, most of which were reported */
  heavy: Guest[];
  /** users who have no webhook yet */
  guests: Guest[];
  round: number;
}

/** Those who have webhooks, and read and repeat what was sent to them. */
export async function webhookVisits(sql: Client, { ask, heavy, guests, round }: Visitors): Promise<Visit[]> {
  if (round === 0) await fill(sql, heavy);
  const endpoints = await Promise.all(
    heavy.map(async ({ id }) => {
      const [row] = await sql<{ id: string }[]>`select id from pdfprompt_webhook where user_id = ${id} limit 1`;
      return row?.id ?? '';
    }),
  );
  const old = await Promise.all(
    endpoints.map(
      async (id) =>
        sql<{ id: string; jobId: string }[]>`
          select id, job_id as "jobId" from pdfprompt_delivery
          where webhook_id = ${id} and job_id is not null and status = 'delivered' order by created_at desc limit 200`,
    ),
  );
  const batches = await Promise.all(
    heavy.map(async ({ id: userId }) => {
      const [row] = await sql<{ id: string; batchId: string }[]>`
        select id, batch_id as "batchId" from pdfprompt_delivery
        where batch_id = (select id from pdfprompt_batch where user_id = ${userId} and status = 'cancelled' order by id limit 1)`;
      return row ?? { id: '', batchId: '' };
    }),
  );
  const oldOf = (turn: number, extra = 0) => at(at(old, turn), Math.floor(turn / heavy.length) + round * 20 + extra);
  const made: string[] = [];
  const visit = (name: string, run: (turn: number) => Promise<unknown>): Visit => ({
    name,
    run: async (turn) => void (await run(turn)),
  });
  const guest = (turn: number) => at(guests, turn);
  const settings = (turn: number) => ({ url: `https://hooks${turn}.invalid/`, events: [] });
  const asHeavy = (turn: number, method: string, path: string, expected: number, body?: object) =>
    ask(at(heavy, turn), method, `/v1/webhooks/${at(endpoints, turn)}${path}`, expected, body && { body });
  const asGuest = (turn: number, method: string, path: string, expected: number, body?: object) =>
    ask(guest(turn), method, `/v1/webhooks/${made[turn]}${path}`, expected, body && { body });
  const listing = (query: string) => (turn: number) => asHeavy(turn, 'GET', `/deliveries${query}`, 200);
  return [
    visit('POST /v1/webhooks', async (turn) => {
      const { id } = (await ask(guest(turn), 'POST', '/v1/webhooks', 201, { body: settings(turn) })) as { id: string };
      made[turn] = id;
    }),
    visit('GET /v1/webhooks', (turn) => ask(guest(turn), 'GET', '/v1/webhooks', 200)),
    visit('GET /v1/webhooks/{id}', (turn) => asGuest(turn, 'GET', '', 200)),
    visit('PUT /v1/webhooks/{id}', (turn) => asGuest(turn, 'PUT', '', 200, settings(turn))),
    visit('POST /v1/webhooks/{id}/rotate', (turn) => asGuest(turn, 'POST', '/rotate', 200, {})),
    visit('POST /v1/webhooks/{id}/test', (turn) => asGuest(turn, 'POST', '/test', 202)),
    visit('GET /v1/webhooks/secret', (turn) => ask(guest(turn), 'GET', '/v1/webhooks/secret', 200)),
    visit('POST /v1/webhooks/secret/rotate', (turn) => ask(guest(turn), 'POST', '/v1/webhooks/secret/rotate', 200)),
    visit('DELETE /v1/webhooks/{id}', (turn) => asGuest(turn, 'DELETE', '', 204)),
    visit('GET /v1/webhooks/{id}/deliveries', listing('')),
    visit('GET /v1/webhooks/{id}/deliveries (limit=100)', listing('?limit=100')),
    visit('GET /v1/webhooks/{id}/deliveries (cursor)', (turn) => listing(`?cursor=${oldOf(turn).id}`)(turn)),
    ...['pending', 'delivered', 'failed', 'cancelled'].map((status) =>
      visit(`GET /v1/webhooks/{id}/deliveries (status=${status})`, listing(`?status=${status}`)),
    ),
    visit('POST /v1/webhooks/{id}/deliveries/{deliveryId}/replay', (turn) =>
      asHeavy(turn, 'POST', `/deliveries/${oldOf(turn).id}/replay`, 202),
    ),
    visit('POST /v1/webhooks/{id}/replay', (turn) =>
      asHeavy(turn, 'POST', '/replay', 202, { since: new Date(Date.now() - 40 * 86_400_000).toISOString() }),
    ),
    visit('GET /v1/jobs/{id}/deliveries', (turn) =>
      ask(at(heavy, turn), 'GET', `/v1/jobs/${oldOf(turn).jobId}/deliveries`, 200),
    ),
    visit('GET /v1/batches/{id}/deliveries', (turn) =>
      ask(at(heavy, turn), 'GET', `/v1/batches/${at(batches, turn).batchId}/deliveries`, 200),
    ),
    visit('POST /v1/batches/{id}/deliveries/{deliveryId}/replay', (turn) => {
      const { id, batchId } = at(batches, turn);
      return ask(at(heavy, turn), 'POST', `/v1/batches/${batchId}/deliveries/${id}/replay`, 202);
    }),
    visit('POST /v1/jobs/{id}/deliveries/{deliveryId}/replay', (turn) => {
      const { id, jobId } = oldOf(turn, 10);
      return ask(at(heavy, turn), 'POST', `/v1/jobs/${jobId}/deliveries/${id}/replay`, 202);
    }),
  ];
}

/** An endpoint each, to which all jobs of the heavy users were reported, and a batch: one of fifty in vain. Their files were uploaded, too. */
async function fill(sql: Client, heavy: Guest[]): Promise<void> {
  const ids = `'{${heavy.map(({ id }) => id).join(',')}}'::uuid[]`;
  await sql.unsafe(`
    insert into pdfprompt_webhook (id, user_id, url, events, secret)
      select gen_random_uuid(), id, 'https://hooks.invalid/', '{}', 'whsec_c2VjcmV0' from unnest(${ids}) id;
    insert into pdfprompt_delivery (id, user_id, job_id, kind, webhook_id, host, event, status, attempts, created_at, ended_at)
      select gen_random_uuid(), j.user_id, j.id, 'webhook', w.id, w.host, 'job.completed',
        case when row_number() over () % 50 = 0 then 'failed' else 'delivered' end, 1, j.completed_at, j.completed_at
      from pdfprompt_job j join pdfprompt_webhook w on w.user_id = j.user_id
      where j.user_id = any (${ids}) and j.completed_at is not null;
    insert into pdfprompt_delivery (id, user_id, job_id, kind, asked, url, host, event, status, attempts, created_at, ended_at)
      select gen_random_uuid(), user_id, id, 'upload', true, 'https://put.invalid/x', 'put.invalid', 'job.completed', 'delivered',
        1, completed_at, completed_at
      from pdfprompt_job where user_id = any (${ids}) and status = 'completed';
    with ended as (
      insert into pdfprompt_batch (id, user_id, status, result, total, tier, priority, virtual_start, completed_at)
        select gen_random_uuid(), id, 'cancelled', 'files', 1, 'starter', 0, 0, now() from unnest(${ids}) id
        returning id, user_id, completed_at
    )
    insert into pdfprompt_delivery (id, user_id, batch_id, batch_ended_at, kind, webhook_id, host, event, status, attempts, ended_at)
      select gen_random_uuid(), b.user_id, b.id, b.completed_at, 'webhook', w.id, w.host, 'batch.completed', 'delivered', 1, now()
      from ended b join pdfprompt_webhook w on w.user_id = b.user_id;
    insert into pdfprompt_delivery_attempt (delivery_id, number, at, ms, status, answer)
      select id, 1, ended_at, 12, 204, '' from pdfprompt_delivery`);
}

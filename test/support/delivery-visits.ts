import type { Client } from '../../src/db/driver.ts';
import { claimDeliveries } from '../../src/deliveries/claim.ts';
import { DeliverySlots } from '../../src/deliveries/delivery-slots.ts';
import { endsOf } from '../../src/deliveries/ends-of.ts';
import { extendClaims, requeueDeliveries, wakeDeliveries } from '../../src/deliveries/keep-moving.ts';
import { LADDER } from '../../src/deliveries/ladder.ts';
import { recordAttempt } from '../../src/deliveries/record.ts';
import { switchOff } from '../../src/deliveries/switch-off.ts';
import { at, type Guest } from './guests.ts';
import type { StagedService } from './staged-service.ts';
import type { Visit } from './visit.ts';

/** Deliveries of one user to one endpoint, ready and due. */
const READY = 1_000;
const DUE = 200;
const PATIENCE = { ladder: LADDER, failingSeconds: 259_200 };
const FAILED = { isDelivered: false, isFinal: false, status: 500, answer: 'no', ms: 12 };
const DELIVERED = { isDelivered: true, isFinal: false, status: 204, answer: '', ms: 12 };

/** What a deliverer does, beside many that wait, on an endpoint of each user. */
export async function deliveryVisits({ chores }: StagedService, sql: Client, guests: Guest[]): Promise<Visit[]> {
  const { db } = chores;
  const endpoints: string[] = [];
  for (const { id } of guests) endpoints.push(await addEndpoint(sql, id));
  return [
    {
      name: 'delivering',
      run: async (turn) => {
        await addDeliveries(sql, at(guests, turn).id, at(endpoints, turn));
        await wakeDeliveries(db, LADDER.length + 1);
        const { claimed } = await claimDeliveries(db, 'webhook', new DeliverySlots(32));
        await endsOf(db, claimed);
        await extendClaims(db, claimed);
        const [first, second, ...rest] = claimed;
        if (first) await recordAttempt(db, first, FAILED, PATIENCE);
        if (second) await recordAttempt(db, second, DELIVERED, PATIENCE);
        await requeueDeliveries(db, rest);
      },
    },
    { name: 'switching off', run: async (turn) => void (await switchOff(db, at(endpoints, turn), 'failing')) },
  ];
}

async function addEndpoint(sql: Client, userId: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into pdfprompt_webhook (id, user_id, url, events, secret)
    values (gen_random_uuid(), ${userId}, 'http://hooks.invalid/', '{}', 'whsec_c2VjcmV0') returning id`;
  return row?.id ?? '';
}

/** Each of another job: when one is deleted, so is its delivery. */
async function addDeliveries(sql: Client, userId: string, webhookId: string): Promise<void> {
  await sql`
    insert into pdfprompt_delivery (id, user_id, job_id, kind, webhook_id, host, event, status, ready_at, due_at)
    select gen_random_uuid(), ${userId}, job.id, 'webhook', ${webhookId}, 'hooks.invalid', 'job.completed', case when n <= ${READY} then 'ready' else 'waiting' end,
      case when n <= ${READY} then now() end, case when n > ${READY} then now() end
    from (
      select id, row_number() over () as n
      from (select id from pdfprompt_job where status = 'completed' order by id desc limit ${READY + DUE}) as newest
    ) as job`;
}

import { Webhook } from 'standardwebhooks';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, expect, it } from 'vitest';
import { newSecret } from '../../src/deliveries/webhook-secret.ts';
import { completeJob } from '../support/end-job.ts';
import { eventually } from '../support/processes.ts';
import { type Received, startReceiver } from '../support/receiver.ts';
import { startService } from '../support/service.ts';

// What holds after a day, and after a month: the rows are moved back by so much.

const receiver = await startReceiver();
const service = await startService({ deliverer: true, env: receiver.env });
const { sql, request } = service;
const [user] = await sql<{ id: string }[]>`select id from pdfprompt_user`;
const userId = user?.id ?? '';

async function addEndpoint(path: string, secret: string): Promise<string> {
  const id = uuidv7();
  await sql`insert into pdfprompt_webhook (id, user_id, url, events, secret)
    values (${id}, ${userId}, ${`${receiver.origin}${path}`}, '{job.completed}', ${secret})`;
  return id;
}

async function completed(body: object = {}): Promise<string> {
  const response = await request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: '<p>x', ...body }) });
  const { id } = (await response.json()) as { id: string };
  await completeJob(service, id);
  return id;
}

/** The secrets that sign it, by the official library. */
const signersOf = ({ body, headers }: Received, secrets: string[]) =>
  secrets.filter((secret) => {
    try {
      return Boolean(new Webhook(secret).verify(body, headers));
    } catch {
      return false;
    }
  });

/** The nth request to the path, when its delivery is written down. */
async function nth(path: string, count: number): Promise<Received> {
  const got = (await receiver.got(path, count))[count - 1] as Received;
  const id = got.headers['webhook-id'] ?? '';
  await eventually(async () => (await sql`select 1 from pdfprompt_delivery where id = ${id} and status in ('delivered', 'waiting', 'failed')`).length === 1, 30_000, 'it is written down'); // prettier-ignore
  return got;
}

const DAY = '1 day';
const MONTH = '31 days';

afterEach(async () => {
  await sql`delete from pdfprompt_webhook`;
});

it('both secrets sign until the end of a rotation, and then the new one only, at a later try too', async () => {
  const path = '/fails/rotated';
  receiver.planned.set(path, ['fails']);
  const [old, secret] = [newSecret(), newSecret()];
  const id = await addEndpoint(path, old);
  await completed();
  expect(signersOf(await nth(path, 1), [old, secret])).toEqual([old]);

  await sql`update pdfprompt_webhook set previous_secret = secret, secret = ${secret}, previous_secret_until = now() + ${DAY}::interval where id = ${id}`;
  const tryAgain = async () => {
    await sql`update pdfprompt_delivery set due_at = now() where webhook_id = ${id}`;
    await sql`notify pdfprompt_deliveries`;
  };
  await tryAgain();
  const both = await nth(path, 2);
  expect(signersOf(both, [old, secret])).toEqual([old, secret]);
  expect(both.headers['webhook-signature']?.split(' ')).toHaveLength(2);

  await sql`update pdfprompt_webhook set previous_secret_until = previous_secret_until - ${DAY}::interval where id = ${id}`;
  await tryAgain();
  const after = await nth(path, 3);
  expect(signersOf(after, [old, secret])).toEqual([secret]);
  expect(after.headers['webhook-signature']?.split(' ')).toHaveLength(1);
  const ids = new Set(receiver.to(path).map(({ headers }) => headers['webhook-id']));
  expect(ids.size).toBe(1);
});

it('the same holds for the secret of a user, which signs webhooks to URLs of jobs', async () => {
  const [old, secret] = [newSecret(), newSecret()];
  await sql`insert into pdfprompt_webhook_secret values (${userId}, ${secret}, ${old}, now() + ${DAY}::interval)
    on conflict (user_id) do update set secret = ${secret}, previous_secret = ${old}, previous_secret_until = now() + ${DAY}::interval`;
  await completed({ webhook: receiver.url('ok', '/own') });
  expect(signersOf(await nth('/ok/own', 1), [old, secret])).toEqual([old, secret]);
  await sql`update pdfprompt_webhook_secret set previous_secret_until = now()`;
  await completed({ webhook: receiver.url('ok', '/own') });
  expect(signersOf(await nth('/ok/own', 2), [old, secret])).toEqual([secret]);
});

it('what is replayed after a month says the same under the same id, and is signed anew', async () => {
  const path = '/ok/month';
  const secret = newSecret();
  const id = await addEndpoint(path, secret);
  const jobId = await completed({ metadata: { order: 7 }, filename: 'a.pdf' });
  const first = await nth(path, 1);
  await sql`update pdfprompt_job set created_at = created_at - ${MONTH}::interval, started_at = started_at - ${MONTH}::interval,
    completed_at = completed_at - ${MONTH}::interval where id = ${jobId}`;
  await sql`update pdfprompt_file set expired_at = now() where job_id = ${jobId}`;
  await sql`update pdfprompt_delivery set created_at = created_at - ${MONTH}::interval, ready_at = ready_at - ${MONTH}::interval,
    ended_at = ended_at - ${MONTH}::interval where webhook_id = ${id}`;
  await sql`update pdfprompt_delivery set status = 'ready', round = 0, ready_at = now(), ended_at = null where webhook_id = ${id}`;
  await sql`notify pdfprompt_deliveries`;
  const again = await nth(path, 2);
  expect(signersOf(again, [secret])).toEqual([secret]); // within minutes of now, or the library would refuse it
  expect(again.headers['webhook-id']).toBe(first.headers['webhook-id']);
  const [one, other] = [first, again].map(({ body }) => JSON.parse(body) as { timestamp: string; data: { completedAt: string } }); // prettier-ignore
  const month = Date.parse(one?.timestamp ?? '') - Date.parse(other?.timestamp ?? '');
  expect(month).toBe(31 * 86_400_000); // only because the end of the job was moved
  expect({ ...other, timestamp: '', data: { ...other?.data, completedAt: '' } }).toEqual({
    ...one,
    timestamp: '',
    data: { ...one?.data, completedAt: '' },
  });
});

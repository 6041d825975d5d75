import { Webhook } from 'standardwebhooks';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { arrayLiteral } from '../../src/db/array-literal.ts';
import { newSecret } from '../../src/deliveries/webhook-secret.ts';
import { principalOf } from '../support/accounts.ts';
import { completeJob } from '../support/end-job.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/processes.ts';
import { type AnswerName, type Received, startReceiver } from '../support/receiver.ts';
import { startService } from '../support/service.ts';

const receiver = await startReceiver();
const closed = await freePort();
/** Seconds: the third try is the last one in these tests, and nobody waits for an hour. */
const LADDER = [0.2, 0.4];
const service = await startService({
  deliverer: { ladder: LADDER, webhookMs: 2_000 },
  env: { EGRESS_ALLOW: `${receiver.authority},127.0.0.1:${closed}` },
});
const { sql, request } = service;
const { userId } = await principalOf(service.base.db, service.key);

interface Row {
  id: string;
  status: string;
  attempts: number;
  url: string | null;
  tries: { number: number; status: number | null; error: string | null; answer: string; ms: number }[];
}

async function submit(body: object): Promise<string> {
  const response = await request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: '<p>x', ...body }) });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}
const cancel = (id: string) => request(`/v1/jobs/${id}`, { method: 'DELETE' });

/** A job that has ended, with these deliveries. */
async function ended(body: object): Promise<string> {
  const id = await submit(body);
  await cancel(id);
  return id;
}

const rowsOf = (jobId: string) => sql<Row[]>`
  select d.id, d.status, d.attempts, d.url, d.headers, d.due_at, coalesce((select json_agg(a order by a.number)
    from pdfprompt_delivery_attempt a where a.delivery_id = d.id), '[]') as tries
  from pdfprompt_delivery d where job_id = ${jobId} order by kind desc, created_at`;

async function settled(jobId: string, status: string): Promise<Row> {
  let row: Row | undefined;
  await eventually(
    async () => {
      [row] = await rowsOf(jobId);
      return row?.status === status;
    },
    30_000,
    `its delivery is ${status}`,
  );
  return row as Row;
}

async function addEndpoint(url: string, columns: { secret?: string; previous?: string; failingSince?: Date } = {}) {
  const id = uuidv7();
  const { secret = newSecret(), previous = null, failingSince = null } = columns;
  await sql`insert into pdfprompt_webhook (id, user_id, url, events, secret, previous_secret, previous_secret_until, failing_since)
    values (${id}, ${userId}, ${url}, ${arrayLiteral(['job.completed'])}::text[], ${secret}, ${previous},
      ${previous && new Date(Date.now() + 3_600_000)}, ${failingSince})`;
  return id;
}
const endpoint = async (id: string) => (await sql`select * from pdfprompt_webhook where id = ${id}`)[0];

const verified = (secret: string, { body, headers }: Received) => new Webhook(secret).verify(body, headers);

describe('a webhook to a URL', () => {
  it('says what became of the job, signed with the secret of its user', async () => {
    const id = await ended({ webhook: receiver.url('ok', '/first?a=b'), metadata: { order: 7 } });
    const [got] = await receiver.got('/ok/first?a=b');
    const row = await settled(id, 'delivered');
    const [own] = await sql<{ secret: string }[]>`select secret from pdfprompt_webhook_secret`;
    expect(verified(own?.secret ?? '', got as Received)).toMatchObject({
      type: 'job.cancelled',
      version: 1,
      data: { id, status: 'cancelled', url: `/v1/jobs/${id}`, metadata: { order: 7 } },
    });
    expect(got?.method).toBe('POST');
    expect(got?.headers).toMatchObject({
      'webhook-id': row.id,
      'content-type': 'application/json',
      host: receiver.authority,
    });
    expect(row).toMatchObject({ attempts: 1, url: receiver.url('ok', '/first?a=b') });
    expect(row.tries).toMatchObject([{ number: 1, status: 200, error: null, answer: 'thanks' }]);
  });

  it.each<[AnswerName, number | null, string | null]>([
    ['fails', 500, null],
    ['redirects', 307, 'redirects are not followed'],
    ['says nothing', null, 'it did not answer in time'],
    ['is cut at once', null, 'the connection ended before the answer was complete'],
    ['is cut after 200', 200, 'the connection ended before the answer was complete'],
    ['trickles', 200, 'it did not answer in time'],
    ['is not HTTP', null, 'its answer is not valid HTTP, or its headers are too large'],
    ['interim without end', null, 'its answer is not valid HTTP, or its headers are too large'],
    ['headers without end', null, 'its answer is not valid HTTP, or its headers are too large'],
  ])('is tried again when the receiver %s', async (what, status, error) => {
    const path = `/${encodeURIComponent(what)}/again`;
    receiver.planned.set(path, [what, 'ok']);
    const id = await ended({ webhook: `${receiver.origin}${path}` });
    const row = await settled(id, 'delivered');
    expect(row.tries).toMatchObject([
      { number: 1, status, error },
      { number: 2, status: 200, error: null },
    ]);
    const ids = new Set(receiver.to(path).map(({ headers }) => headers['webhook-id']));
    expect([...ids]).toEqual([row.id]);
  });
});

describe('a delivery that does not succeed', () => {
  it('is given up after the last try', async () => {
    const id = await ended({ webhook: receiver.url('fails', '/always') });
    const row = await settled(id, 'failed');
    expect(row.attempts).toBe(LADDER.length + 1);
    expect(row.tries).toHaveLength(LADDER.length + 1);
    expect(row.tries[0]?.answer).toBe('no [1m way'); // without what nobody can see
    const [first, second, third] = receiver.to('/fails/always').map(({ at }) => at);
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(200);
    expect(Number(third) - Number(second)).toBeGreaterThanOrEqual(400);
  });

  it.each([
    ['has no text', 'whsec_'],
    ['is no base64', 'whsec_%%%'],
    ['is another kind', 'v1a,k'],
  ])('is given up after the last try, too, when the stored secret %s', async (_, secret) => {
    const id = await addEndpoint(receiver.url('ok', '/unsigned'), { secret });
    await sql`update pdfprompt_webhook set events = '{job.cancelled}' where id = ${id}`;
    const row = await settled(await ended({}), 'failed');
    expect(row.tries.map(({ error, status }) => [error, status])).toEqual(
      Array.from({ length: 3 }, () => ['it could not be prepared', null]),
    );
    await sql`update pdfprompt_webhook set deleted_at = now() where id = ${id}`;
  });

  it('waits as long as the receiver asks for', async () => {
    const id = await ended({ webhook: receiver.url('later') });
    const row = (await settled(id, 'waiting')) as Row & { due_at: Date };
    const seconds = (row.due_at.getTime() - Date.now()) / 1_000;
    expect(seconds).toBeGreaterThan(3_500);
    expect(seconds).toBeLessThan(3_700);
  });

  it.each([
    ['a port that is closed', `http://127.0.0.1:${closed}/x`, 'it could not be reached'],
    ['a name that nobody has', 'http://nobody.invalid/x', 'it could not be reached'],
    ['an address of ours', 'http://127.0.0.1:80/x', 'it is not an address that may be connected to'],
  ])('says nothing about our network: %s', async (_, url, error) => {
    const id = uuidv7();
    await sql`insert into pdfprompt_delivery (id, user_id, kind, url, host, event, status, ready_at)
      values (${id}, ${userId}, 'webhook', ${url}, 'x', 'webhook.test', 'ready', now())`;
    await eventually(async () => (await sql`select 1 from pdfprompt_delivery_attempt where delivery_id = ${id}`).length > 0, 30_000, 'it is tried'); // prettier-ignore
    const [attempt] = await sql`select status, error, answer from pdfprompt_delivery_attempt where delivery_id = ${id}`;
    expect(attempt).toEqual({ status: null, error, answer: '' });
  });
});

describe('a registered endpoint', () => {
  it('receives its events, signed with both secrets during a rotation', async () => {
    const [secret, previous] = [newSecret(), newSecret()];
    const webhook = await addEndpoint(receiver.url('created', '/both'), { secret, previous });
    const id = await submit({});
    await completeJob(service, id);
    const [got] = await receiver.got('/created/both');
    for (const each of [secret, previous])
      expect(verified(each, got as Received)).toMatchObject({ type: 'job.completed', data: { id, files: 1, size: 8 } });
    expect(() => verified(newSecret(), got as Received)).toThrow(/matching signature/i);
    await eventually(async () => (await endpoint(webhook))?.delivered_at !== null, 30_000, 'its success is noted');
    await sql`delete from pdfprompt_webhook`;
  });

  it('is switched off by 410, and what was still to be sent can be replayed', async () => {
    const webhook = await addEndpoint(receiver.url('gone'));
    await sql`insert into pdfprompt_delivery (id, user_id, kind, webhook_id, host, event, status, due_at)
      select gen_random_uuid(), ${userId}, 'webhook', ${webhook}, 'x', 'job.completed', 'waiting', now() + interval '1 hour' from generate_series(1, 3)`;
    const id = await submit({});
    await completeJob(service, id);
    const row = await settled(id, 'failed');
    expect(row.tries).toMatchObject([{ status: 410 }]);
    await eventually(async () => (await sql`select 1 from pdfprompt_delivery where webhook_id = ${webhook} and status <> 'failed'`).length === 0, 30_000, 'all have ended'); // prettier-ignore
    expect(await endpoint(webhook)).toMatchObject({ off_reason: 'gone' });
    const off = service.lines.map((line) => JSON.parse(line) as Record<string, unknown>).find(({ event }) => event === 'webhook.off'); // prettier-ignore
    expect(off).toMatchObject({ webhookId: webhook, reason: 'gone', failed: 3 });
    await sql`delete from pdfprompt_webhook`;
  });

  it('is switched off when it has failed for three days, and not before', async () => {
    const days = (count: number) => new Date(Date.now() - count * 86_400_000);
    const [early, late] = [await addEndpoint(receiver.url('fails', '/early'), { failingSince: days(2.99) }), await addEndpoint(receiver.url('fails', '/late'), { failingSince: days(3.01) })]; // prettier-ignore
    const id = await submit({});
    await completeJob(service, id);
    await eventually(async () => (await rowsOf(id)).every(({ status }) => status === 'failed'), 30_000, 'both have failed'); // prettier-ignore
    expect(await endpoint(early)).toMatchObject({ off_reason: null });
    expect(await endpoint(late)).toMatchObject({ off_reason: 'failing' });
    expect(receiver.to('/fails/early')).toHaveLength(LADDER.length + 1);
    expect(receiver.to('/fails/late')).toHaveLength(1);
    await sql`delete from pdfprompt_webhook`;
  });

  it('has failed since its first failure after a success, until the next success', async () => {
    const path = '/fails/once';
    receiver.planned.set(path, ['fails', 'ok']);
    const webhook = await addEndpoint(`${receiver.origin}${path}`);
    const id = await submit({});
    await completeJob(service, id);
    await receiver.got(path);
    await settled(id, 'delivered');
    expect(await endpoint(webhook)).toMatchObject({ failing_since: null, delivered_at: expect.any(Date) });
    await sql`delete from pdfprompt_webhook`;
  });
});

describe('an upload', () => {
  it('is the file as it is, and its URL is no credential any longer', async () => {
    const pdf = Buffer.from(`%PDF-1.4 ${'x'.repeat(3_000_000)}`);
    const url = `${receiver.url('ok', '/bucket/a%20b.pdf')}?X-Amz-Signature=secret`;
    const id = await submit({ upload: { url, headers: { 'x-amz-acl': 'private' } } });
    await completeJob(service, id, pdf);
    const [got] = await receiver.got('/ok/bucket/a%20b.pdf?X-Amz-Signature=secret');
    expect(got?.method).toBe('PUT');
    expect(got?.body === pdf.toString('latin1')).toBe(true);
    expect(got?.headers).toMatchObject({ 'content-length': String(pdf.length), 'content-type': 'application/pdf', 'x-amz-acl': 'private' }); // prettier-ignore
    expect(got?.headers['transfer-encoding']).toBeUndefined();
    const row = await settled(id, 'delivered');
    expect(row).toMatchObject({ url: receiver.url('ok', '/bucket/a%20b.pdf'), headers: null });
  });

  it('is tried again, with headers that it needs', async () => {
    const path = '/fails/bucket';
    receiver.planned.set(path, ['fails', 'is cut at once', 'ok']);
    const id = await submit({ upload: { url: `${receiver.origin}${path}`, headers: { 'Content-Type': 'application/octet-stream' } } }); // prettier-ignore
    await completeJob(service, id);
    const row = await settled(id, 'delivered');
    expect(row.tries).toHaveLength(3);
    expect(receiver.to(path).map(({ headers }) => headers['content-type'])).toEqual(Array(3).fill('application/octet-stream')); // prettier-ignore
  });

  it('fails when the file is gone', async () => {
    const path = '/fails/expired';
    receiver.planned.set(path, ['fails', 'ok']);
    const id = await submit({ upload: `${receiver.origin}${path}` });
    await completeJob(service, id);
    await sql`update pdfprompt_file set expired_at = now() where job_id = ${id}`;
    const row = await settled(id, 'failed');
    expect(row.tries.at(-1)).toMatchObject({ error: 'the file is gone' });
  });
});

describe('with four slots', async () => {
  const hanging = [await startReceiver(), await startReceiver()];
  const allowed = [receiver, ...hanging].map(({ authority }) => authority).join(',');
  const small = await startService({
    deliverer: { webhookMs: 60_000 },
    env: { DELIVERY_CONCURRENCY: '4', EGRESS_ALLOW: allowed },
  });

  it('receivers that do not answer, of two tenants, hold up a third one for some seconds only', async () => {
    const userOf = async (name: string) =>
      (await principalOf(small.base.db, await small.newKey(`${name}@example.com`))).userId;
    const add = async (user: string, url: string, count = 1) => {
      await small.sql`
        with added as (
          insert into pdfprompt_delivery (id, user_id, kind, url, host, event, status, ready_at)
          select gen_random_uuid(), ${user}, 'webhook', ${url}, pdfprompt_host_of(${url}), 'webhook.test', 'ready', now()
          from generate_series(1, ${count}::integer) returning 1
        )
        select pg_notify('pdfprompt_deliveries', '') from added limit 1`;
    };
    for (const [index, each] of hanging.entries())
      await add(await userOf(`hangs${index}`), each.url('says nothing'), 100);
    await eventually(() => hanging.every(({ received }) => received.length === 2), 30_000, 'all slots are taken');
    const from = performance.now();
    await add(await userOf('quick'), receiver.url('ok', '/third'));
    await receiver.got('/ok/third');
    expect(performance.now() - from).toBeLessThan(20_000);
    expect(hanging.map(({ received }) => received.length)).toEqual([2, 2]);
  });
});

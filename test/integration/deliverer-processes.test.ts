import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { createUnlimitedKey, principalOf } from '../support/accounts.ts';
import { endItems, makeBatch } from '../support/batches.ts';
import { pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { eventually } from '../support/processes.ts';
import { startReceiver } from '../support/receiver.ts';

const receiver = await startReceiver();
const { url, sql } = await createDatabase();
const pool = openTestPool(url);
const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
const { userId } = await principalOf(pool.db, key);
await pool.close();

async function startDeliverer(extra: Record<string, string> = {}) {
  // It needs no Chromium.
  const env = { DATABASE_URL: url, CHROME_PATH: '/nowhere', SHUTDOWN_GRACE: '3', ...receiver.env, ...extra };
  const cli = pdfprompt(['work', '--only', 'deliveries'], { env });
  await cli.until(/pdfprompt delivers, 64 webhooks at a time/, 60_000);
  return cli;
}

async function addDelivery(path: string): Promise<string> {
  const id = uuidv7();
  await sql`insert into pdfprompt_delivery (id, user_id, kind, url, host, event, status, ready_at)
    values (${id}, ${userId}, 'webhook', ${`${receiver.origin}${path}`}, ${receiver.authority}, 'webhook.test', 'ready', now())`;
  await sql`select pg_notify('pdfprompt_deliveries', '')`;
  return id;
}
/** @returns the delivery of its end */
async function endBatch(path: string): Promise<string> {
  const { id, jobs } = await makeBatch(sql, { userId, items: 2, webhook: `${receiver.origin}${path}` });
  await endItems(sql, jobs);
  const rows = await sql<{ id: string }[]>`select id from pdfprompt_delivery where batch_id = ${id}`;
  expect(rows).toHaveLength(1);
  return rows[0]?.id ?? '';
}
const delivery = async (id: string) =>
  (await sql<{ status: string; attempts: number; round: number }[]>`select status, attempts, round from pdfprompt_delivery where id = ${id}`)[0]; // prettier-ignore
const becomes = (id: string, status: string) =>
  eventually(async () => (await delivery(id))?.status === status, 30_000, `it is ${status}`);

it('a process that only delivers is no worker for jobs', async () => {
  const deliverer = await startDeliverer();
  const id = await addDelivery('/ok/alone');
  await receiver.got('/ok/alone');
  await becomes(id, 'delivered');
  expect(await sql`select id from pdfprompt_worker`).toHaveLength(0);
  deliverer.child.kill('SIGTERM');
  expect(await deliverer.exited).toMatchObject({ code: 0 });
});

it.each([
  ['a webhook', addDelivery],
  ['the end of a batch', endBatch],
])('%s that a process was sending when it was killed is sent again, with the same id', async (what, add) => {
  const path = `/says%20nothing/${encodeURIComponent(what)}`;
  const killed = await startDeliverer();
  const id = await add(path);
  const [first] = await receiver.got(path);
  killed.child.kill('SIGKILL');
  await killed.exited;
  expect(await delivery(id)).toEqual({ status: 'sending', attempts: 1, round: 1 });
  receiver.planned.set(path, ['ok']);
  const heir = await startDeliverer();
  await sql`update pdfprompt_delivery set claimed_until = now() - interval '1 second' where id = ${id}`; // half a minute later
  const [, second] = await receiver.got(path, 2);
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  await becomes(id, 'delivered');
  expect(await delivery(id)).toEqual({ status: 'delivered', attempts: 2, round: 2 });
  heir.child.kill('SIGTERM');
  await heir.exited;
  expect(heir.stderr()).toContain('delivery.requeued');
});

it('what a process was sending when it was stopped is requeued, and the attempt does not count', async () => {
  const path = '/says%20nothing/stopped';
  const stopped = await startDeliverer();
  const id = await addDelivery(path);
  await receiver.got(path);
  stopped.child.kill('SIGTERM');
  expect(await stopped.exited).toMatchObject({ code: 0 });
  expect(await delivery(id)).toEqual({ status: 'ready', attempts: 0, round: 0 });
});

it('a request that ends in the time of grace is written down', async () => {
  const stopped = await startDeliverer();
  const id = await addDelivery('/slow/stopped');
  await receiver.got('/slow/stopped');
  const ended = once(stopped.child, 'close');
  stopped.child.kill('SIGTERM');
  await ended;
  expect(await delivery(id)).toEqual({ status: 'delivered', attempts: 1, round: 1 });
});

it('a file of 300 MB is uploaded with a fraction of its memory', async () => {
  let size = 0;
  const bucket = createServer((request, response) => {
    request.on('data', (piece: Buffer) => (size += piece.byteLength));
    request.on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(bucket, 'listening');
  const authority = `127.0.0.1:${(bucket.address() as AddressInfo).port}`;
  const [jobId, fileId, id] = [uuidv7(), uuidv7(), uuidv7()];
  await sql`insert into pdfprompt_job (id, user_id, status, priority, attempts, runs, rank, request, completed_at)
    values (${jobId}, ${userId}, 'completed', 0, 1, 1, 1, '{}', now())`;
  await sql`insert into pdfprompt_file (id, job_id, user_id, store, size, pages, sha256, expires_at)
    values (${fileId}, ${jobId}, ${userId}, 'postgres', 314572800, 1, sha256('x'), now() + interval '1 hour')`;
  await sql`insert into pdfprompt_file_chunk (file_id, seq, bytes)
    select ${fileId}, n, convert_to(repeat('x', 1048576), 'utf8') from generate_series(0, 299) n`;
  const deliverer = await startDeliverer({ EGRESS_ALLOW: authority });
  const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${deliverer.pid}/status`, 'utf8'))?.[1]);
  const before = peak();
  await sql`insert into pdfprompt_delivery (id, user_id, job_id, kind, url, host, event, status, ready_at)
    values (${id}, ${userId}, ${jobId}, 'upload', ${`http://${authority}/x`}, ${authority}, 'job.completed', 'ready', now())`;
  await becomes(id, 'delivered');
  expect(size).toBe(314_572_800);
  expect((peak() - before) / 1_024).toBeLessThan(200); // what is garbage already is there for a while too
  deliverer.child.kill('SIGTERM');
  await deliverer.exited;
  bucket.close();
});

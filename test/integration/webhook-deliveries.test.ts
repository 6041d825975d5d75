import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/deliveries/read-deliveries.ts';
import type { Job } from '../../src/domain/job.ts';
import { completeJob } from '../support/end-job.ts';
import { parseVersion1 } from '../support/parse-version-1.ts';
import { eventually } from '../support/processes.ts';
import { type Received, startReceiver } from '../support/receiver.ts';
import { startService } from '../support/service.ts';

const receiver = await startReceiver();
const service = await startService({ deliverer: true, env: receiver.env });
const { sql } = service;

async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await service.request(`/v1${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
  const text = await response.text();
  expect([path, response.ok, text]).toEqual([path, true, expect.any(String)]);
  return (text === '' ? {} : JSON.parse(text)) as T;
}
let count = 0;
/** An endpoint of its own path. */
async function register(name: string) {
  const path = `/${name}/${count++}`;
  const made = await ask<{ id: string; secret: string }>('POST', '/webhooks', { url: receiver.url(name, path.slice(name.length + 1)), events: ['job.cancelled', 'job.completed'] }); // prettier-ignore
  return { ...made, path };
}
const cancelled = async (body: object = {}) => {
  const { id } = await ask<Job>('POST', '/jobs', { html: 'x', ...body });
  await ask('DELETE', `/jobs/${id}`);
  return id;
};
const of = async (job: string) => (await ask<{ data: Delivery[] }>('GET', `/jobs/${job}/deliveries`)).data;
const become = (job: string, status: string) =>
  eventually(async () => (await of(job)).every((each) => each.status === status), 30_000, `all are ${status}`);
const verify = (secret: string, { body, headers }: Received) => new Webhook(secret).verify(body, headers);
/** How many of the signatures are by this secret. */
const signedBy = (secret: string, { body, headers }: Received) => {
  const at = new Date(Number(headers['webhook-timestamp']) * 1_000);
  const own = new Webhook(secret).sign(headers['webhook-id'] ?? '', at, body);
  return headers['webhook-signature']?.split(' ').filter((each) => each === own).length;
};
const [last] = [(all: Received[]) => all.at(-1) as Received];

describe('a registered endpoint', () => {
  it('receives the end of a job, signed, with a payload that a parser of its first day understands', async () => {
    const { id, secret, path } = await register('ok');
    const job = await cancelled();
    const got = last(await receiver.got(path));
    expect(verify(secret, got)).toMatchObject({ type: 'job.cancelled', data: { id: job, url: `/v1/jobs/${job}` } });
    expect(parseVersion1(got.body)).toMatchObject({ files: 0, error: null });
    await become(job, 'delivered');
    expect(await of(job)).toMatchObject([{ id: got.headers['webhook-id'], webhookId: id, attempts: 1, tries: [{ status: 200, error: null, answer: 'thanks' }] }]); // prettier-ignore
    await ask('DELETE', `/webhooks/${id}`);
  });

  it('has two signatures while its secret is rotated, and one afterwards', async () => {
    const { id, secret: first, path } = await register('ok');
    const { secret: second } = await ask<{ secret: string }>('POST', `/webhooks/${id}/rotate`);
    await cancelled();
    const both = last(await receiver.got(path));
    expect([verify(first, both), signedBy(first, both), signedBy(second, both)]).toMatchObject([{ version: 1 }, 1, 1]);
    const { secret: third } = await ask<{ secret: string }>('POST', `/webhooks/${id}/rotate`, { expiresIn: 0 });
    await cancelled();
    const one = last(await receiver.got(path, 2));
    expect([first, second, third].map((secret) => signedBy(secret, one))).toEqual([0, 0, 1]);
    await ask('DELETE', `/webhooks/${id}`);
  });

  it('that answered 410 is off: it is tested, turned on, and receives what it has missed', async () => {
    const { id, secret, path } = await register('gone');
    await cancelled();
    await receiver.got(path);
    const shown = () => ask<{ enabled: boolean; disabledReason: string | null }>('GET', `/webhooks/${id}`);
    await eventually(async () => !(await shown()).enabled, 30_000, 'it is off');
    expect(await shown()).toMatchObject({ disabledReason: 'gone' });
    const missed = await cancelled();
    expect(await of(missed)).toMatchObject([{ status: 'failed', attempts: 0 }]);
    receiver.planned.set(path, ['ok']);
    const test = await ask<{ id: string }>('POST', `/webhooks/${id}/test`);
    const tested = last(await receiver.got(path, 2));
    expect(verify(secret, tested)).toMatchObject({ type: 'webhook.test', version: 1, data: { webhook: id } });
    expect(tested.headers['webhook-id']).toBe(test.id);
    await ask('PUT', `/webhooks/${id}`, { url: receiver.url('gone', path.slice(5)) });
    expect(await ask('POST', `/webhooks/${id}/replay`, { since: '2020-01-01T00:00:00Z' })).toEqual({ replayed: 2, more: false }); // prettier-ignore
    const ids = (await receiver.got(path, 4)).slice(2).map(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id); // prettier-ignore
    expect(ids).toContain(missed);
    await become(missed, 'delivered');
    await ask('DELETE', `/webhooks/${id}`);
  });

  it('receives what was sent a month ago again: the same message, with a new timestamp', async () => {
    const { id, secret, path } = await register('ok');
    const job = await cancelled();
    const first = last(await receiver.got(path));
    await become(job, 'delivered');
    await sql`update pdfprompt_job set created_at = created_at - interval '30 days' where id = ${job}`;
    await sql`update pdfprompt_delivery set created_at = created_at - interval '30 days', ready_at = ready_at - interval '30 days',
      ended_at = ended_at - interval '30 days' where job_id = ${job}`;
    await eventually(() => Math.floor(Date.now() / 1_000) > Number(first.headers['webhook-timestamp']), 5_000, 'a later second'); // prettier-ignore
    await ask('POST', `/webhooks/${id}/deliveries/${first.headers['webhook-id']}/replay`);
    const again = last(await receiver.got(path, 2));
    expect([again.body, again.headers['webhook-id']]).toEqual([first.body, first.headers['webhook-id']]);
    expect(Number(again.headers['webhook-timestamp'])).toBeGreaterThan(Number(first.headers['webhook-timestamp']));
    verify(secret, again);
    await become(job, 'delivered');
    expect(await of(job)).toMatchObject([{ attempts: 2, tries: [{ number: 1 }, { number: 2 }] }]);
    await ask('DELETE', `/webhooks/${id}`);
  });
});

describe('what a request asks for', () => {
  it('is signed with one’s own secret, and the file is put where it says, which the job shows', async () => {
    const [hook, bucket] = ['/ok/one', '/ok/bucket?X-Amz-Signature=canary-9'];
    const body = { html: 'x', webhook: receiver.url('ok', '/one'), upload: receiver.url('ok', '/bucket?X-Amz-Signature=canary-9') }; // prettier-ignore
    const { id } = await ask<Job>('POST', '/jobs', body);
    await completeJob(service, id, Buffer.from('%PDF-1.4 of one'));
    const got = last(await receiver.got(hook));
    const { secret } = await ask<{ secret: string }>('GET', '/webhooks/secret');
    expect(verify(secret, got)).toMatchObject({ type: 'job.completed', data: { id, files: 1 } });
    expect(last(await receiver.got(bucket))).toMatchObject({ method: 'PUT', body: '%PDF-1.4 of one' });
    const shown = () => ask<Job>('GET', `/jobs/${id}`);
    await eventually(async () => (await shown()).upload?.status === 'delivered', 30_000, 'the job says so');
    expect((await shown()).upload).toEqual({ status: 'delivered', attempts: 1, error: null });
    expect(JSON.stringify(await of(id))).not.toContain('canary');
  });
});

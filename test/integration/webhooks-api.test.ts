import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { deliverySchema, webhookSchema, webhookWithSecretSchema } from '../../src/http/webhook-schemas.ts';
import { expire } from '../../src/jobs/expire.ts';
import { startService } from '../support/service.ts';
import { createTenants, type Tenant } from '../support/tenants.ts';

type Webhook = z.infer<typeof webhookSchema>;
type Delivery = z.infer<typeof deliverySchema>;

const service = await startService({ env: { EGRESS_ALLOW: 'intranet.example:8443' } });
const { sql } = service;
const [ann, bob] = (await createTenants(service, ['ann@a.example', 'bob@b.example'])) as [Tenant, Tenant];
const nothing = '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25';
const URL = 'https://hooks.example.com/pdf?token=canary-1';

async function ask(method: string, path: string, body?: object, key = ann.key) {
  const init = { method, key, ...(body && { body: JSON.stringify(body) }) };
  const response = await service.request(`/v1${path}`, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as never };
}
const create = async (more: object = {}, key = ann.key) => {
  const { status, body } = await ask('POST', '/webhooks', { url: URL, ...more }, key);
  expect([status, body]).toMatchObject([201, {}]);
  return body as Webhook & { secret: string };
};
const drop = ({ id }: { id: string }, key = ann.key) => ask('DELETE', `/webhooks/${id}`, undefined, key);
const read = async (id: string) => (await ask('GET', `/webhooks/${id}`)).body as Webhook;
const listed = async (id: string, query = '') =>
  ((await ask('GET', `/webhooks/${id}/deliveries${query}`)).body as { data: Delivery[] }).data;

/** A job that ends at once. */
async function endJob(more: object = {}, { key } = ann): Promise<string> {
  const response = await service.request('/v1/jobs', { method: 'POST', key, body: JSON.stringify({ html: 'x', ...more }) }); // prettier-ignore
  const { id } = (await response.json()) as { id: string };
  expect([response.status, (await ask('DELETE', `/jobs/${id}`, undefined, key)).status]).toEqual([202, 200]);
  return id;
}
/** So that tests of webhooks are allowed again. */
const aMinuteLater = () => sql`update pdfprompt_delivery set created_at = created_at - interval '61 seconds'`;
const give = (id: string, changes: object) => sql`update pdfprompt_delivery set ${sql(changes)} where id = ${id}`;
async function tried(id: string, ...attempts: { status?: number; error?: string; answer?: string }[]): Promise<void> {
  for (const [index, { status = null, error = null, answer = null }] of attempts.entries())
    await sql`insert into pdfprompt_delivery_attempt (delivery_id, number, at, ms, status, error, answer)
      values (${id}, ${index + 1}, now(), ${12}, ${status}, ${error}, ${answer})`;
  await give(id, { attempts: attempts.length, round: attempts.length });
}

describe('POST /v1/webhooks', () => {
  it('registers an endpoint, and shows its secret this once', async () => {
    const { body, headers } = await ask('POST', '/webhooks', { url: URL, description: 'Books' });
    const created = body as Webhook & { secret: string };
    expect(webhookWithSecretSchema.strict().safeParse(created).error).toBeUndefined();
    expect(created).toMatchObject({
      url: URL,
      description: 'Books',
      events: ['job.completed', 'job.failed', 'job.cancelled', 'batch.completed'],
      version: 1,
      enabled: true,
      disabledReason: null,
    });
    expect(Buffer.from(/^whsec_(.*)$/.exec(created.secret)?.[1] ?? '', 'base64')).toHaveLength(32);
    expect([headers.get('location'), headers.get('cache-control')]).toEqual([`/v1/webhooks/${created.id}`, 'no-store']);
    const { secret, ...rest } = created;
    expect(await read(created.id)).toEqual(rest);
    expect((await ask('GET', '/webhooks')).body).toEqual({ data: [rest], nextCursor: null });
    expect(service.lines.filter((line) => line.includes(secret) || line.includes('canary-1'))).toEqual([]);
    expect(service.lines.some((line) => line.includes('"webhook.created"') && line.includes(created.id))).toBe(true);
    await drop(created);
  });

  it.each([
    ['no URL', { url: undefined }, 'url', /required/],
    ['another scheme', { url: 'ftp://a.example' }, 'url', /allowed: http and https, not ftp:/],
    ['a password', { url: 'https://u:p@a.example' }, 'url', /without user name and password/],
    ['a long URL', { url: `https://a.example/${'x'.repeat(2_048)}` }, 'url', /2.?048/],
    ['a URL that is long when it is escaped', { url: `https://a.example/${'ü'.repeat(1_000)}` }, 'url', /escaped/],
    ['this machine', { url: 'http://localhost/x' }, 'url', /nothing is sent to localhost; allowed: addresses of the public/],
    ['a private address', { url: 'http://[::ffff:10.0.0.1]/' }, 'url', /nothing is sent to/],
    ['an address in another spelling', { url: 'http://0x7f.1/' }, 'url', /nothing is sent to 127\.0\.0\.1/],
    ['a port', { url: 'https://a.example:25/' }, 'url', /nothing is sent to port 25/],
    ['an unknown event', { events: ['job.complete'] }, 'events[0]', /did you mean job\.completed\?/],
    ['an unknown field', { event: [] }, 'event', /did you mean events\?/],
    ['an unknown version', { version: 2 }, 'version', /allowed: 1/],
    ['a control character', { description: 'a\nb' }, 'description', /no control characters/],
    ['many events', { events: Array.from({ length: 21 }, () => 'job.failed') }, 'events', /20/],
  ])('is refused with %s', async (_, bad, field, message) => {
    for (const [method, path] of [['POST', '/webhooks'], ['PUT', `/webhooks/${nothing}`]] as const) {
      const { status, body } = await ask(method, path, { url: URL, ...bad });
      expect([status, body]).toMatchObject([400, { errors: [{ field, message: expect.stringMatching(message) as string }] }]);
    }
  }); // prettier-ignore

  it('takes what the operator allows, no event at all, and each event once', async () => {
    const created = await create({ url: 'http://intranet.example:8443/', events: [] });
    expect(created.events).toEqual([]);
    const spelled = await create({ url: 'HTTPS:\\\\HOOKS.example.com:443\\pdf\n?a=b c' });
    expect(spelled.url).toBe('https://hooks.example.com/pdf?a=b%20c');
    expect(await sql`select host from pdfprompt_webhook where id = ${spelled.id}`).toEqual([
      { host: 'hooks.example.com' },
    ]);
    await drop(spelled);
    const twice = await create({ events: ['job.failed', 'job.failed'], enabled: false });
    expect(twice).toMatchObject({ events: ['job.failed'], enabled: false, disabledReason: 'asked' });
    await Promise.all([drop(created), drop(twice)]);
  });

  it('allows twenty, of those that are sent at once too', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 24 }, async () => (await ask('POST', '/webhooks', { url: URL }, bob.key)).status),
    );
    expect(statuses.filter((status) => status === 201)).toHaveLength(20);
    const { status, body } = await ask('POST', '/webhooks', { url: URL }, bob.key);
    expect([status, body]).toMatchObject([403, { code: 'webhook_limit_reached' }]);
    expect((body as { detail: string }).detail).toMatch(/you have 20 webhooks/);
    const first = (await ask('GET', '/webhooks?limit=15', undefined, bob.key)).body as { data: Webhook[]; nextCursor: string }; // prettier-ignore
    const rest = (await ask('GET', `/webhooks?cursor=${first.nextCursor}`, undefined, bob.key)).body as typeof first;
    expect([first.data.length, rest.data.length, rest.nextCursor]).toEqual([15, 5, null]);
    await Promise.all([...first.data, ...rest.data].map((each) => drop(each, bob.key)));
    expect((await ask('POST', '/webhooks', { url: URL }, bob.key)).status).toBe(201);
  });
});

describe('PUT /v1/webhooks/{id}', () => {
  it('replaces all settings but the secret', async () => {
    const { id, secret } = await create({ description: 'old', events: ['job.failed'] });
    const { status, body } = await ask('PUT', `/webhooks/${id}`, { url: 'https://new.example.com/' });
    expect(webhookSchema.strict().safeParse(body).error).toBeUndefined();
    expect([status, body]).toMatchObject([200, { url: 'https://new.example.com/', description: null, events: { length: 4 } }]);
    expect(await sql`select secret, host from pdfprompt_webhook where id = ${id}`).toEqual([{ secret, host: 'new.example.com' }]);
    await drop({ id });
  }); // prettier-ignore

  it('turns it off and on again, whatever has turned it off', async () => {
    const { id } = await create({ events: ['job.cancelled'] });
    const settings = { url: URL, events: ['job.cancelled'] };
    await endJob();
    expect((await ask('PUT', `/webhooks/${id}`, { ...settings, enabled: false })).body).toMatchObject({
      enabled: false,
      disabledReason: 'asked',
    });
    expect(await listed(id)).toMatchObject([{ status: 'failed' }]);
    await sql`delete from pdfprompt_delivery where webhook_id = ${id}`;
    await sql`update pdfprompt_webhook set off_since = now(), off_reason = 'gone', failing_since = now() - interval '3 days' where id = ${id}`;
    expect(await read(id)).toMatchObject({ enabled: false, disabledReason: 'gone', failingSince: expect.any(String) });
    const kept = await ask('PUT', `/webhooks/${id}`, { ...settings, enabled: false });
    expect(kept.body).toMatchObject({ enabled: false, disabledReason: 'gone' });
    const job = await endJob();
    expect(await listed(id)).toMatchObject([{ jobId: job, status: 'failed', attempts: 0, event: 'job.cancelled' }]);
    const refused = [
      await ask('POST', `/webhooks/${id}/replay`, { since: '2020-01-01T00:00:00Z' }),
      await ask('POST', `/webhooks/${id}/deliveries/${(await listed(id))[0]?.id}/replay`),
    ];
    expect(refused.map((each) => (each.body as { code: string }).code)).toEqual(['webhook_off', 'webhook_off']);
    expect((await ask('POST', `/webhooks/${id}/test`)).status).toBe(202);
    const on = await ask('PUT', `/webhooks/${id}`, settings);
    expect(on.body).toMatchObject({ enabled: true, disabledAt: null, disabledReason: null, failingSince: null });
    const again = await ask('POST', `/webhooks/${id}/replay`, { since: '2020-01-01T00:00:00Z' });
    expect([again.status, again.body]).toEqual([202, { replayed: 1, more: false }]);
    await drop({ id });
  });
});

describe('DELETE /v1/webhooks/{id}', () => {
  it('ends it, cancels what waits, and keeps what was sent', async () => {
    const { id } = await create();
    const [waiting, sent] = [await endJob(), await endJob()];
    const first = (await listed(id)).find(({ jobId }) => jobId === sent);
    await give(first?.id ?? '', { status: 'delivered', ended_at: new Date() });
    expect((await drop({ id })).status).toBe(204);
    expect((await drop({ id })).status).toBe(404);
    expect((await ask('GET', `/webhooks/${id}`)).status).toBe(404);
    expect((await ask('GET', `/webhooks/${id}/deliveries`)).status).toBe(404);
    expect((await ask('GET', '/webhooks')).body).toMatchObject({ data: [] });
    const of = async (job: string) => ((await ask('GET', `/jobs/${job}/deliveries`)).body as { data: Delivery[] }).data;
    expect(await of(waiting)).toMatchObject([{ status: 'cancelled', endedAt: expect.any(String) }]);
    expect(await of(sent)).toMatchObject([{ status: 'delivered' }]);
    const replayed = await ask('POST', `/jobs/${sent}/deliveries/${first?.id}/replay`);
    expect(replayed.body).toMatchObject({ code: 'delivery_not_replayable', detail: 'its webhook is deleted' });
    expect(await of(await endJob())).toEqual([]);
    const { errors } = (await ask('POST', '/jobs', { html: 'x', webhook: id })).body as { errors: object[] };
    expect(errors).toMatchObject([{ field: 'webhook' }]);
  });
});

describe('the secrets', () => {
  const stored = async (id: string) =>
    (
      await sql`select secret, previous_secret, previous_secret_until - now() between '23:59' and '24:00' as for_a_day from pdfprompt_webhook where id = ${id}`
    )[0];

  it('of a webhook are replaced, the old one for a day, for a time, or not at all', async () => {
    const { id, secret: first } = await create();
    const { body } = await ask('POST', `/webhooks/${id}/rotate`);
    const { secret: second, previousSecretUntil } = body as { secret: string; previousSecretUntil: string };
    expect(second).not.toBe(first);
    expect(await stored(id)).toEqual({ secret: second, previous_secret: first, for_a_day: true });
    expect((await read(id)).previousSecretUntil).toBe(previousSecretUntil);
    const at = await ask('POST', `/webhooks/${id}/rotate`, { expiresIn: 0 });
    expect(at.body).toMatchObject({ previousSecretUntil: null });
    expect(await stored(id)).toMatchObject({ previous_secret: null });
    for (const expiresIn of [-1, 604_801, 1.5, 'x'])
      expect((await ask('POST', `/webhooks/${id}/rotate`, { expiresIn })).body).toMatchObject({ errors: [{ field: 'expiresIn' }] });
    expect(service.lines.filter((line) => line.includes('whsec_'))).toEqual([]);
    await drop({ id });
  }); // prettier-ignore

  it('of one’s own are made when they are asked for, and replaced', async () => {
    const secrets = await Promise.all(Array.from({ length: 5 }, async () => (await ask('GET', '/webhooks/secret')).body));
    const { secret } = secrets[0] as unknown as { secret: string };
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(new Set(secrets.map((each) => JSON.stringify(each))).size).toBe(1);
    const rotated = (await ask('POST', '/webhooks/secret/rotate', { expiresIn: 60 })).body as { secret: string };
    expect(rotated).toMatchObject({ previousSecretUntil: expect.any(String) });
    expect((await ask('GET', '/webhooks/secret')).body).toEqual(rotated);
    expect(await sql`select previous_secret from pdfprompt_webhook_secret`).toEqual([{ previous_secret: secret }]);
    expect((await ask('POST', '/webhooks/secret/rotate', undefined, bob.key)).status).toBe(200);
  }); // prettier-ignore
});

describe('POST /v1/webhooks/{id}/test', () => {
  it('makes a delivery without a job, ten times a minute', async () => {
    const [{ id }, other] = [await create(), await create()];
    await aMinuteLater();
    const ids: string[] = [];
    for (let count = 0; count < 10; count++) {
      const { status, body } = await ask('POST', `/webhooks/${id}/test`);
      expect(status).toBe(202);
      ids.push((body as { id: string }).id);
    }
    const refused = await ask('POST', `/webhooks/${id}/test`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
    expect((await ask('POST', `/webhooks/${other.id}/test`)).status).toBe(429); // the same tenant's
    const theirs = await create({}, bob.key);
    expect((await ask('POST', `/webhooks/${theirs.id}/test`, undefined, bob.key)).status).toBe(202);
    await drop(theirs, bob.key);
    await drop(other);
    const all = await listed(id);
    expect(all.map((each) => each.id).sort()).toEqual(ids.sort());
    expect(all[0]).toMatchObject({ jobId: null, event: 'webhook.test', status: 'pending' });
    await aMinuteLater();
    await drop({ id });
  });
});

describe('GET /v1/webhooks/{id}/deliveries', () => {
  it('shows what was sent, newest first, in pages and by status, with every attempt', async () => {
    const { id } = await create();
    const jobs = [await endJob(), await endJob(), await endJob(), await endJob()];
    const all = (await listed(id)).toReversed();
    expect(all.map(({ jobId }) => jobId)).toEqual(jobs);
    const [delivered, failed, waiting] = all as [Delivery, Delivery, Delivery];
    await tried(delivered.id, { status: 503, answer: 'busy' }, { status: 204, answer: '' });
    await give(delivered.id, { status: 'delivered', ended_at: new Date() });
    await tried(failed.id, ...Array.from({ length: 25 }, () => ({ error: 'it did not answer in time' })));
    await give(failed.id, { status: 'failed', ended_at: new Date() });
    await give(waiting.id, { status: 'waiting', due_at: new Date(Date.now() + 60_000) });
    const now = await listed(id);
    expect(deliverySchema.strict().array().safeParse(now).error).toBeUndefined();
    expect(now.map(({ status }) => status)).toEqual(['pending', 'pending', 'failed', 'delivered']);
    expect(now[3]).toMatchObject({
      id: delivered.id,
      kind: 'webhook',
      webhookId: id,
      url: 'https://hooks.example.com/pdf',
      attempts: 2,
      tries: [
        { number: 1, ms: 12, status: 503, error: 'it answered 503', answer: 'busy' },
        { number: 2, ms: 12, status: 204, error: null },
      ],
    });
    expect(now[2]?.tries.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 6));
    expect(now[1]?.nextAttemptAt).toEqual(expect.any(String));
    for (const status of ['pending', 'delivered', 'failed', 'cancelled'])
      expect((await listed(id, `?status=${status}`)).map((each) => each.id)).toEqual(now.filter((each) => each.status === status).map((each) => each.id));
    const seen: string[] = [];
    for (let cursor = ''; seen.length < 4; ) {
      const page = (await ask('GET', `/webhooks/${id}/deliveries?limit=1${cursor}`)).body as { data: Delivery[]; nextCursor: string | null };
      seen.push(...page.data.map((each) => each.id));
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(seen).toEqual(now.map((each) => each.id));
    expect((await ask('GET', `/webhooks/${id}/deliveries?status=sent`)).body).toMatchObject({ errors: [{ field: 'status' }] });
    await drop({ id });
  }); // prettier-ignore
});

describe('a replay', () => {
  it('sends one again, as if it were new, with the same id', async () => {
    const { id } = await create();
    await endJob();
    const [made] = await listed(id);
    const path = `/webhooks/${id}/deliveries/${made?.id}/replay`;
    expect((await ask('POST', path)).body).toMatchObject({ status: 'pending' });
    await tried(made?.id ?? '', { status: 500, error: 'it answered 500' });
    const month = new Date(Date.now() - 30 * 24 * 3_600_000);
    for (const state of ['delivered', 'failed', 'waiting']) {
      await give(made?.id ?? '', { status: state, ended_at: month, due_at: month, round: 9, ready_at: month });
      const { status, body } = await ask('POST', path);
      expect([status, body]).toMatchObject([202, { id: made?.id, status: 'pending', endedAt: null, attempts: 1 }]);
      const [row] = await sql`select status, round, due_at, now() - ready_at < '1 minute' as is_new from pdfprompt_delivery where id = ${made?.id ?? ''}`;
      expect(row).toEqual({ status: 'ready', round: 0, due_at: null, is_new: true });
    }
    await give(made?.id ?? '', { status: 'sending' });
    expect((await ask('POST', path)).status).toBe(202);
    expect(await sql`select status from pdfprompt_delivery where id = ${made?.id ?? ''}`).toEqual([{ status: 'sending' }]);
    await give(made?.id ?? '', { status: 'failed', attempts: 1_000 });
    expect((await ask('POST', path)).body).toMatchObject({ code: 'delivery_not_replayable', detail: 'it was sent 1000 times' });
    await drop({ id });
  }); // prettier-ignore

  it('sends all again that have failed since, and nothing else', async () => {
    const [{ id }, other] = [await create(), await create()];
    for (let count = 0; count < 5; count++) await endJob();
    const [a, b, c, d] = (await listed(id)).map((each) => each.id) as [string, string, string, string];
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    await give(a, { status: 'failed', ended_at: ago(5) });
    await give(b, { status: 'failed', ended_at: ago(15) });
    await give(c, { status: 'delivered', ended_at: ago(5) });
    await give(d, { status: 'failed', ended_at: ago(5), attempts: 1_000 });
    await sql`update pdfprompt_delivery set status = 'failed', ended_at = now() where webhook_id = ${other.id}`;
    const since = ago(10).toISOString();
    expect((await ask('POST', `/webhooks/${id}/replay`, { since })).body).toEqual({ replayed: 1, more: false });
    expect((await listed(id, '?status=pending')).map((each) => each.id)).toContain(a);
    expect((await listed(other.id, '?status=failed'))).toHaveLength(5);
    const never = { since: '9999-12-31T23:59:59Z' };
    expect((await ask('POST', `/webhooks/${id}/replay`, never)).body).toEqual({ replayed: 0, more: false });
    expect((await ask('POST', `/webhooks/${id}/replay`, { since: '0000-01-01T00:00:00+23:59' })).status).toBe(202);
    for (const bad of [{}, { since: 'yesterday' }, { since: '2026-01-01' }])
      expect((await ask('POST', `/webhooks/${id}/replay`, bad)).body).toMatchObject({ errors: [{ field: 'since' }] });
    await Promise.all([drop({ id }), drop(other)]);
  }); // prettier-ignore

  it('is done five thousand at a time', async () => {
    const { id } = await create();
    await sql`insert into pdfprompt_delivery (id, user_id, kind, webhook_id, host, status, ended_at)
      select gen_random_uuid(), ${ann.userId}, 'webhook', ${id}, 'x', 'failed', now() from generate_series(1, 5100)`;
    const all = { since: '2020-01-01T00:00:00Z' };
    expect((await ask('POST', `/webhooks/${id}/replay`, all)).body).toEqual({ replayed: 5_000, more: true });
    expect((await ask('POST', `/webhooks/${id}/replay`, all)).body).toEqual({ replayed: 100, more: false });
    await drop({ id });
  });
});

describe('the deliveries of a job', () => {
  const upload = {
    url: 'https://bucket.example.com/a.pdf?X-Amz-Signature=canary-2',
    headers: { 'x-amz-acl': 'canary-3' },
  };
  const of = async (job: string) => {
    const { body } = await ask('GET', `/jobs/${job}/deliveries`);
    expect(JSON.stringify(body)).not.toMatch(/canary/);
    return (body as { data: Delivery[] }).data;
  };

  it('are its webhooks and its upload, which the job shows too', async () => {
    const submitted = await ask('POST', '/jobs', { html: 'x', webhook: URL, upload });
    const job = submitted.body as { id: string };
    expect(submitted.body).toMatchObject({ upload: { status: 'pending', attempts: 0, error: null } });
    expect((await ask('GET', `/jobs/${job.id}`)).body).toMatchObject({ upload: { status: 'pending' } });
    const [webhook, put] = (await of(job.id)).toSorted((x, y) => y.kind.localeCompare(x.kind)) as [Delivery, Delivery];
    expect(webhook).toMatchObject({ kind: 'webhook', webhookId: null, event: null, url: 'https://hooks.example.com/pdf' });
    expect(put).toMatchObject({ kind: 'upload', status: 'pending', url: 'https://bucket.example.com/a.pdf' });
    expect((await ask('POST', `/jobs/${job.id}/deliveries/${put.id}/replay`)).body).toMatchObject({ code: 'delivery_not_replayable', detail: expect.stringMatching(/has not ended/) });
    await ask('DELETE', `/jobs/${job.id}`);
    expect((await of(job.id)).map(({ kind, status }) => `${kind} ${status}`).toSorted()).toEqual(['upload cancelled', 'webhook pending']);
    expect((await ask('GET', `/jobs/${job.id}`)).body).toMatchObject({ upload: { status: 'cancelled' } });
    expect((await ask('POST', `/jobs/${job.id}/deliveries/${put.id}/replay`)).body).toMatchObject({ detail: expect.stringMatching(/cancelled/) });
    expect((await ask('GET', `/jobs/${ann.jobs.failed}`)).body).toMatchObject({ upload: null });
    expect(await of(ann.jobs.failed)).toEqual([]);
  }); // prettier-ignore

  it('are not shown from memory while the upload is under way', async () => {
    const id = ann.jobs.completed;
    const uploadId = uuidv7();
    const shown = async () => ((await ask('GET', `/jobs/${id}`)).body as { upload: object | null }).upload;
    await sql`insert into pdfprompt_delivery (id, user_id, job_id, kind, asked, url, host, status, event, attempts)
      values (${uploadId}, ${ann.userId}, ${id}, 'upload', true, ${upload.url}, 'bucket.example.com', 'waiting', 'job.completed', 0)`;
    expect(await shown()).toEqual({ status: 'pending', attempts: 0, error: null });
    await tried(uploadId, { status: 503 });
    expect(await shown()).toEqual({ status: 'pending', attempts: 1, error: 'it answered 503' });
    const { data } = (await ask('GET', '/jobs?status=completed')).body as { data: { upload: object }[] };
    expect(data[0]?.upload).toEqual({ status: 'pending', attempts: 1, error: 'it answered 503' });
    await give(uploadId, { status: 'delivered' });
    const again = `/jobs/${id}/deliveries/${uploadId}/replay`;
    expect((await ask('POST', again)).body).toMatchObject({ code: 'delivery_not_replayable', detail: expect.stringMatching(/it was uploaded/) });
    await give(uploadId, { status: 'failed', ended_at: new Date() });
    expect(await shown()).toMatchObject({ status: 'failed' });
    expect((await ask('POST', again)).body).toMatchObject({ kind: 'upload', status: 'pending' });
  }); // prettier-ignore
});

describe('what another tenant has', () => {
  it('is not there, whatever is asked for', async () => {
    const { id } = await create();
    const job = await endJob({ webhook: URL });
    const [made] = await listed(id);
    const state = async () => [await sql`select * from pdfprompt_webhook where id = ${id}`, await sql`select * from pdfprompt_delivery where webhook_id = ${id}`];
    const before = await state();
    const asked = ([
      ['GET', `/webhooks/${id}`], ['PUT', `/webhooks/${id}`, { url: URL }], ['DELETE', `/webhooks/${id}`],
      ['POST', `/webhooks/${id}/rotate`], ['POST', `/webhooks/${id}/test`], ['GET', `/webhooks/${id}/deliveries`],
      ['POST', `/webhooks/${id}/replay`, { since: '2020-01-01T00:00:00Z' }],
      ['POST', `/webhooks/${id}/deliveries/${made?.id}/replay`],
      ['GET', `/jobs/${job}/deliveries`], ['POST', `/jobs/${job}/deliveries/${made?.id}/replay`],
    ] as [string, string, object?][]);
    for (const [method, path, body] of asked) {
      const theirs = await ask(method, path, body, bob.key);
      expect([path, theirs.status]).toEqual([path, 404]);
      // The same as for what is not there at all, and for what is no id.
      for (const none of [nothing, 'x']) {
        const missing = await ask(method, path.replace(id, none).replace(job, none), body, bob.key);
        expect([missing.status, (missing.body as { detail: string }).detail]).toEqual([404, (theirs.body as { detail: string }).detail]);
      }
    }
    const own = await create({}, bob.key);
    expect((await ask('POST', `/webhooks/${own.id}/deliveries/${made?.id}/replay`, undefined, bob.key)).status).toBe(404);
    expect((await ask('GET', `/webhooks/${own.id}/deliveries?cursor=${made?.id}`, undefined, bob.key)).body).toMatchObject({ data: [] });
    expect((await ask('POST', '/jobs', { html: 'x', webhook: id }, bob.key)).body).toMatchObject({ errors: [{ field: 'webhook' }] });
    expect(await state()).toEqual(before);
    await drop({ id });
  }); // prettier-ignore
});

describe('what is no longer needed', () => {
  it('goes: tests after thirty days, and deleted webhooks when nothing refers to them', async () => {
    const { adminDb: db, stores, events } = service.base;
    const pass = () => expire({ db, stores, events, retentionMs: 3_600_000 });
    const [{ id }, gone] = [await create({ events: [] }), await create({ events: ['job.cancelled'] })];
    await aMinuteLater();
    for (let count = 0; count < 2; count++)
      expect(await ask('POST', `/webhooks/${id}/test`)).toMatchObject({ status: 202 });
    const [old] = await listed(id);
    await give(old?.id ?? '', { created_at: new Date(Date.now() - 31 * 24 * 3_600_000) });
    const job = await endJob();
    await drop(gone);
    await sql`update pdfprompt_webhook set deleted_at = now() - interval '2 hours' where id = ${gone.id}`;
    const kept = async () => (await sql`select 1 from pdfprompt_webhook where id in (${id}, ${gone.id})`).length;
    await pass();
    expect((await listed(id)).map((each) => each.id)).not.toContain(old?.id);
    expect([(await listed(id)).length, await kept()]).toEqual([1, 2]);
    await sql`delete from pdfprompt_job where id = ${job}`;
    await pass();
    expect(await kept()).toBe(1);
    await drop({ id });
  });
});

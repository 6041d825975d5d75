import { type IncomingMessage, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { cancelJob } from '../../src/jobs/cancel.ts';
import { principalOf } from '../support/accounts.ts';
import { everythingOf, LARGE_BODY, openAsk, refusedOf, SMALL_BODY } from '../support/everything.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';
import { createTenants } from '../support/tenants.ts';

/** The fewest: three for writes, one for what is read for tenants. */
const service = await startService({ env: { DATABASE_MAX_CONNECTIONS: '6', HTTP_MAX_CONNECTIONS: '4000' } });
const { base, address, sql, underWay } = service;
const [ann, bob] = await createTenants(service, ['anna@example.com', 'bob@other.example']);
if (!ann || !bob) throw new Error('no tenants');
const ask = openAsk(address);
const isIdle = () => eventually(() => underWay.isIdle, 30_000, 'nothing is under way');

/** Sends its body byte by byte. */
function sender(key: string, length: number, to = address) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': length };
  const sent = httpRequest(`${to}/v1/jobs`, { method: 'POST', headers });
  sent.on('error', () => undefined);
  const timer = setInterval(() => sent.write(' '), 20);
  sent.once('close', () => clearInterval(timer));
  sent.write('{');
  return sent;
}

describe('senders and receivers that are slow', () => {
  it('keep only large documents of their own tenant waiting', async () => {
    // Two of the largest bodies are all that a tenant may hold, and here are thirty.
    const senders = Array.from({ length: 30 }, () => sender(ann.key, 10_000_000));
    await eventually(() => underWay.bodyBytes > 10, 30_000, 'bytes come');
    expect(await refusedOf(ask, bob)).toEqual([]);
    let large = 0;
    const waiting = ask('POST', '/v1/jobs', ann.key, LARGE_BODY).then((status) => (large = status));
    for (const [what, once] of Object.entries(everythingOf(ask, ann)))
      if (!what.includes('large')) expect([what, await once()]).toEqual([what, expect.toBeOneOf([200, 202])]);
    expect(large).toBe(0);
    for (const each of senders) each.destroy();
    expect(await waiting).toBe(202);
    await isIdle();
  }, 60_000);

  it('hold nothing once they are gone: in line, in the middle of a body, of an answer', async () => {
    const senders = Array.from({ length: 30 }, () => sender(ann.key, 10_000_000));
    const receivers = await Promise.all(
      Array.from(
        { length: 30 },
        () =>
          new Promise<IncomingMessage>((done, failed) => {
            const headers = { authorization: `Bearer ${ann.key}` };
            httpRequest(`${address}/v1/jobs/${ann.jobs.completed}/pdf`, { headers }, done).once('error', failed).end();
          }),
      ),
    );
    await eventually(() => underWay.bodyBytes > 10, 30_000, 'bytes come');
    expect(underWay.isIdle).toBe(false);
    for (const each of [...senders, ...receivers]) each.destroy();
    await isIdle();
  }, 60_000);
});

describe('a tenant whose rows are held by somebody else', () => {
  const held = (table: string, column = 'user_id') =>
    `select 1 from pdfprompt_${table} where ${column} = $1 for update`;
  it.each([
    [
      'its Idempotency-Key',
      `insert into pdfprompt_job (id, user_id, priority, request, html, idempotency_key, idempotency_hash)
       values (gen_random_uuid(), $1, 0, '{}', 'x', 'held', sha256('x'))`,
    ],
    ['its lane', held('lane')],
    ['itself', held('user', 'id')],
    ['its jobs', held('job')],
    ['its keys', held('api_key')],
    ['its subscription', held('user_subscription')],
  ])(
    '(%s) makes nobody else wait',
    async (_, statement) => {
      const stuck: Promise<number>[] = [];
      const holding = sql.begin(async (tx) => {
        await tx.unsafe(statement, [ann.userId]);
        for (let time = 0; time < 3; time++) {
          stuck.push(ask('POST', '/v1/jobs', ann.key, SMALL_BODY, { 'idempotency-key': 'held' }));
          stuck.push(ask('DELETE', `/v1/jobs/${ann.jobs.queued}`, ann.key));
          stuck.push(...Object.values(everythingOf(ask, ann)).map((once) => once()));
        }
        await sleep(500); // they are where they will wait
        const startedAt = performance.now();
        expect(await refusedOf(ask, bob)).toEqual([]);
        // What waits for a lock gives up after 10 s: none of it was waited for.
        expect(performance.now() - startedAt).toBeLessThan(8_000);
        throw new Error('none of it was meant');
      });
      await expect(Promise.resolve(holding)).rejects.toThrow('none of it was meant');
      for (const status of await Promise.all(stuck)) expect(status).toBeLessThan(300);
      await isIdle();
    },
    60_000,
  );
});

describe('what is bounded for all', () => {
  it('bytes of bodies: who finds no room is told to come back, and can read it', async () => {
    const { address: small, newKey, underWay: its } = await startService({ env: { HTTP_MAX_BUFFERED_MB: '16' } });
    const askThere = openAsk(small);
    const first = sender(await newKey('first@example.com'), 9_000_000, small);
    first.write('x'.repeat(8_500_000));
    await eventually(() => its.bodyBytes > 8_500_000, 30_000, 'most of it has come');
    const key = await newKey('second@example.com');
    const body = JSON.stringify({ html: 'x'.repeat(9_000_000) });
    const response = await fetch(`${small}/v1/jobs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body,
    });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({ code: 'unavailable' });
    expect(await askThere('POST', '/v1/jobs', key, SMALL_BODY)).toBe(202);
    first.destroy();
    await eventually(() => its.bodyBytes === 0, 30_000, 'the first is forgotten');
    expect(await askThere('POST', '/v1/jobs', key, body)).toBe(202);
    expect(await askThere('POST', '/v1/jobs', key, body, { 'transfer-encoding': 'chunked' })).toBe(202);
    await eventually(() => its.isIdle, 30_000, 'nothing is under way');
  }, 60_000);

  it('requests of one tenant, those that wait included', async () => {
    const {
      address: small,
      newKey,
      request,
      underWay: its,
      base: itsBase,
    } = await startService({
      env: { HTTP_MAX_CONNECTIONS: '20' },
    });
    const { db, queue, events } = itsBase;
    const askThere = openAsk(small);
    const [key, other] = [await newKey('many@example.com'), await newKey('other@example.com')];
    const { userId } = await principalOf(db, key);
    const submitted = await request('/v1/jobs', { method: 'POST', key, body: SMALL_BODY });
    const { id } = (await submitted.json()) as { id: string };
    const refused: number[] = [];
    const waiting = Array.from({ length: 15 }, async () => {
      const status = await askThere('GET', `/v1/jobs/${id}?wait=50`, key);
      if (status !== 200) refused.push(status);
    });
    await eventually(() => refused.length === 5, 30_000, 'five are refused');
    const response = await request('/v1/jobs', { key });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await response.json()).toMatchObject({
      code: 'too_much_under_way',
      detail: '10 requests of yours are under way; allowed: 10 at a time',
    });
    expect(await askThere('GET', '/v1/jobs', other)).toBe(200);
    await cancelJob({ db, queue, events }, { userId, jobId: id, requestId: undefined });
    await Promise.all(waiting);
    expect(refused).toEqual([429, 429, 429, 429, 429]);
    expect(await askThere('GET', '/v1/jobs', key)).toBe(200);
    await eventually(() => its.isIdle, 30_000, 'nothing is under way');
  }, 60_000);
});

describe('a tenant at its limit', () => {
  it('is refused before its body is looked at, unless it may repeat a request', async () => {
    const { key } = await createKey(base.db, { email: 'limit@example.com', tier: 'starter' });
    const used = { 'idempotency-key': 'used' };
    expect(await ask('POST', '/v1/jobs', key, LARGE_BODY, used)).toBe(202);
    expect(await ask('POST', '/v1/jobs', key, SMALL_BODY)).toBe(202);
    expect(await ask('POST', '/v1/jobs', key, SMALL_BODY)).toBe(429); // and from now on it is known
    const nonsense = 'x'.repeat(5_000_000);
    for (const path of ['/v1/jobs', '/v1/pdf']) {
      expect(await ask('POST', path, key, nonsense)).toBe(429);
      expect(await ask('POST', path, key, nonsense, { 'idempotency-key': 'unused' })).toBe(429);
    }
    expect(await ask('POST', '/v1/jobs', key, nonsense, used)).toBe(400);
    expect(await ask('POST', '/v1/jobs', key, SMALL_BODY, used)).toBe(422);
    expect(await ask('POST', '/v1/jobs', key, LARGE_BODY, used)).toBe(200);
    await isIdle();
  }, 60_000);
});

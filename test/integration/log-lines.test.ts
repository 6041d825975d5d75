import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { Reaper } from '../../src/worker/reaper.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const operator = await createKey(service.base.db, { email: 'operator@example.com', scopes: ['admin'] });

/** The lines of level info and above that `work` writes. */
async function linesOf(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const before = service.lines.length;
  await work();
  return service.lines
    .slice(before)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ level }) => level !== 'debug' && level !== 'trace');
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
let turn = 0;

async function ask(method: string, path: string, body?: object): Promise<{ id: string }> {
  const response = await service.request(path, {
    method,
    key: operator.key,
    headers: { 'x-request-id': `request-${++turn}`, traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.status).toBeLessThan(300);
  return (response.status === 204 ? {} : await response.json()) as { id: string };
}

describe('what a key with the scope admin does', () => {
  it('is one line each: who did what to whom, in which request', async () => {
    const by = () => ({ level: 'info', by: operator.id, requestId: `request-${turn}`, traceId: TRACE });
    const did = async (method: string, path: string, body?: object) => {
      let answer = { id: '' };
      const lines = await linesOf(async () => (answer = await ask(method, path, body)));
      expect(lines).toHaveLength(1);
      return { line: lines[0], answer };
    };
    const user = await did('POST', '/v1/admin/users', { email: 'new@example.com' });
    const userId = user.answer.id;
    expect(user.line).toMatchObject({ ...by(), msg: 'user created', userId, tier: 'starter' });
    const limits = { requestsPerMinute: 7, requestsPerDay: null, priority: 1 };
    const tier = await did('PUT', '/v1/admin/tiers/gold', limits);
    expect(tier.line).toMatchObject({ ...by(), msg: 'tier defined', tier: 'gold', ...limits, isNew: true });
    const subscription = await did('PUT', `/v1/admin/users/${userId}/subscription`, { tier: 'gold' });
    expect(subscription.line).toMatchObject({ ...by(), msg: 'subscription set', userId, tier: 'gold' });
    const own = await did('PUT', `/v1/admin/users/${userId}/limits`, { requestsPerDay: 5 });
    expect(own.line).toMatchObject({ ...by(), msg: 'limits set', userId, limits: { requestsPerDay: 5 } });
    const reset = await did('DELETE', `/v1/admin/users/${userId}/limits`);
    expect(reset.line).toMatchObject({ ...by(), msg: 'limits set', userId, limits: {} });
    const key = await did('POST', '/v1/admin/keys', { email: 'new@example.com' });
    const keyId = key.answer.id;
    expect(key.line).toMatchObject({ ...by(), msg: 'key created', keyId, userId, tier: 'gold', expiresAt: null });
    const rotated = await did('POST', `/v1/admin/keys/${keyId}/rotate`);
    expect(rotated.line).toMatchObject({ ...by(), msg: 'key rotated', keyId: rotated.answer.id, replaces: keyId });
    const revoked = await did('DELETE', `/v1/admin/keys/${keyId}`);
    expect(revoked.line).toMatchObject({ ...by(), msg: 'key revoked', keyId, userId });
    await ask('PUT', '/v1/admin/tiers/silver', limits);
    const deleted = await did('DELETE', '/v1/admin/tiers/silver');
    expect(deleted.line).toMatchObject({ ...by(), msg: 'tier deleted', tier: 'silver' });
  });

  it('is no line if it was refused', async () => {
    const refuse = async () => {
      const response = await service.request('/v1/admin/keys/nobody', { method: 'DELETE', key: operator.key });
      expect(response.status).toBe(404);
    };
    expect(await linesOf(refuse)).toEqual([]);
  });
});

describe('a job', () => {
  it('is one line as it is submitted and one as it is cancelled, each with its request and its trace', async () => {
    const send = (method: string, path: string, requestId: string, body?: string) =>
      service.request(path, {
        method,
        headers: { 'x-request-id': requestId, traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
        ...(body !== undefined && { body }),
      });
    const lines = await linesOf(async () => {
      const response = await send('POST', '/v1/jobs', 'first', '{"html":"<p>x</p>"}');
      const { id } = (await response.json()) as { id: string };
      await send('DELETE', `/v1/jobs/${id}`, 'second');
      await send('DELETE', `/v1/jobs/${id}`, 'third');
    });
    expect(lines).toMatchObject([
      { msg: 'job submitted', requestId: 'first', traceId: TRACE, tier: 'unlimited' },
      { msg: 'job cancelled', requestId: 'second', traceId: TRACE },
    ]);
  });
});

describe('what is done to a webhook', () => {
  it('is one line each, without its URL', async () => {
    const url = 'https://hooks.example.com/secret';
    const did = async (method: string, path: string, body?: object) => {
      let answer = { id: '' };
      const lines = await linesOf(async () => (answer = await ask(method, path, body)));
      expect(lines).toHaveLength(1);
      expect(JSON.stringify(lines)).not.toMatch(/hooks|whsec/);
      return { line: lines[0], id: answer.id };
    };
    const { key } = operator;
    operator.key = service.key;
    const { id: webhookId, line } = await did('POST', '/v1/webhooks', { url });
    const about = { requestId: `request-${turn}`, traceId: TRACE, webhookId, userId: expect.any(String) as string };
    expect(line).toMatchObject({ ...about, msg: 'webhook created' });
    const path = `/v1/webhooks/${webhookId}`;
    const off = await did('PUT', path, { url, enabled: false });
    expect(off.line).toMatchObject({ msg: 'webhook changed', webhookId, enabled: false });
    expect((await did('POST', `${path}/rotate`)).line).toMatchObject({ msg: 'webhook secret rotated', webhookId });
    expect((await did('POST', '/v1/webhooks/secret/rotate')).line).toMatchObject({ msg: 'webhook secret rotated' });
    expect((await did('DELETE', path)).line).toMatchObject({ msg: 'webhook deleted', webhookId });
    operator.key = key;
  });
});

describe('the jobs of a worker that has ended', () => {
  const ended = async (isLost: boolean) => {
    const response = await service.request('/v1/jobs', { method: 'POST', body: '{"html":"<p>x</p>"}' });
    const { id } = (await response.json()) as { id: string };
    const workerId = uuidv7();
    await service.sql`
      insert into pdfprompt_worker (id, host, pid, concurrency, ended_at, is_lost) values (${workerId}, 'ended', 1, 1, now(), ${isLost})`;
    await service.sql`
      update pdfprompt_job set status = 'processing', runs = 1, attempts = 1, started_at = now(), worker_id = ${workerId}
      where id = ${id}`;
    await service.sql`insert into pdfprompt_job_attempt (job_id, run, worker_id) values (${id}, 1, ${workerId})`;
    await service.sql`update pgboss.job set state = 'active', started_on = now() where id = ${id}`;
    const { db, queue, events } = service.base;
    const reaper = new Reaper({ db, queue, events, registration: { heldMs: Infinity, workerId: uuidv7() } });
    const lines = await linesOf(async () => {
      await reaper.start();
      await eventually(
        async () => (await service.sql`select 1 from pdfprompt_job where id = ${id} and status = 'queued'`).length > 0,
        30_000,
        'it is queued again',
      );
      await reaper.stop();
    });
    const [row] = await service.sql`select attempts, losses from pdfprompt_job where id = ${id}`;
    const requestId = response.headers.get('x-request-id');
    return {
      lines,
      row,
      workerId,
      line: { level: 'warn', event: 'job.requeued', jobId: id, tier: 'unlimited', requestId },
    };
  };

  it('are one line each, as they are requeued because it was lost', async () => {
    const { lines, row, workerId, line } = await ended(true);
    expect(row).toEqual({ attempts: 0, losses: 1 });
    expect(lines).toMatchObject([
      { level: 'warn', event: 'worker.lost', workerId, jobs: 1 },
      { ...line, reason: 'lost', run: 1 },
    ]);
  });

  it('are interrupted if it stopped in order and could not requeue them', async () => {
    const { lines, row, line } = await ended(false);
    expect(row).toEqual({ attempts: 0, losses: 0 });
    expect(lines).toMatchObject([{ ...line, reason: 'interrupted', run: 1 }]);
  });
});

describe('keys that are not valid', () => {
  it('are a debug line each, and one warning when the address has to wait', async () => {
    const before = service.lines.length;
    const knock = () => service.request('/v1/jobs', { key: `pdf_${'x'.repeat(30)}` });
    const warnings = await linesOf(async () => {
      for (let count = 0; count < 62; count++) await knock();
    });
    expect(warnings).toMatchObject([{ level: 'warn', msg: 'logins blocked', address: '127.0.0.1', failures: 60 }]);
    expect(service.lines.slice(before).filter((line) => line.includes('"login failed"'))).toHaveLength(60);
  });
});

import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { BulkAction } from '../../src/bulk/bulk-actions.ts';
import { BulkRunner } from '../../src/bulk/bulk-runner.ts';
import { holdAction, runPiece } from '../../src/bulk/run-piece.ts';
import { settlePauses } from '../../src/jobs/paused-jobs.ts';
import { endPause, startPause } from '../../src/jobs/pauses.ts';
import { arrayLiteral } from '../../src/db/array-literal.ts';
import type { Job } from '../../src/domain/job.ts';
import { pdfprompt } from '../support/cli.ts';
import { makeBatch } from '../support/batches.ts';
import { eventually } from '../support/processes.ts';
import { forgetfulLimiter } from '../support/accounts.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { base, sql, request } = service;
const { db } = base;
const key = (await createKey(db, { email: 'operator@example.com', scopes: ['operator'] })).key;
const reader = (await createKey(db, { email: 'operator@example.com', scopes: ['console:read'] })).key;
await sql`insert into pdfprompt_tier (name, requests_per_minute, priority) values ('tight', 3, 1)`;

const tenant = async (name: string) => {
  const made = await createKey(db, { email: `${name}@example.com`, tier: 'unlimited' });
  return { key: made.key, userId: made.userId };
};
const submit = async (owner: { key: string }, fields: object = {}) => {
  const response = await request('/v1/jobs', {
    method: 'POST',
    key: owner.key,
    body: JSON.stringify({ html: 'x', ...fields }),
  });
  return ((await response.json()) as Job).id;
};
const submitted = (owner: { key: string }, count: number, fields: object = {}) =>
  Promise.all(Array.from({ length: count }, () => submit(owner, fields)));
const fail = (jobs: readonly string[]) => sql`
  update pdfprompt_job set status = 'failed', completed_at = now(), error_code = 'print_failed', error_message = 'x'
  where id = any (${arrayLiteral(jobs)}::uuid[])`;
const post = async (body: object, by = key) => {
  const response = await request('/v1/admin/actions', { method: 'POST', key: by, body: JSON.stringify(body) });
  return {
    status: response.status,
    body: (await response.json()) as BulkAction & { detail: string; jobs: number; users: number },
  };
};
const read = async (id: string) =>
  (await (await request(`/v1/admin/actions/${id}`, { key: reader })).json()) as BulkAction;
const ended = async (id: string) => {
  await eventually(async () => (await read(id)).endedAt !== null, 20_000, 'the action ends');
  return read(id);
};
const ownRunner = service.services.find((each) => each instanceof BulkRunner);
const retriesOf = (jobs: readonly string[]) => sql<{ retry_of: string; jobs: number }[]>`
  select retry_of, count(*)::integer as jobs from pdfprompt_job where retry_of = any (${arrayLiteral(jobs)}::uuid[]) group by 1`;

describe('an action on many jobs', () => {
  it('is counted before, and cancels each job of the filter that has not ended', async () => {
    const [ann, ben] = [await tenant('ann'), await tenant('ben')];
    const jobs = await submitted(ann, 5);
    const later = await submit(ann, { runAt: new Date(Date.now() + 3_600_000).toISOString() });
    const batch = await makeBatch(sql, { userId: ann.userId, items: 3 });
    const [done = ''] = jobs;
    await fail([done]);
    const others = await submitted(ben, 2);
    const filter = { email: 'ann@' };
    expect(await post({ action: 'cancel', filter, dryRun: true })).toEqual({
      status: 200,
      body: { jobs: 9, users: 1, isMore: false },
    });
    const { status, body: started } = await post({ action: 'cancel', filter });
    expect(status).toBe(201);
    expect(started).toMatchObject({ status: 'running', expected: 9, lookedAt: 0 });
    const [audit] = await sql`select detail from pdfprompt_audit where what = 'started an action'`;
    const before = new URLSearchParams({ before: started.filter.before ?? '' }).toString();
    const kept = { actionId: started.id, action: 'cancel', expected: 9, filter: before, withheld: 'email' };
    expect(audit?.detail).toEqual(kept);
    expect(await ended(started.id)).toMatchObject({
      status: 'completed',
      lookedAt: 9,
      results: { cancelled: 8, ended: 1 },
    });
    const rows = await sql`select id from pdfprompt_job where status = 'cancelled'`;
    expect(rows.map(({ id }) => id as string).toSorted()).toEqual([...jobs.slice(1), later, ...batch.jobs].toSorted());
    expect(
      await sql`select status from pdfprompt_batch where id = ${batch.id} and completed_at is not null`,
    ).toHaveLength(1);
    expect(
      await sql`select from pgboss.job where id = any (${arrayLiteral(jobs)}::uuid[]) and state = 'created' and id <> ${done}`,
    ).toEqual([]);
    expect(
      await sql`select from pdfprompt_job where id = any (${arrayLiteral(others)}::uuid[]) and status = 'queued'`,
    ).toHaveLength(2);
    const log = service.lines.filter(
      (line) => line.includes('"event":"action.ended"') || line.includes('action on many jobs ended'),
    );
    expect(log).toHaveLength(1);
  });

  it('says for each job why it was not retried', async () => {
    const [cid, dan] = [await tenant('cid'), await tenant('dan')];
    const jobs = await submitted(cid, 6, { metadata: { order: 'A-17' } });
    const [first = '', , third = ''] = jobs;
    await fail(jobs.slice(0, 5));
    await request(`/v1/jobs/${first}/retry`, { method: 'POST', key: cid.key });
    await sql`delete from pdfprompt_part where job_id = ${third}`;
    const limited = await submitted(dan, 5, { metadata: { order: 'A-17' } });
    await fail(limited);
    await sql`update pdfprompt_user_subscription set tier = 'tight' where user_id = ${dan.userId} and ended_at is null`;
    const { body } = await post({ action: 'retry', filter: { 'metadata.order': 'A-17' } });
    const { results, lookedAt } = await ended(body.id);
    // 5 failed, of which one was retried and one has no document; one waits, and the one that was made for the first too.
    expect(results).toEqual({ retried: 5, alreadyRetried: 1, notRetryable: 1, notEnded: 2, overLimit: 3 });
    expect(lookedAt).toBe(12);
    // Again: what was over the limit is all that is left.
    await sql`update pdfprompt_user_subscription set tier = 'unlimited' where user_id = ${dan.userId} and ended_at is null`;
    const again = await ended(
      (await post({ action: 'retry', filter: { 'metadata.order': 'A-17', status: 'failed' } })).body.id,
    );
    expect(again.results).toEqual({ retried: 3, alreadyRetried: 6, notRetryable: 1 });
    expect((await retriesOf([...jobs, ...limited])).every(({ jobs: made }) => made === 1)).toBe(true);
  });

  it('retries each job once, though its process is killed', { timeout: 60_000 }, async () => {
    const eve = await tenant('eve');
    const jobs = await submitted(eve, 60);
    await fail(jobs);
    await ownRunner?.stop();
    const { body } = await post({ action: 'retry', filter: { user: eve.userId, status: 'failed' } });
    const env = { DATABASE_URL: service.url, PORT: '0', CHAOS_CRASH_AT: 'bulk.retried:2' };
    const { signal } = await pdfprompt(['serve'], { env }).exited;
    expect(signal).toBe('SIGKILL');
    // Two pieces are done, and one of them is not written down.
    expect(await read(body.id)).toMatchObject({ status: 'running', lookedAt: 25, results: { retried: 25 } });
    expect(await retriesOf(jobs)).toHaveLength(50);
    await sql`update pdfprompt_bulk_action set held_until = now() where held_until > now()`; // time goes by
    await ownRunner?.start();
    expect(await ended(body.id)).toMatchObject({ status: 'completed', lookedAt: 60, results: { retried: 60 } });
    const made = await retriesOf(jobs);
    expect(made).toHaveLength(60);
    expect(made.every(({ jobs: each }) => each === 1)).toBe(true);
  });

  it('can be stopped, and is one process’s at a time', async () => {
    const fay = await tenant('fay');
    const jobs = await submitted(fay, 30);
    await fail(jobs);
    await ownRunner?.stop();
    const { body } = await post({ action: 'retry', filter: { user: fay.userId, status: 'failed' } });
    const { db: _, ...rest } = base;
    const deps = { ...rest, db, limiter: forgetfulLimiter(), assetBytes: 1_000_000 };
    const [mine, theirs] = ['01a20b1c-7e0d-4435-94b8-00000000000a', '01a20b1c-7e0d-4435-94b8-00000000000b'];
    const held = await holdAction(db, mine);
    expect(held?.id).toBe(body.id);
    expect(await holdAction(db, theirs)).toBeUndefined();
    if (!held) throw new Error('it is not held');
    expect(await runPiece(deps, theirs, held)).toBeUndefined(); // nor does it write down anything
    const next = await runPiece(deps, mine, held);
    expect(await read(body.id)).toMatchObject({ lookedAt: 25, results: { retried: 25 } });
    expect((await request(`/v1/admin/actions/${body.id}`, { method: 'DELETE', key: reader })).status).toBe(403);
    const stopped = await request(`/v1/admin/actions/${body.id}`, { method: 'DELETE', key });
    expect(await stopped.json()).toMatchObject({ status: 'stopped', lookedAt: 25 });
    if (next) expect(await runPiece(deps, mine, next)).toBeUndefined();
    expect(await retriesOf(jobs)).toHaveLength(25);
    expect(await holdAction(db, mine)).toBeUndefined();
    await ownRunner?.start();
    const list = (await (await request('/v1/admin/actions?limit=1', { key: reader })).json()) as {
      data: BulkAction[];
      nextCursor: string;
    };
    expect(list).toMatchObject({ data: [{ id: body.id }] });
    expect(list.nextCursor).toBe(body.id);
  });

  it('misses no job whose pause ends meanwhile', async () => {
    const hal = await tenant('hal');
    const batch = await makeBatch(sql, { userId: hal.userId, items: 250 });
    const target = `user:${hal.userId}`;
    await startPause(db, { target, reason: 'a test' });
    await settlePauses(base);
    await ownRunner?.stop();
    const { body } = await post({ action: 'cancel', filter: { status: 'queued' } });
    const deps = { ...base, limiter: forgetfulLimiter(), assetBytes: 1_000_000 };
    const holder = '01a20b1c-7e0d-4435-94b8-00000000000c';
    let next = await holdAction(db, holder);
    if (next) next = await runPiece(deps, holder, next);
    expect(next).toBeDefined();
    await endPause(db, target);
    await settlePauses(base);
    while (next) next = await runPiece(deps, holder, next);
    expect(await read(body.id)).toMatchObject({ status: 'completed' });
    expect(
      await sql`select from pdfprompt_job where id = any (${arrayLiteral(batch.jobs)}::uuid[]) and status <> 'cancelled'`,
    ).toEqual([]);
    await ownRunner?.start();
  });

  it('sends again what failed to be delivered', async () => {
    const gus = await tenant('gus');
    const jobs = await submitted(gus, 3, { webhook: 'https://hooks.example.com/x' });
    await fail(jobs);
    await sql`update pdfprompt_delivery set status = 'failed', attempts = 3, ended_at = now(), ready_at = null where job_id = any (${arrayLiteral(jobs.slice(0, 2))}::uuid[])`;
    const { body } = await post({ action: 'replay', filter: { user: gus.userId } });
    expect(await ended(body.id)).toMatchObject({ results: { sentAgain: 2, nothingFailed: 1 } });
    const rows =
      await sql`select status, attempts, round from pdfprompt_delivery where job_id = any (${arrayLiteral(jobs.slice(0, 2))}::uuid[])`;
    expect([...rows]).toEqual([0, 1].map(() => ({ status: 'ready', attempts: 3, round: 0 })));
  });

  it.each<[string, object, string]>([
    ['filter', { action: 'cancel', filter: {} }, 'at least one field'],
    ['action', { action: 'delete', filter: { status: 'failed' } }, 'cancel'],
    ['filter.status', { action: 'cancel', filter: { status: 'completed' } }, 'scheduled, queued, processing'],
    ['filter.status', { action: 'retry', filter: { status: 'queued' } }, 'failed, cancelled'],
    ['', { action: 'retry', filter: { stauts: 'failed' } }, 'stauts'],
    ['', { action: 'retry', filter: { error: 'print_faild' } }, 'did you mean print_failed'],
    ['filter', { action: 'retry', filter: 'all' }, 'filter'],
    ['', { action: 'retry', filter: { status: 'failed' }, dryrun: true }, 'dryrun'],
  ])('is refused, naming %s: %j', async (_, body, words) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain(words);
  });

  it.each([
    ['POST', '', { action: 'retry', filter: { status: 'failed' } }, 403],
    ['GET', '/01a20b1c-7e0d-7435-94b8-00000000000f', undefined, 404],
    ['GET', '/x', undefined, 404],
  ])('%s /v1/admin/actions%s with console:read alone is answered with %4$s', async (method, path, body, status) => {
    const sent = { method, key: reader, ...(body && { body: JSON.stringify(body) }) };
    expect((await request(`/v1/admin/actions${path}`, sent)).status).toBe(status);
  });
});

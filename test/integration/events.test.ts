import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { revokeKey } from '../../src/accounts/keys.ts';
import { jobEventSchema } from '../../src/domain/job-event.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { createAdminKey, signIn } from '../support/console.ts';
import { endJob, insertJobs } from '../support/ended-jobs.ts';
import { EventReader } from '../support/event-reader.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { address, sql, request, base } = service;

/** A user of the test's own. */
async function welcome() {
  const { key, id: keyId, userId } = await createUnlimitedKey(base.db, `${crypto.randomUUID()}@example.com`);
  const readers: EventReader[] = [];
  return {
    key,
    keyId,
    userId,
    readers,
    queued: async (count = 1) => insertJobs(sql, userId, count),
    listen: async (query = '', lastEventId?: string) => {
      const reader = await EventReader.open(address, { key, query, lastEventId });
      await reader.until(({ text }) => text.includes('retry:') || reader.isEnded, 'the stream begins');
      return reader;
    },
  };
}
const end = async (ids: readonly string[], status?: string, agoMs?: number) => {
  for (const id of ids) await endJob(sql, id, status, agoMs);
};
/** Ends a job an hour ago, and waits until its notification has arrived: who listens from now on is not told of it. */
const endedBefore = async ({ listen }: Awaited<ReturnType<typeof welcome>>, id: string, status?: string) => {
  const reader = await listen();
  await end([id], status, 3_600_000);
  await reader.until(({ jobs }) => jobs.includes(id), 'what has happened before');
  reader.close();
};
const listeners = async () => {
  const { body } = await base.events.metrics.text();
  return Number(/^pdfprompt_event_listeners (\d+)$/m.exec(body)?.[1]);
};

describe('GET /v1/events', () => {
  it('sends the end of each job as it happens, as its webhook has it', async () => {
    const { key, listen } = await welcome();
    const submit = async (body: object) => {
      const response = await request('/v1/jobs', { method: 'POST', body: JSON.stringify(body), key });
      return ((await response.json()) as { id: string }).id;
    };
    const reader = await listen();
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const workerId = crypto.randomUUID();
    await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
    const completed = await submit({ html: 'a', filename: 'a.pdf', metadata: { order: 4711, text: 'a\n\nb' } });
    const failed = await submit({ html: 'b' });
    const cancelled = await submit({ html: 'c' });
    const claimed = await claimJobs(base, { workerId, count: 10 });
    const jobOf = (id: string) => claimed.find((job) => job.id === id) as ClaimedJob;
    const deps = { ...base, retentionMs: 60_000 };
    await finishJob(deps, jobOf(completed), doneWith(new Uint8Array(100)));
    await finishJob(deps, jobOf(failed), { kind: 'reject', code: 'print_failed', message: 'a fault' });
    await request(`/v1/jobs/${cancelled}`, { method: 'DELETE', key });
    await reader.until(({ events }) => events.length >= 3, 'three events');

    expect(reader.events.map(({ type, data }) => [type, data.type, data.data.id])).toEqual([
      ['job.completed', 'job.completed', completed],
      ['job.failed', 'job.failed', failed],
      ['job.cancelled', 'job.cancelled', cancelled],
    ]);
    const [first, second] = reader.events;
    for (const { data } of reader.events) expect(jobEventSchema.parse(data)).toEqual(data);
    expect(first?.id).toBe(`${Date.parse(first?.data.timestamp ?? '')}-${completed}`);
    expect(first?.data.data).toMatchObject({
      url: `/v1/jobs/${completed}`,
      filename: 'a.pdf',
      metadata: { order: 4711, text: 'a\n\nb' },
      files: 1,
      size: 100,
      error: null,
    });
    expect(second?.data.data.error).toEqual({ code: 'print_failed', message: 'a fault' });
  });

  it('sends them in the order in which their transactions commit', async () => {
    const { listen, queued } = await welcome();
    const readers = [await listen(), await listen()];
    const ids = await queued(60);
    await end(ids);
    for (const reader of readers) {
      await reader.until(({ events }) => events.length >= 60, 'all events');
      expect(reader.jobs).toEqual(ids);
    }
  });

  it("sends nobody another tenant's, whatever a notification says", async () => {
    const [ann, bob] = [await welcome(), await welcome()];
    const [readerOfAnn, readerOfBob] = [await ann.listen(), await bob.listen()];
    const [open = '', ended = '', last = ''] = await ann.queued(3);
    const notify = (payload: string) => sql`select pg_notify('pdfprompt_jobs', ${payload})`;
    await end([ended]);
    for (const id of [open, ended])
      for (const user of [bob.userId, ann.userId]) await notify(JSON.stringify({ id, user, status: 'completed' }));
    for (const payload of ['', 'x', 'null', '[]', '{"id":1,"user":[]}', `{"id":"${ended}'","user":"${bob.userId}"}`])
      await notify(payload);
    await end([last]);
    await readerOfAnn.until(({ jobs }) => jobs.includes(last), 'the last event');
    expect(readerOfAnn.jobs).toEqual([ended, last]);
    const [own = ''] = await bob.queued();
    await end([own]);
    await readerOfBob.until(({ jobs }) => jobs.includes(own), 'an event of his own');
    expect(readerOfBob.jobs).toEqual([own]);
    expect((await request(`/v1/events?job=${ended}`, { key: bob.key })).status).toBe(404);
  });

  it('sends only the types and jobs that are asked for; of these first what has happened already', async () => {
    const user = await welcome();
    const { listen, queued } = user;
    const [a = '', b = '', c = '', d = ''] = await queued(4);
    await endedBefore(user, a, 'failed');
    const failures = await listen('?types=job.failed,job.cancelled');
    const some = await listen(`?job=${a},${c},${a}`);
    await end([b]);
    await end([c], 'cancelled');
    await end([d], 'failed');
    await failures.until(({ jobs }) => jobs.includes(d), 'the last event');
    expect(failures.jobs).toEqual([c, d]);
    await some.until(({ jobs }) => jobs.includes(c), 'its last event');
    expect(some.jobs).toEqual([a, c]);
  });

  it.each([
    ['?types=job.done', 'types[0]: '],
    ['?type=job.failed', 'type: unknown field; did you mean types?'],
    ['?job=4711', 'job[0]: allowed: ids of jobs'],
    ['?types=job.failed&types=job.completed', 'types: given 2 times; allowed: once'],
    ['?lastEventId=yesterday', 'lastEventId: allowed: the id of an event'],
  ])('refuses %s, and says what is allowed', async (query, detail) => {
    const response = await request(`/v1/events${query}`);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain(detail);
  });

  it('refuses a Last-Event-ID that it has not sent, and answers HEAD without listening', async () => {
    const refused = await request('/v1/events', { headers: { 'Last-Event-ID': '-1' } });
    expect(await refused.json()).toMatchObject({ detail: 'Last-Event-ID: allowed: the id of an event' });
    const before = await listeners();
    const head = await request('/v1/events', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(await listeners()).toBe(before);
  });
});

describe('a client that connects again', () => {
  it('gets what has happened since, in order, each once, and then goes on', async () => {
    const user = await welcome();
    const { listen, queued } = user;
    const [before = ''] = await queued();
    await endedBefore(user, before);
    const reader = await listen();
    const [seen = ''] = await queued();
    await end([seen]);
    await reader.until(({ events }) => events.length === 1, 'an event');
    const { lastEventId } = reader;
    reader.close();
    const missed = await queued(130);
    await end(missed);
    for (const [query, header] of [
      ['', lastEventId],
      [`?lastEventId=${lastEventId}`, undefined],
    ] as const) {
      const again = await listen(query, header);
      const later = await queued(3);
      await end(later);
      missed.push(...later);
      await again.until(({ jobs }) => jobs.includes(later.at(-1) ?? ''), 'everything');
      expect(again.jobs).toEqual(missed);
      expect(new Set(again.events.map(({ id }) => id)).size).toBe(missed.length);
    }
  });

  it('misses nothing that was committed late, and can tell by its id what comes again', async () => {
    const { listen, queued } = await welcome();
    const [late = '', early = ''] = await queued(2);
    const reader = await listen();
    let lastEventId = '';
    await sql.begin(async (transaction) => {
      await transaction`update pdfprompt_job set status = 'cancelled', completed_at = now() where id = ${late}`;
      await sleep(20);
      await end([early]);
      await reader.until(({ jobs }) => jobs.includes(early), 'what was committed first');
      ({ lastEventId } = reader);
      reader.close();
    });
    const again = await listen('', lastEventId);
    await again.until(({ jobs }) => jobs.includes(late), 'what was committed late');
    const third = await listen('', again.lastEventId);
    await third.until(({ jobs }) => jobs.includes(early), 'what comes again');
    expect(third.events.find(({ data }) => data.data.id === early)?.id).toBe(lastEventId);
  });

  it('misses nothing if it has received nothing before', async () => {
    const { listen, queued } = await welcome();
    const reader = await listen();
    expect(reader.lastEventId).toMatch(/^\d+$/);
    reader.close();
    const [id = ''] = await queued();
    await end([id]);
    const again = await listen('', reader.lastEventId);
    await again.until(({ jobs }) => jobs.includes(id), 'the event');
  });

  it('gets what happened while the connection for notifications was lost, each once', async () => {
    const { listen, queued } = await welcome();
    const reader = await listen();
    const ids = await queued(6);
    for (const [index, id] of ids.entries()) {
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'pdfprompt test notifier' and datname = current_database()`;
      await end([id]);
      await reader.until(({ events }) => events.length > index, `event ${index}`);
    }
    expect(reader.jobs).toEqual(ids);
  });
});

describe('a stream', () => {
  it('ends soon when its key is revoked, and no other', async () => {
    const ann = await welcome();
    const { key } = await createUnlimitedKey(base.db, 'ann@example.com');
    const [reader, other] = [await ann.listen(), await EventReader.open(address, { key })];
    await revokeKey(base.db, ann.keyId);
    await reader.until(({ isEnded }) => isEnded, 'the end of the stream');
    expect(other.isEnded).toBe(false);
  });

  it('ends when its user is erased', async () => {
    const { listen, userId } = await welcome();
    const { key } = await createAdminKey(service);
    const reader = await listen();
    const erased = await request(`/v1/admin/users/${userId}`, { method: 'DELETE', key });
    expect(erased.status).toBeLessThan(300);
    await reader.until(({ isEnded }) => isEnded, 'the end of the stream');
  });

  it('is ended if its client receives too slowly; the client goes on where it was, and nobody else notices', async () => {
    const { listen, queued, userId } = await welcome();
    const [slow, quick] = [await listen(), await listen()];
    slow.response.pause();
    const text = 'x'.repeat(500);
    const metadata = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`n${index}`, text]));
    const ids = await insertJobs(sql, userId, 600, metadata);
    const counted = await listeners();
    await end(ids);
    await quick.until(({ events }) => events.length === ids.length, 'all events');
    expect(quick.jobs).toEqual(ids);
    await eventually(async () => (await listeners()) === counted - 1, 30_000, 'the slow one is cut off');
    slow.response.resume();
    await slow.until(({ isEnded }) => isEnded, 'the end');
    expect(slow.events.length).toBeLessThan(ids.length);
    const again = await listen('', slow.lastEventId);
    await again.until(({ jobs }) => jobs.includes(ids.at(-1) ?? ''), 'the rest');
    expect(new Set([...slow.jobs, ...again.jobs])).toEqual(new Set(ids));
    const [last = ''] = await queued();
    await end([last]);
    await again.until(({ jobs }) => jobs.includes(last), 'a new event');
  });

  it('is counted while it is open', async () => {
    const { listen, queued } = await welcome();
    await eventually(async () => service.underWay.isIdle || (await listeners()) > 0, 30_000, 'nothing else');
    const before = await listeners();
    const reader = await listen();
    expect(await listeners()).toBe(before + 1);
    const [id = ''] = await queued();
    await end([id], 'failed');
    await reader.until(({ events }) => events.length === 1, 'an event');
    const { body } = await base.events.metrics.text();
    expect(body).toMatch(/^pdfprompt_events_sent_total\{type="job.failed"\} \d+$/m);
    reader.close();
    await eventually(async () => (await listeners()) === before, 30_000, 'it is no longer counted');
  });
});

describe('the console', () => {
  it('is told that something has changed, of one job or of all, while the session lasts', async () => {
    const admin = await createAdminKey(service);
    const { cookie } = await signIn(address, admin.key);
    const path = '/console/fragments/events';
    const { userId, queued } = await welcome();
    const [one = '', other = ''] = await queued(2);
    const open = (query = '') =>
      EventReader.open(address, { key: admin.key, path, query, headers: { Cookie: cookie } });
    const [all, ofOne] = [await open(), await open(`?job=${one}`)];
    await end([other]);
    await all.until(({ events }) => events.length > 0, 'a change');
    await end([one]);
    await ofOne.until(({ events }) => events.length > 0, 'a change of its own');
    expect(all.text).not.toContain(userId);
    expect((await request(path)).status).toBe(401);
    await revokeKey(base.db, admin.id);
    for (const reader of [all, ofOne]) await reader.until(({ isEnded }) => isEnded, 'the end of the session');
  });
});

describe('with few connections', async () => {
  const small = await startService({ env: { HTTP_MAX_CONNECTIONS: '16' } });

  it('a user, and all together, may listen so many times; everything else is still answered', async () => {
    const { key } = small;
    const open = (which: string) => EventReader.open(small.address, { key: which });
    const own = [await open(key), await open(key)];
    const refused = await small.request('/v1/events');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({
      code: 'too_much_under_way',
      detail: '2 connections of yours listen to events; allowed: 2',
    });
    for (const name of ['b', 'c', 'd']) {
      const theirs = await small.newKey(`${name}@example.com`);
      own.push(await open(theirs), await open(theirs));
    }
    const last = await small.request('/v1/events', { key: await small.newKey('e@example.com') });
    expect(await last.json()).toMatchObject({ code: 'unavailable' });
    expect((await small.request('/v1/jobs')).status).toBe(200);
    own[0]?.close();
    await eventually(async () => (await open(key)).status === 200, 30_000, 'a place is free again');
  });
});

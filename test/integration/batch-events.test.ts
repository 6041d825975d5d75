import { describe, expect, it } from 'vitest';
import { batchEventSchema } from '../../src/domain/batch-event.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { endItems, makeBatch } from '../support/batches.ts';
import { endJob, insertJobs } from '../support/ended-jobs.ts';
import { EventReader } from '../support/event-reader.ts';
import { reopenBatch } from '../support/reopen-batch.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { address, sql, request, base } = service;

/** A user of the test's own. `jobs` of who listens has the ids of batches, too. */
async function welcome() {
  const { key, userId } = await createUnlimitedKey(base.db, `${crypto.randomUUID()}@example.com`);
  return {
    key,
    userId,
    batch: (items: number) => makeBatch(sql, { userId, items }),
    /** a batch of one item that has ended */
    ended: async () => {
      const { id, jobs } = await makeBatch(sql, { userId, items: 1 });
      await endItems(sql, jobs);
      return { id, jobs };
    },
    listen: async (query = '', lastEventId?: string) => {
      const reader = await EventReader.open(address, { key, query, lastEventId });
      await reader.until(({ text }) => text.includes('retry:') || reader.isEnded, 'the stream begins');
      return reader;
    },
  };
}
/** Ends a job: what may come has come before it. @returns its id */
const last = async (userId: string) => {
  const [id = ''] = await insertJobs(sql, userId, 1);
  await endJob(sql, id);
  return id;
};

describe('the end of a batch', () => {
  it('comes after those of its items, as its webhook has it', async () => {
    const { listen, batch } = await welcome();
    const reader = await listen();
    const { id, jobs } = await batch(5);
    await endItems(sql, jobs.slice(0, 2), 'failed');
    await endItems(sql, jobs.slice(2));
    await reader.until(({ jobs: seen }) => seen.includes(id), 'its end');
    expect(reader.jobs).toEqual([...jobs, id]);
    const event = reader.events.at(-1);
    expect(batchEventSchema.parse(event?.data)).toEqual(event?.data);
    expect(event).toMatchObject({
      type: 'batch.completed',
      id: `${Date.parse(event?.data.timestamp ?? '')}-${id}`,
      data: { data: { status: 'completed', items: { total: 5, completed: 3, failed: 2 } } },
    });
  });

  it('can be asked for alone: by its type, or by its id, and then it is sent first if it has happened', async () => {
    const { listen, batch, ended, userId } = await welcome();
    const before = await ended();
    const [byType, byId, both] = [
      await listen('?types=batch.completed'),
      await listen(`?batch=${before.id}`),
      await batch(1).then(async ({ id, jobs }) => ({ id, jobs, reader: await listen(`?batch=${id}&job=${before.jobs[0]}`) })),
    ]; // prettier-ignore
    await endItems(sql, both.jobs);
    const other = await ended();
    await byType.until(({ jobs }) => jobs.includes(other.id), 'the last batch');
    expect(byType.jobs).toEqual([both.id, other.id]);
    await both.reader.until(({ jobs }) => jobs.includes(both.id), 'its end');
    expect(both.reader.jobs).toEqual([before.jobs[0], both.id]);
    expect(byId.jobs).toEqual([before.id]);
    const open = await batch(1);
    const ofOpen = await listen(`?batch=${open.id}`);
    await endItems(sql, open.jobs);
    await last(userId);
    await ofOpen.until(({ jobs }) => jobs.length > 0, 'its end');
    expect(ofOpen.jobs).toEqual([open.id]);
  });

  it('is sent to its owner only, when it has happened, whatever a notification says', async () => {
    const [ann, bob] = [await welcome(), await welcome()];
    const [readerOfAnn, readerOfBob] = [await ann.listen(), await bob.listen()];
    const [open, done] = [await ann.batch(2), await ann.ended()];
    const notify = (payload: object | string) =>
      sql`select pg_notify('pdfprompt_jobs', ${typeof payload === 'string' ? payload : JSON.stringify(payload)})`;
    for (const user of [ann.userId, bob.userId])
      for (const { id, jobs } of [open, done]) {
        await notify({ batch: id, user, status: 'completed' });
        await notify({ id, user, status: 'completed' }); // as if it were a job
        await notify({ batch: jobs[0], user, status: 'completed' }); // as if the job were a batch
      }
    for (const payload of ['{"batch":1}', `{"batch":"${open.id}'","user":"${ann.userId}"}`, `{"batch":["${open.id}"],"user":"${ann.userId}"}`])
      await notify(payload); // prettier-ignore
    const ends = [await last(ann.userId), await last(bob.userId)] as const;
    await readerOfAnn.until(({ jobs }) => jobs.includes(ends[0]), 'the last event');
    await readerOfBob.until(({ jobs }) => jobs.includes(ends[1]), 'the last event');
    expect(readerOfAnn.jobs).toEqual([...done.jobs, done.id, ends[0]]);
    expect(readerOfBob.jobs).toEqual([ends[1]]);
    for (const id of [done.id, crypto.randomUUID()])
      expect((await request(`/v1/events?batch=${id}`, { key: bob.key })).status).toBe(404);
  });

  it('comes again, with another id, when a batch was opened again and has ended once more', async () => {
    const { listen, ended } = await welcome();
    const reader = await listen('?types=batch.completed');
    const { id, jobs } = await ended();
    await reader.until(({ events }) => events.length === 1, 'the first end');
    const resumeFrom = reader.lastEventId;
    const again = await reopenBatch(sql, id, jobs[0] ?? '');
    const meanwhile = await listen(`?batch=${id}`);
    await endItems(sql, [again], 'failed');
    for (const each of [reader, await listen(`?types=batch.completed`, resumeFrom), meanwhile]) {
      await each.until(({ events }) => events.at(-1)?.data.data.status === 'failed', 'the second end');
      expect(each.events).toHaveLength(each === reader ? 2 : 1);
      expect(each.lastEventId).not.toBe(resumeFrom);
    }
  });

  it('is not missed while the connection for notifications is lost', async () => {
    const { listen, batch } = await welcome();
    const reader = await listen();
    const expected: string[] = [];
    for (let count = 0; count < 4; count++) {
      const { id, jobs } = await batch(2);
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'pdfprompt test notifier' and datname = current_database()`;
      await endItems(sql, jobs);
      await reader.until(({ jobs: seen }) => seen.includes(id), `its end, the ${count}th`);
      expected.push(...jobs, id);
    }
    expect(reader.jobs).toEqual(expected);
  });
});

describe('a client that connects again', () => {
  it('goes on after any event of jobs and batches, in the order of their ends: each once', async () => {
    const user = await welcome();
    const random = seededRandom(4);
    // Watched, so that nothing of it is noticed later by those who connect again.
    const live = await user.listen();
    const ends: string[] = [];
    const batches = new Set<string>();
    while (ends.length < 130) {
      if (random() < 0.5) ends.push(...(await insertJobs(sql, user.userId, 1)));
      else {
        const { id, jobs } = await user.batch(1);
        ends.push(...jobs, id);
        batches.add(id);
      }
    }
    await endItems(
      sql,
      ends.filter((id) => !batches.has(id)),
    );
    await live.until(({ jobs }) => ends.every((id) => jobs.includes(id)), 'everything');
    // As if two minutes had passed between any two of them: more than what is read again on purpose.
    const at = (index: number) => Date.UTC(2026, 0, 1) + index * 120_000;
    for (const [index, id] of ends.entries())
      await sql.unsafe(`update pdfprompt_${batches.has(id) ? 'batch' : 'job'} set completed_at = '${new Date(at(index)).toISOString()}' where id = '${id}'`); // prettier-ignore
    for (const index of [0, 1, 2, 49, 50, 51, ends.length - 2]) {
      const reader = await user.listen('', `${at(index)}-${ends[index]}`);
      await reader.until(({ jobs }) => jobs.includes(ends.at(-1) ?? ''), 'everything since');
      expect(reader.jobs).toEqual(ends.slice(index + 1));
      reader.close();
    }
    const all = await user.listen('?types=batch.completed', `${at(-1)}`);
    const expected = ends.filter((id) => batches.has(id));
    await all.until(({ jobs }) => jobs.length >= expected.length, 'all batches');
    expect(all.jobs).toEqual(expected);
  });
});

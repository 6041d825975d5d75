import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { isWaitingForLock } from '../support/lock-waits.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const { base, request, sql, newKey, underWay } = await startService();
const SMALL = '<p>x</p>';
const LARGE = `<p>${'x'.repeat(300_000)}`;
let count = 0;
const email = () => `tenant${count++}@example.com`;

async function submit(key: string, html: string, headers: Record<string, string> = {}) {
  const response = await request('/v1/jobs', { method: 'POST', key, headers, body: JSON.stringify({ html }) });
  return {
    status: response.status,
    body: (await response.json()) as { id: string; code?: string; queuePosition: number },
  };
}
const ofTenant = (name: string) =>
  sql<{ id: string; size: number; rank: number; hasKey: boolean; isLast: boolean }[]>`
    select j.id, length(p.content) as size, j.rank, j.idempotency_key is not null as "hasKey",
      l.recent[cardinality(l.recent)] = j.created_at as "isLast"
    from pdfprompt_job j join pdfprompt_part p on p.job_id = j.id join pdfprompt_user u on u.id = j.user_id join pdfprompt_lane l on l.user_id = u.id
    where u.email = ${name} order by j.rank, j.id`;

describe('a large document', () => {
  it('gets its place as a small one does: behind those before it, and whole', async () => {
    const name = email();
    const key = await newKey(name);
    const ids: string[] = [];
    for (const html of [SMALL, LARGE, LARGE, SMALL, LARGE]) {
      const { status, body } = await submit(key, html);
      expect([status, body.queuePosition]).toEqual([202, ids.length + 1]);
      ids.push(body.id);
    }
    const rows = await ofTenant(name);
    expect(rows.map(({ id }) => id)).toEqual(ids);
    expect(rows.map(({ size }) => size)).toEqual([SMALL, LARGE, LARGE, SMALL, LARGE].map(({ length }) => length));
    expect(rows.map(({ isLast }) => isLast)).toEqual([false, false, false, false, true]); // created when granted
    const [queued] = await sql<{ count: number }[]>`
      select count(*)::int as count from pgboss.job q join pdfprompt_job j on j.id = q.id and q.priority = -j.rank
      join pdfprompt_user u on u.id = j.user_id where u.email = ${name}`;
    expect(queued?.count).toBe(5);
  });

  it('is within the limits of its tier, exactly, however many come at once and of whatever size', async () => {
    for (const sizes of [[LARGE], [LARGE, SMALL]]) {
      const name = email();
      const { key } = await createKey(base.db, { email: name, tier: 'starter' });
      const all = Array.from({ length: 12 }, (_, index) => submit(key, sizes[index % sizes.length] ?? ''));
      const statuses = (await Promise.all(all)).map(({ status }) => status);
      const of = (status: number) => statuses.filter((each) => each === status).length;
      expect([of(202), of(429)]).toEqual([2, 10]);
      expect(await ofTenant(name)).toHaveLength(2);
    }
  });

  it('is one job for one Idempotency-Key, and another body is refused', async () => {
    for (const others of [[LARGE], [LARGE, SMALL]]) {
      const name = email();
      const key = await newKey(name);
      const headers = { 'Idempotency-Key': 'the-same' };
      const all = Array.from({ length: 12 }, (_, index) => submit(key, others[index % others.length] ?? '', headers));
      const answers = await Promise.all(all);
      const made = answers.filter(({ status }) => status === 202);
      expect(made).toHaveLength(1);
      const same = answers.filter(({ status }) => status === 200);
      expect(same.map(({ body }) => body.id)).toEqual(same.map(() => made[0]?.body.id));
      const refused = answers.filter(({ status }) => status === 422);
      expect([made.length + same.length, refused.length]).toEqual(others.length === 1 ? [12, 0] : [6, 6]);
      expect(await ofTenant(name)).toMatchObject([{ hasKey: true }]);
    }
  });

  it('is written before the fair-share row is locked, and seen by nobody before it has its place', async () => {
    const name = email();
    const key = await newKey(name);
    await submit(key, SMALL);
    const [owner] = await sql<{ id: string }[]>`select id from pdfprompt_user where email = ${name}`;
    const waitsFor = (event: string) => isWaitingForLock(sql, { event });

    // Nothing can be written to the parts: the fair-share row is free.
    let answer = Promise.resolve({ status: 0 });
    await sql.begin(async (tx) => {
      await tx`lock table pdfprompt_part in share mode`;
      answer = submit(key, LARGE);
      await eventually(() => waitsFor('relation'), 30_000, 'the document waits to be written');
      await tx`select 1 from pdfprompt_lane where user_id = ${owner?.id ?? ''} for update nowait`;
    });
    expect((await answer).status).toBe(202);

    // The fair-share row is locked: the document is written, and not there.
    await sql.begin(async (tx) => {
      await tx`select 1 from pdfprompt_lane where user_id = ${owner?.id ?? ''} for update`;
      answer = submit(key, LARGE);
      await eventually(() => waitsFor('transactionid'), 30_000, 'the document waits for its place');
      expect(await ofTenant(name)).toHaveLength(2);
      const list = (await (await request('/v1/jobs', { key })).json()) as { data: object[] };
      expect(list.data).toHaveLength(2);
    });
    expect((await answer).status).toBe(202);
    expect(await ofTenant(name)).toHaveLength(3);
    await eventually(() => underWay.isIdle, 10_000, 'nothing is under way');
  });

  it('that would be refused is not written', async () => {
    const name = email();
    const { key } = await createKey(base.db, { email: name, tier: 'starter' });
    await submit(key, LARGE);
    await submit(key, LARGE);
    const written = async () => {
      const [row] = await sql<{ count: number }[]>`
        select pg_total_relation_size(reltoastrelid)::int as count from pg_class where relname = 'pdfprompt_part'`;
      return row?.count ?? 0;
    };
    const before = await written();
    const again = Array.from({ length: 30 }, (_, index) =>
      submit(key, LARGE, index % 2 === 0 ? {} : { 'Idempotency-Key': `key-${index}` }),
    );
    for (const { status } of await Promise.all(again)) expect(status).toBe(429);
    expect((await written()) - before).toBeLessThan(2 * LARGE.length);
  });
});

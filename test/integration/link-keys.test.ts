import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/pools.ts';
import { connect } from '../../src/db/driver.ts';
import { TENANT_ROLE } from '../../src/db/tenant.ts';
import { LinkKeys } from '../../src/links/link-keys.ts';
import { keyIdOf } from '../../src/links/link-token.ts';
import { rotateLinkKeys } from '../../src/links/rotate-link-keys.ts';
import { Maintenance } from '../../src/worker/maintenance.ts';
import { undoLater } from '../support/clean-up.ts';
import { openCompletedJobs } from '../support/completed-jobs.ts';
import { eventually } from '../support/processes.ts';
import { startService, type TestService } from '../support/service.ts';

const service = await startService();
const { sql } = service;
const { db } = service.base;
const other = await startService({ database: service });
/** By the first key. */
let oldest = '';
const job = await (await openCompletedJobs(service))(['a PDF']);

const linkAt = async ({ request }: TestService) => {
  const response = await request(`/v1/jobs/${job}/link`, { method: 'POST', key: service.key });
  expect(response.status).toBe(201);
  return ((await response.json()) as { url: string }).url.split('/').at(-1) ?? '';
};
const opened = async (token: string, { address }: TestService) => (await fetch(`${address}/v1/links/${token}`)).status;
const ids = async () =>
  (await sql<{ id: number }[]>`select id from pdfprompt_link_key order by id`).map(({ id }) => id);
const age = (days: number, id: number) =>
  sql`update pdfprompt_link_key set created_at = created_at - ${days} * interval '1 day' where id <= ${id}`;

/** A database that counts what it is asked, and can be out of reach. */
function counted() {
  const state = { reads: 0, isDown: false };
  const asked = new Proxy(db, {
    get: (target, name, receiver) => {
      if (name !== 'execute') return Reflect.get(target, name, receiver) as unknown;
      return async (statement: Parameters<Database['execute']>[0]) => {
        state.reads++;
        if (state.isDown) throw Object.assign(new Error('out of reach'), { code: 'ECONNREFUSED' });
        return db.execute(statement);
      };
    },
  });
  return { keys: new LinkKeys(asked), state };
}

describe('the keys of links', () => {
  it('are none until a link is made; then processes that begin at once make one', async () => {
    expect(await rotateLinkKeys(db)).toEqual({ made: 0, deleted: 0 });
    expect(await ids()).toEqual([]);
    const links = await Promise.all(Array.from({ length: 20 }, (_, turn) => linkAt(turn % 2 ? service : other)));
    expect(await ids()).toHaveLength(1);
    const statuses = await Promise.all(links.flatMap((link) => [opened(link, service), opened(link, other)]));
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it('change after 30 days: links of either open everywhere at once', async () => {
    const old = (oldest = await linkAt(service));
    const [first = 0] = await ids();
    await age(29, first);
    expect(await rotateLinkKeys(db)).toEqual({ made: 0, deleted: 0 });
    await age(1, first);
    const rotated = await Promise.all(Array.from({ length: 5 }, () => rotateLinkKeys(db)));
    expect(rotated.reduce((sum, { made }) => sum + made, 0)).toBe(1);
    const third = await startService({ database: service });
    const fresh = await linkAt(third);
    expect([keyIdOf(old), keyIdOf(fresh)]).toEqual(await ids());
    for (const each of [service, other, third])
      expect([await opened(fresh, each), await opened(old, each)]).toEqual([200, 200]);
    // A link that the old key signs meanwhile is as good.
    expect(await opened(await linkAt(service), third)).toBe(200);
  });

  it('are deleted when no link of theirs can be valid, by the maintenance of a worker', async () => {
    const [first = 0, second = 0] = await ids();
    await age(7, second);
    const maintenance = () => new Maintenance({ ...service.base, retentionMs: 3_600_000 });
    const runs = [maintenance(), maintenance()];
    for (const each of runs) await each.start();
    expect(await ids()).toEqual([first, second]);
    for (const each of runs) await each.stop();
    await age(1, second);
    const last = maintenance();
    await last.start();
    await eventually(async () => (await ids()).length === 1, 20_000, 'the old one is gone');
    await last.stop();
    expect(await ids()).toEqual([second]);
    expect(service.lines.filter((line) => line.includes('"link_keys.rotated"')).join()).toContain('"deleted":1');
    const fourth = await startService({ database: service });
    expect(await opened(await linkAt(fourth), fourth)).toBe(200);
    expect([keyIdOf(oldest), await opened(oldest, fourth)]).toEqual([first, 404]);
  });

  it('are read once a second at most, however many invented ones are asked for', async () => {
    const { keys, state } = counted();
    const { id } = await keys.newest();
    expect(state.reads).toBe(1);
    for (let turn = 0; turn < 1_000; turn++) expect(await keys.find(turn % id)).toBeUndefined();
    expect(state.reads).toBe(1);
    const asked = await Promise.allSettled(Array.from({ length: 1_000 }, (_, turn) => keys.find(id + 1 + turn)));
    expect(state.reads).toBeLessThanOrEqual(3);
    const known = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(known).toEqual(Array(100).fill(undefined));
    for (const each of asked.slice(100)) expect(each).toMatchObject({ reason: { code: 'unavailable' } });
    expect(await keys.find(id)).toMatchObject({ id });
  });

  it('answer for the known while the database is out of reach, and know of a new one the moment after', async () => {
    const { keys, state } = counted();
    const { id } = await keys.newest();
    state.isDown = true;
    await expect(keys.find(id + 1)).rejects.toThrow('out of reach');
    expect(await keys.find(id)).toMatchObject({ id });
    state.isDown = false;
    await age(30, id);
    const flood = Array.from({ length: 50 }, () => keys.find(id + 1)); // a read is under way
    await rotateLinkKeys(db);
    const [newest = 0] = (await ids()).slice(-1);
    expect(await keys.find(newest)).toMatchObject({ id: newest });
    await Promise.all(flood);
  });

  it('cannot be read by the role that reads for tenants', async () => {
    const client = connect(service.url, { max: 1, connection: { role: TENANT_ROLE } });
    undoLater(() => client.end());
    await expect(client`select 1 from pdfprompt_link_key`).rejects.toMatchObject({ code: '42501' });
  });
});

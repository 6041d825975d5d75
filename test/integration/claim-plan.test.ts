import { randomUUID } from 'node:crypto';
import { sql as query } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { openPool } from '../../src/db/pools.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { JobQueue } from '../../src/queue/boss.ts';
import { principalOf } from '../support/accounts.ts';
import { makeBatch } from '../support/batches.ts';
import { undoLater } from '../support/clean-up.ts';
import { startService } from '../support/service.ts';
import { silentEvents } from '../support/silent-events.ts';

const WAITING = 10_000;
/** After so many Postgres may keep the plan of a prepared statement. */
const CLAIMS = 12;

const service = await startService();
const { sql, url } = service;
const { userId } = await principalOf(service.base.db, service.key);
const [{ table } = { table: '' }] = await sql<{ table: string }[]>`
  select table_name as table from pgboss.queue where name = 'pdf'`;

it.each([1, 5])(
  'a claim of %i reads the rows that it takes, though its connection is from when nobody waited',
  async (count) => {
    const workerId = randomUUID();
    await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
    const timeouts = { idleTimeoutMs: 60_000, connectTimeoutMs: 5_000 };
    const pool = openPool({ url, max: 1, applicationName: 'claim-plan test', prepare: true, ...timeouts });
    const { db } = pool;
    undoLater(() => pool.close());
    const queue = new JobQueue({ db, supervise: false, onError: () => undefined });
    const claim = () => claimJobs({ db, queue, events: silentEvents() }, { workerId, count });
    const rowsRead = async () => {
      await db.execute(query`select pg_stat_force_next_flush()`); // of this connection, which is the only one
      const [row] = await sql<{ rows: number }[]>`
      select (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::integer as rows
      from pg_stat_user_tables where relname = ${table}`;
      return row?.rows ?? 0;
    };
    await sql`delete from pgboss.job`;
    await sql.unsafe('vacuum analyze');
    for (let time = 0; time < CLAIMS; time++) expect(await claim()).toEqual([]);
    await makeBatch(sql, { userId, items: WAITING });
    const before = await rowsRead();
    expect(await claim()).toHaveLength(count);
    expect((await rowsRead()) - before).toBeLessThanOrEqual(3 * count);
  },
);

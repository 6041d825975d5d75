import { afterEach } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from './accounts.ts';
import { type Cli, pdfprompt } from './cli.ts';
import { createDatabase, openTestPool, type TestDatabase } from './database.ts';

export interface Fleet extends TestDatabase {
  /** of the one API process */
  address: string;
  headers: Record<string, string>;
  /** a real `pdfprompt work`; it is gone, with every job, when the test is over */
  worker: (concurrency?: number, env?: Record<string, string>) => Promise<Cli>;
  /** @returns the ids */
  submit: (count: number, body: object) => Promise<string[]>;
  /** whether all of them have this status */
  all: (ids: string[], status: Job['status']) => () => Promise<boolean>;
  /** how many of them the process renders */
  runningAt: (pid: number, ids: string[]) => Promise<number>;
  /** of each job: what became of its attempts, in order */
  outcomes: (ids: string[]) => Promise<string[]>;
}

/** One API, and workers that come and go. @param env of every process */
export async function startFleet(env: Record<string, string> = {}): Promise<Fleet> {
  const { url, sql } = await createDatabase();
  const settings = { DATABASE_URL: url, LOG_LEVEL: 'warn', ...env };
  const pool = openTestPool(url);
  const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
  await pool.close();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const api = pdfprompt(['serve', '--port', '0'], { env: settings });
  const [, address = ''] = await api.until(/serves at (http:\S+)/);

  let workers: Cli[] = [];
  // What one test leaves behind would take the jobs of the next.
  afterEach(async () => {
    for (const { child } of workers) child.kill('SIGKILL');
    for (const { exited } of workers) await exited;
    workers = [];
    await sql`delete from pdfprompt_job`;
    await sql`delete from pgboss.job`;
  });

  return {
    url,
    sql,
    address,
    headers,
    worker: async (concurrency = 4, own = {}) => {
      const cli = pdfprompt(['work', '--concurrency', String(concurrency)], { env: { ...settings, ...own } });
      workers.push(cli);
      await cli.until(/pdfprompt works/);
      return cli;
    },
    submit: (count, body) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const response = await fetch(`${address}/v1/jobs`, { method: 'POST', headers, body: JSON.stringify(body) });
          return ((await response.json()) as Job).id;
        }),
      ),
    all: (ids, status) => async () => {
      const rows = await sql`select 1 from pdfprompt_job where id in ${sql(ids)} and status = ${status}`;
      return rows.length === ids.length;
    },
    runningAt: async (pid, ids) => {
      const rows = await sql`
        select 1 from pdfprompt_job j join pdfprompt_worker w on w.id = j.worker_id
        where j.status = 'processing' and w.pid = ${pid} and j.id in ${sql(ids)}`;
      return rows.length;
    },
    outcomes: async (ids) => {
      const rows = await sql<{ outcomes: string }[]>`
        select string_agg(outcome, ' ' order by run) as outcomes from pdfprompt_job_attempt
        where job_id in ${sql(ids)} group by job_id`;
      return rows.map((row) => row.outcomes);
    },
  };
}

import { sql } from 'drizzle-orm';
import { type Database, openPool } from '../../src/db/pools.ts';
import { readJobFilter } from '../../src/domain/job-filter.ts';
import { searchJobs } from '../../src/jobs/search-jobs.ts';
import { listJobs } from '../../src/jobs/read.ts';
import { TENANT_ROLE } from '../../src/db/tenant.ts';
import { connect } from '../../src/db/driver.ts';
import { HEAVY_USERS, seedMillion } from '../support/million.ts';
import { QUICK_SETTINGS } from '../support/measure-queries.ts';
import { OwnPostgres } from '../support/postgres.ts';
import type { BenchOptions } from './options.ts';
import type { Result, Stage } from './stage.ts';

const JOBS = 10_000_000;
const USERS = 100_000;
/** Pages of each list. */
const TURNS = 8;

/** Of the median page of each filter. */
const TARGET_MS = 50;

/** Every filter of the lists of jobs, alone and in combinations, with ten million jobs: milliseconds in the database for a page, and buffers. */
export async function search(_: Stage, { rows: jobs = JOBS }: BenchOptions): Promise<Result> {
  const settings = [...QUICK_SETTINGS, 'shared_buffers=2GB', 'max_parallel_maintenance_workers=2'];
  const postgres = await OwnPostgres.open(settings.map((each) => `-c ${each}`).join(' '));
  const since = performance.now();
  let ms = 0;
  const open = (role?: string) =>
    openPool({
      url: postgres.url,
      max: 1,
      applicationName: 'search',
      idleTimeoutMs: 60_000,
      connectTimeoutMs: 5_000,
      prepare: true,
      role,
      onStatement: (seconds) => (ms += seconds * 1000),
    });
  const everybody = open();
  const tenant = open(TENANT_ROLE);
  const chores = connect(postgres.url, { max: 1, onnotice: () => undefined });
  try {
    await seedMillion(postgres.url, { jobs, users: USERS, isOfJobsOnly: true });
    const seeding = Math.round((performance.now() - since) / 1000);
    await chores.unsafe('vacuum (analyze) pdfprompt_job, pdfprompt_job_term, pdfprompt_user');
    const users = await chores<{ id: string }[]>`select id from pdfprompt_user order by id limit ${HEAVY_USERS}`;
    const ids = await chores<{ id: string; day: Date }[]>`
      select id, created_at as day from pdfprompt_job where created_at < now() order by id desc offset 20000 limit ${TURNS}`;
    const [heavy = { id: '' }] = users;
    const size = await chores<{ table: string; size: string }[]>`
      select relname as table, pg_size_pretty(pg_total_relation_size(oid)) as size from pg_class
      where relname in ('pdfprompt_job', 'pdfprompt_job_term')`;
    const measured: [string, string][] = [];
    const slow: string[] = [];
    const measure = async (
      name: string,
      db: Database,
      page: (turn: number, cursor?: string) => Promise<{ jobs: number; next: string | null }>,
    ) => {
      const pages: { ms: number; buffers: number }[] = [];
      let listed = 0;
      let cursor: string | undefined;
      for (let turn = 0; turn < TURNS; turn++) {
        const before = await buffersOf(db);
        ms = 0;
        const { jobs: count, next } = await page(turn, cursor);
        const spent = ms;
        pages.push({ ms: spent, buffers: (await buffersOf(db)) - before });
        listed += count;
        cursor = turn % 3 === 2 ? undefined : (next ?? undefined);
      }
      const [first = { ms: 0, buffers: 0 }, ...others] = pages;
      const time = spread(others.map((each) => each.ms));
      const buffers = spread(others.map((each) => each.buffers));
      if (time.median > TARGET_MS) slow.push(name);
      measured.push([
        name,
        `${time.median.toFixed(1)} / ${time.most.toFixed(1)} ms, ${buffers.median} / ${buffers.most} buffers, ${
          time.median > TARGET_MS ? 'TOO SLOW' : time.most > TARGET_MS ? 'the median is within' : 'within'
        } ${TARGET_MS} ms; the first ${first.ms.toFixed(1)} ms, ${first.buffers}; ${listed} jobs on ${TURNS} pages`,
      ]);
    };
    for (const [name, fields] of filtersOf(jobs, heavy.id, ids))
      await measure(`everybody's: ${name}`, everybody.db, async (turn, cursor) => {
        const { jobs: found, next } = await searchJobs(everybody.db, {
          filter: readJobFilter(fields(turn)),
          limit: 50,
          cursor,
        });
        return { jobs: found.length, next };
      });
    for (const [name, fields] of filtersOf(jobs, undefined, ids))
      await measure(`a tenant's: ${name}`, tenant.db, async (turn, cursor) => {
        const { user: _user, email: _email, tier: _tier, ...filter } = readJobFilter(fields(turn));
        const { data, nextCursor } = await listJobs(tenant.db, { userId: heavy.id, filter, limit: 50, cursor });
        return { jobs: data.length, next: nextCursor };
      });
    return {
      ...Object.fromEntries(measured),
      ...Object.fromEntries(size.map((row) => [`size of ${row.table}`, row.size])),
      'seconds to fill it': seeding,
      [`medians over ${TARGET_MS} ms`]: slow.length === 0 ? 'none' : slow.join(', '),
    };
  } finally {
    await Promise.all([everybody.close(), tenant.close(), chores.end()]);
    await postgres.close();
  }
}

/** Buffers that the connection has looked at so far, in memory or not: as plans count them, and what it takes to make these. */
async function buffersOf(db: Database): Promise<number> {
  await db.execute(sql`select pg_stat_force_next_flush()`); // when the statement has ended
  const [row] = await db.execute<{ buffers: number }>(sql`
    select sum(hits + reads)::integer as buffers from pg_stat_get_backend_io(pg_backend_pid()) where object = 'relation'`);
  return row?.buffers ?? 0;
}

function spread(values: readonly number[]): { median: number; most: number } {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, most: sorted.at(-1) ?? 0 };
}

type Fields = (turn: number) => Record<string, string>;

function filtersOf(
  jobs: number,
  user: string | undefined,
  ids: readonly { id: string; day: Date }[],
): [string, Fields][] {
  const order = (turn: number) => `A-${Math.floor(jobs / 2) + turn * 1_000}`;
  const idAt = (turn: number) => ids[turn % ids.length]?.id ?? '';
  const lastWeek = new Date(Date.now() - 7 * 86_400_000).toISOString();
  const all: [string, Fields][] = [
    ['no filter', () => ({})],
    ...['queued', 'completed', 'failed', 'cancelled', 'processing', 'scheduled'].map((status): [string, Fields] => [
      `status ${status}`,
      () => ({ status }),
    ]),
    ['id', (turn) => ({ id: idAt(turn) })],
    ['beginning of an id', (turn) => ({ id: idAt(turn).slice(0, 11) })],
    ['filename of a quarter of the jobs', () => ({ filename: 'invoice' })],
    ['filename of one job', (turn) => ({ filename: `report-${Math.floor(jobs / 8) * 4 + 1 + turn * 4}` })],
    ['beginnings of many filenames', () => ({ filename: 'report-' })],
    ['order number', (turn) => ({ 'metadata.order': order(turn) })],
    ['beginning of an order number', (turn) => ({ 'metadata.order': `${order(turn).slice(0, -2)}*` })],
    ['beginning of all order numbers', () => ({ 'metadata.order': 'A-*' })],
    ['country of a third of the jobs', () => ({ 'metadata.country': 'DE' })],
    ['country of few', () => ({ 'metadata.country': 'IS' })],
    ['country and order number', (turn) => ({ 'metadata.country': 'DE', 'metadata.order': order(turn) })],
    ['country and beginning of all order numbers', () => ({ 'metadata.country': 'IS', 'metadata.order': 'A-*' })],
    ['error', () => ({ error: 'render_timeout' })],
    ['error that no job has', () => ({ error: 'poison' })],
    ['error and country', () => ({ error: 'render_timeout', 'metadata.country': 'DE' })],
    ['template', () => ({ template: 'invoice' })],
    ['version of a template', () => ({ template: 'invoice@3' })],
    ['template and error', () => ({ template: 'invoice', error: 'render_timeout' })],
    ['failed of the last week', () => ({ status: 'failed', after: lastWeek })],
    ['before the last week', () => ({ before: lastWeek })],
    [
      'completed before the last week of a template',
      () => ({ status: 'completed', before: lastWeek, template: 'letter' }),
    ],
    ['failed and not retried', () => ({ status: 'failed', retried: 'false' })],
    ['retried', () => ({ retried: 'true' })],
    ['batch that there is not', (turn) => ({ batch: idAt(turn) })],
  ];
  if (user === undefined) return all;
  return [
    ...all,
    ['user', () => ({ user })],
    ['user and completed', () => ({ user, status: 'completed' })],
    ['user and country', () => ({ user, 'metadata.country': 'IS' })],
    ['email', () => ({ email: 'user1@example.com' })],
    ['beginning of an email', () => ({ email: 'user123' })],
    ['beginning of many emails', () => ({ email: 'user1' })],
    ['beginning of an email and failed', () => ({ email: 'user77', status: 'failed' })],
    ['beginning of an email and country', () => ({ email: 'user123', 'metadata.country': 'DE' })],
    ['tier of a hundredth', () => ({ tier: 'enterprise' })],
    ['tier that no job has', () => ({ tier: 'gone' })],
    ['tier and error', () => ({ tier: 'enterprise', error: 'render_timeout' })],
  ];
}

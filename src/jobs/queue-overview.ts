import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import type { BatchFigures } from '../domain/batch-figures.ts';
import { type Priority, priorityName } from '../domain/priority.ts';
import { countBatches } from './count-batches.ts';
import { listPauses, type Pause } from './pauses.ts';

/** The queued jobs of one priority and tier, without the items of batches. */
interface QueuedGroup {
  priority: Priority;
  /** the users' tier when the jobs were accepted; empty: not recorded */
  tier: string;
  /** jobs; {@link MOST_COUNTED} stands for any larger number */
  depth: number;
  /** since the oldest was accepted */
  oldestSeconds: number;
}

interface LiveWorker {
  id: string;
  host: string;
  pid: number;
  startedAt: Date;
  /** since its last heartbeat; there is one every 2 seconds */
  silentSeconds: number;
  slots: number;
  /** of pdfprompt; null: an older one did not say */
  version: string | null;
  /** slots with a job; for a moment it may be more than there are */
  busy: number;
}

export interface QueueOverview {
  /** the highest priority first */
  groups: QueuedGroup[];
  batches: BatchFigures;
  /** jobs whose time is yet to come; {@link MOST_COUNTED} stands for any larger number */
  scheduled: number;
  /** whose jobs are not printed */
  pauses: Pause[];
  /** jobs that are paused, items too; {@link MOST_COUNTED} stands for any larger number */
  paused: number;
  /** workers that have not ended, longest running first */
  workers: LiveWorker[];
  /** workers marked lost in the last 24 hours */
  lostWorkers: number;
}

/** Jobs of a priority and tier that are counted at most. */
export const MOST_COUNTED = 100_000;
/** The number of jobs whose time is yet to come, for a query. */
export const COUNT_SCHEDULED = sql.raw(`(
  select count(*)::integer from (
    select 1 from pdfprompt_job where status = 'scheduled' limit ${MOST_COUNTED}) as counted)`);
/** The number of jobs that are paused and have no place in the queue, and of those that are items, for a query. */
export const COUNT_PAUSED = sql.raw(`(
  select count(*)::integer as paused, count(batch_row)::integer as items_paused from (
    select batch_row from pdfprompt_job where is_queued and paused_at is not null limit ${MOST_COUNTED}) as counted)`);
const MAX_GROUPS = 200;
const MAX_WORKERS = 200;

/** The queue and the workers, over all tenants. */
export async function readQueueOverview(db: Queryable): Promise<QueueOverview> {
  const [groups, batches, workers, pauses, [row]] = await Promise.all([
    readGroups(db),
    countBatches(db),
    readWorkers(db),
    listPauses(db),
    db.execute<{ lost: number; scheduled: number; paused: number }>(sql`
      select lost.*, ${COUNT_SCHEDULED} as scheduled, counted.paused from (
        select count(*)::integer as lost from pdfprompt_worker where is_lost and ended_at > now() - interval '1 day'
      ) as lost, ${COUNT_PAUSED} as counted`),
  ]);
  const { scheduled = 0, paused = 0, lost = 0 } = row ?? {};
  return { groups, batches, scheduled, pauses, paused, workers, lostWorkers: lost };
}

/** Steps from one group to the next by the index, instead of reading all queued jobs; then counts each group. */
export async function readGroups(db: Queryable): Promise<QueuedGroup[]> {
  const rows = await db.execute<{ priority: number; tier: string; depth: number; seconds: number }>(sql`
    with recursive seen as (
      (select priority, tier, created_at from pdfprompt_job where is_queued and batch_row is null and paused_at is null order by priority, tier, created_at limit 1)
      union all
      select next.* from seen, lateral (
        select j.priority, j.tier, j.created_at from pdfprompt_job j
        where j.is_queued and j.batch_row is null and j.paused_at is null and (j.priority, j.tier) > (seen.priority, seen.tier)
        order by j.priority, j.tier, j.created_at limit 1
      ) as next
    )
    select s.priority, s.tier, extract(epoch from now() - s.created_at)::double precision as seconds, (
      select count(*)::integer from (
        select 1 from pdfprompt_job j where j.is_queued and j.batch_row is null and j.paused_at is null and j.priority = s.priority and j.tier = s.tier limit ${MOST_COUNTED}
      ) as counted) as depth
    from (select * from seen limit ${MAX_GROUPS}) as s order by s.priority desc, s.tier`);
  return rows.map(({ priority, tier, depth, seconds }) => ({
    priority: priorityName(priority),
    tier,
    depth,
    oldestSeconds: Math.max(0, seconds),
  }));
}

async function readWorkers(db: Queryable): Promise<LiveWorker[]> {
  const rows = await db.execute<Omit<LiveWorker, 'startedAt'> & { startedAt: string }>(sql`
    select w.id, w.host, w.pid, w.version, w.started_at as "startedAt", w.concurrency as slots,
      greatest(0, extract(epoch from now() - w.seen_at))::double precision as "silentSeconds", (
        select count(*)::integer from pdfprompt_job j where j.worker_id = w.id and j.status = 'processing') as busy
    from pdfprompt_worker w where w.ended_at is null order by w.started_at limit ${MAX_WORKERS}`);
  return rows.map((row) => ({ ...row, startedAt: new Date(row.startedAt) }));
}

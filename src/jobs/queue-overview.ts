import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { type Priority, priorityName } from '../domain/priority.ts';

/** Jobs that wait, of one priority and tier. */
interface QueuedGroup {
  priority: Priority;
  /** that their users were on when they were accepted; empty: not written down */
  tier: string;
  /** from {@link MOST_COUNTED} on: at least as many */
  depth: number;
  /** since the oldest was accepted */
  oldestSeconds: number;
}

interface LiveWorker {
  id: string;
  host: string;
  pid: number;
  startedAt: Date;
  /** since its last sign of life, which comes every other second */
  silentSeconds: number;
  slots: number;
  /** slots with a job; may be more than there are for a moment */
  busy: number;
}

export interface QueueOverview {
  /** the most urgent first */
  groups: QueuedGroup[];
  /** those that have not ended, longest running first */
  workers: LiveWorker[];
  /** workers taken for dead in the last 24 hours */
  lostWorkers: number;
}

/** Of each priority and tier: a longer queue is not counted to its end. */
export const MOST_COUNTED = 100_000;
const MOST_GROUPS = 200;
const MOST_WORKERS = 200;

/** What waits and who is at work, over all tenants. */
export async function readQueueOverview(db: Queryable): Promise<QueueOverview> {
  const [groups, workers] = await Promise.all([readGroups(db), readWorkers(db)]);
  return { groups, workers: workers.living, lostWorkers: workers.lost };
}

/**
 * From one group to the next by the index, not through all that are queued; then each is counted. Beginning
 * before the first by the smallest number there is.
 */
async function readGroups(db: Queryable): Promise<QueuedGroup[]> {
  const rows = await db.execute<{ priority: number; tier: string; depth: number; oldest_seconds: number }>(sql`
    with recursive seen as (
      (select priority, tier, created_at from pdfprompt_job where is_queued order by priority, tier, created_at limit 1)
      union all
      select next.* from seen, lateral (
        select j.priority, j.tier, j.created_at from pdfprompt_job j
        where j.is_queued and (j.priority, j.tier) > (seen.priority, seen.tier)
        order by j.priority, j.tier, j.created_at limit 1
      ) as next
    )
    select s.priority, s.tier, extract(epoch from now() - s.created_at)::double precision as oldest_seconds, (
      select count(*)::integer from (
        select 1 from pdfprompt_job j where j.is_queued and j.priority = s.priority and j.tier = s.tier limit ${MOST_COUNTED}
      ) as counted) as depth
    from (select * from seen limit ${MOST_GROUPS}) as s order by s.priority desc, s.tier`);
  return rows.map(({ priority, tier, depth, oldest_seconds: oldestSeconds }) => ({
    priority: priorityName(priority),
    tier,
    depth,
    oldestSeconds: Math.max(0, oldestSeconds),
  }));
}

async function readWorkers(db: Queryable): Promise<{ living: LiveWorker[]; lost: number }> {
  type Row = {
    id: string;
    host: string;
    pid: number;
    started_at: string;
    silent_seconds: number;
    slots: number;
    busy: number;
  };
  const rows = await db.execute<Row>(sql`
    select w.id, w.host, w.pid, w.started_at, w.concurrency as slots,
      extract(epoch from now() - w.seen_at)::double precision as silent_seconds, (
        select count(*)::integer from pdfprompt_job j where j.worker_id = w.id and j.status = 'processing') as busy
    from pdfprompt_worker w where w.ended_at is null order by w.started_at limit ${MOST_WORKERS}`);
  const [lost] = await db.execute<{ count: number }>(sql`
    select count(*)::integer as count from pdfprompt_worker where is_lost and ended_at > now() - interval '1 day'`);
  const living = rows.map(({ started_at, silent_seconds, ...row }) => ({
    ...row,
    startedAt: new Date(started_at),
    silentSeconds: Math.max(0, silent_seconds),
  }));
  return { living, lost: lost?.count ?? 0 };
}

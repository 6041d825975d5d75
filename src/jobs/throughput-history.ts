import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';

/** How far back, and seconds of each bucket. */
const RANGES = {
  '1h': { seconds: 3_600, bucketSeconds: 60 },
  '6h': { seconds: 6 * 3_600, bucketSeconds: 300 },
  '24h': { seconds: 24 * 3_600, bucketSeconds: 900 },
} as const;

export type HistoryRange = keyof typeof RANGES;
export const HISTORY_RANGES = Object.keys(RANGES) as [HistoryRange, ...HistoryRange[]];

/** Jobs that are counted at most, newest first. On a busy service they do not reach back over the whole range. */
export const MOST_ENDED = 200_000;

export interface HistoryBucket {
  at: Date;
  completed: number;
  failed: number;
  /** seconds from acceptance to the start of the last attempt, of these jobs without items of batches; null if there are none */
  waitP50: number | null;
  waitP95: number | null;
}

export interface ThroughputHistory {
  range: HistoryRange;
  bucketSeconds: number;
  /** oldest first, without gaps; the last one has not ended */
  buckets: HistoryBucket[];
  /** jobs that ended before this may be missing; null: none are */
  incompleteBefore: Date | null;
}

type Row = Pick<HistoryBucket, 'completed' | 'failed'> & {
  bucket: number;
  waits: [number, number] | null;
  seen: number;
  oldest: number;
};

/** The jobs that ended and their waiting times, by time of their end. Percentiles are exact. */
export async function readThroughputHistory(
  db: Queryable,
  range: HistoryRange,
  most = MOST_ENDED,
): Promise<ThroughputHistory> {
  const { seconds, bucketSeconds } = RANGES[range];
  const count = seconds / bucketSeconds;
  const width = sql`${bucketSeconds} * interval '1 second'`;
  const [clock] = await db.execute<{ last: number }>(
    sql`select date_part('epoch', date_bin(${width}, now(), 'epoch')) as last`,
  );
  const first = (clock?.last ?? 0) - (count - 1) * bucketSeconds;
  // date_part takes half the time of extract, which returns numeric.
  const rows = await db.execute<Row>(sql`
    select date_part('epoch', bucket) as bucket, count(*) filter (where status = 'completed')::integer as completed,
      count(*) filter (where status = 'failed')::integer as failed,
      to_json(percentile_cont(array[0.5, 0.95]) within group (order by wait)) as waits,
      count(*)::integer as seen, date_part('epoch', min(completed_at)) as oldest
    from (
      select date_bin(${width}, completed_at, 'epoch') as bucket, status, completed_at,
        case when status in ('completed', 'failed') and batch_row is null then date_part('epoch', started_at - created_at) end as wait
      from pdfprompt_job where completed_at >= to_timestamp(${first}::double precision)
      order by completed_at desc limit ${most}
    ) as ended group by bucket order by bucket`);
  const byStart = new Map(rows.map((row) => [row.bucket, row]));
  const seen = rows.reduce((sum, row) => sum + row.seen, 0);
  return {
    range,
    bucketSeconds,
    buckets: Array.from({ length: count }, (_, index) => {
      const start = first + index * bucketSeconds;
      const row = byStart.get(start);
      const [waitP50, waitP95] = row?.waits ?? [null, null];
      const { completed = 0, failed = 0 } = row ?? {};
      return { at: new Date(start * 1_000), completed, failed, waitP50, waitP95 };
    }),
    incompleteBefore: seen >= most ? new Date((rows[0]?.oldest ?? 0) * 1_000) : null,
  };
}

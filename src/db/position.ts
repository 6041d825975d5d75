import { sql } from 'drizzle-orm';
import type { Queryable } from './pools.ts';

/** A position in the write-ahead log (WAL): how far a primary has written it, or a standby has replayed it. */
export interface Position {
  isStandby: boolean;
  /** identifies the database cluster; a standby has its primary's */
  system: string;
  /** incremented by every failover, after which the logs differ */
  timeline: number;
  /** bytes from the beginning of the log */
  lsn: bigint;
}

/** Why a standby cannot answer for its primary. */
export type PositionFault = 'no standby' | 'another database' | 'another timeline' | 'behind';

/**
 * The server's position. A primary's lies after every acknowledged commit: a commit is flushed before it is
 * acknowledged, and with synchronous_commit off the inserted position is used. Users who may not read
 * pg_stat_wal_receiver get a standby's timeline from its last checkpoint, after a failover some minutes late.
 */
export async function positionOf(db: Queryable): Promise<Position> {
  // The parameter is there to make it a prepared statement (see `pools.ts`).
  const [row] = await db.execute<Omit<Position, 'lsn'> & { lsn: string | null }>(sql`
    select pg_is_in_recovery() as "isStandby", system_identifier::text as system,
      case when pg_is_in_recovery() then coalesce(received_tli, timeline_id)
        else ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int end as timeline,
      case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
        when current_setting('synchronous_commit') = 'off' then pg_current_wal_insert_lsn()
        else pg_current_wal_flush_lsn() end - ${'0/0'}::pg_lsn as lsn
    from pg_control_system(), pg_control_checkpoint() left join pg_stat_wal_receiver on true`);
  if (!row) throw new Error('the server returned no position');
  return { ...row, lsn: BigInt(row.lsn ?? 0) };
}

/** Bytes of a page of the log. */
const LOG_PAGE = 8_192n;

/**
 * Whether the log may have been flushed in the middle of a record: without commits Postgres flushes up to the end of
 * a page, for up to its `wal_writer_delay` of 200 ms. No standby reaches that position before the record is complete.
 */
export function mayEndInRecord({ lsn }: Position): boolean {
  return lsn % LOG_PAGE === 0n;
}

/** @returns undefined if the standby has replayed everything up to the primary's position */
export function positionFault(standby: Position, primary: Position): PositionFault | undefined {
  if (standby.system !== primary.system) return 'another database';
  if (!standby.isStandby) return 'no standby';
  if (standby.timeline !== primary.timeline) return 'another timeline';
  return standby.lsn < primary.lsn ? 'behind' : undefined;
}

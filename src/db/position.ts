import { sql } from 'drizzle-orm';
import type { Queryable } from './pools.ts';

/** How far a server is in the log of all changes: a primary has written so far, a standby has replayed so far. */
export interface Position {
  isStandby: boolean;
  /** which database it is; a standby has its primary's */
  system: string;
  /** grows with every failover, where two logs part */
  timeline: number;
  /** bytes from the beginning of the log */
  lsn: bigint;
}

/** Why what was committed at one position cannot be read from a server at another. */
export type PositionFault = 'no standby' | 'another database' | 'another timeline' | 'behind';

interface Row {
  [column: string]: unknown;
  is_standby: boolean;
  system: string;
  timeline: number;
  lsn: string | null;
}

/**
 * Asked of a primary after a commit was acknowledged, the answer lies behind that commit: it is
 * flushed before it is acknowledged, unless the operator does without that. A standby's timeline is
 * that of its last checkpoint for a user who may not see what it receives: after a failover such a
 * user finds it some minutes late.
 */
export async function positionOf(db: Queryable): Promise<Position> {
  // The parameter makes it a prepared statement.
  const [row] = await db.execute<Row>(sql`
    select pg_is_in_recovery() as is_standby, system_identifier::text as system,
      case when pg_is_in_recovery() then coalesce(received_tli, timeline_id)
        else ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int end as timeline,
      case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
        when current_setting('synchronous_commit') = 'off' then pg_current_wal_insert_lsn()
        else pg_current_wal_flush_lsn() end - ${'0/0'}::pg_lsn as lsn
    from pg_control_system(), pg_control_checkpoint() left join pg_stat_wal_receiver on true`);
  if (!row) throw new Error('the server did not say how far it is');
  return { isStandby: row.is_standby, system: row.system, timeline: row.timeline, lsn: BigInt(row.lsn ?? 0) };
}

/** Bytes of a page of the log. */
const LOG_PAGE = 8_192n;

/**
 * Whether the log may have been flushed in the middle of a record: Postgres does so at the end of a
 * page while nobody commits, up to its `wal_writer_delay` of 200 ms. No standby comes so far before
 * the rest of the record, however fast it is.
 */
export function mayEndInRecord({ lsn }: Position): boolean {
  return lsn % LOG_PAGE === 0n;
}

/** Whether a standby has everything that its primary had; if not, why. */
export function positionFault(standby: Position, primary: Position): PositionFault | undefined {
  if (standby.system !== primary.system) return 'another database';
  if (!standby.isStandby) return 'no standby';
  if (standby.timeline !== primary.timeline) return 'another timeline';
  return standby.lsn < primary.lsn ? 'behind' : undefined;
}

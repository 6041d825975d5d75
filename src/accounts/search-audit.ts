import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import type { Audited } from '../domain/audit-act.ts';
import { firstIdAt } from '../domain/id-prefix.ts';

export interface AuditFilter {
  /** id of who did it */
  by?: string | undefined;
  /** id of whose it was */
  user?: string | undefined;
  job?: string | undefined;
  what?: Audited | undefined;
  after?: Date | undefined;
  before?: Date | undefined;
}

/** A row of the audit log. Emails are those of today; an erased user has none. */
export interface AuditEntry {
  id: string;
  at: string;
  what: Audited;
  byId: string | null;
  by: string | null;
  keyId: string | null;
  sessionId: string | null;
  userId: string | null;
  user: string | null;
  jobId: string | null;
  requestId: string | null;
  detail: Record<string, string | number>;
}

/** A page of the audit log, newest first. `cursor` is the id of the last entry of the previous page. */
export async function searchAudit(
  db: Database,
  { filter, limit, cursor }: { filter: AuditFilter; limit: number; cursor?: string | undefined },
): Promise<{ entries: AuditEntry[]; next: string | null }> {
  const { by, user, job, what, after, before } = filter;
  const asked: Asked[] = [
    ...(job === undefined ? [] : [{ column: sql`job_id`, value: sql`${job}::uuid` }]),
    ...(user === undefined ? [] : [{ column: sql`user_id`, value: sql`${user}::uuid` }]),
    ...(by === undefined ? [] : [{ column: sql`by_user_id`, value: sql`${by}::uuid` }]),
    ...(what === undefined ? [] : [{ column: sql`what`, value: sql`${what}::text` }]),
  ];
  const range = [
    ...(after === undefined ? [] : [sql`id >= ${firstIdAt(after.getTime())}::uuid`]),
    ...(before === undefined ? [] : [sql`id < ${firstIdAt(before.getTime())}::uuid`]),
    ...(cursor === undefined ? [] : [sql`id < ${cursor}::uuid`]),
  ];
  const rarest = await findRarest(db, asked);
  const rows = await db.execute<Omit<AuditEntry, 'at'> & { at: Date | string }>(sql`
    select a.id, a.at, a.what, a.by_user_id as "byId", actor.email as by, a.by_key_id as "keyId", a.by_session_id as "sessionId",
      a.user_id as "userId", owner.email as user, a.job_id as "jobId", a.request_id as "requestId",
      coalesce(a.detail, '{}') as detail
    from (${pageOf({ asked, rarest, range, limit: limit + 1 })}) as a
    left join pdfprompt_user actor on actor.id = a.by_user_id and actor.erased_at is null
    left join pdfprompt_user owner on owner.id = a.user_id and owner.erased_at is null
    order by a.id desc`);
  const entries = rows.slice(0, limit).map((row) => ({ ...row, at: new Date(row.at).toISOString() }));
  return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null };
}

/** A column of which one value is asked for; it has an index with the id. */
interface Asked {
  column: SQL;
  value: SQL;
}

const COUNTED = 1_000;

/** The one that the fewest entries have, counted up to a thousand. */
async function findRarest(db: Database, asked: readonly Asked[]): Promise<Asked | undefined> {
  if (asked.length < 2) return asked[0];
  const counts = asked.map(
    ({ column, value }, place) => sql`select ${sql.raw(String(place))} as place, count(*) as count
      from (select 1 from pdfprompt_audit where ${column} = ${value} limit ${sql.raw(String(COUNTED))}) as found`,
  );
  const [row] = await db.execute<{ place: number }>(
    sql`select place from (${sql.join(counts, sql` union all `)}) as counted order by count, place limit 1`,
  );
  return asked[row?.place ?? 0];
}

/**
 * Of the rarest value the newest entries. As a range of one value it is read by its index: as an equality Postgres may rather go
 * through all entries from the newest on, until enough have it.
 */
function pageOf({
  asked,
  rarest,
  range,
  limit,
}: {
  asked: readonly Asked[];
  rarest: Asked | undefined;
  range: readonly SQL[];
  limit: number;
}): SQL {
  // `is true`: so that their indexes are not used.
  const others = asked
    .filter((each) => each !== rarest)
    .map(({ column, value }) => sql`(${column} = ${value}) is true`);
  const own = rarest ? [sql`${rarest.column} >= ${rarest.value}`, sql`${rarest.column} <= ${rarest.value}`] : [];
  const conditions = [...own, ...others, ...range];
  const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
  const order = rarest ? sql`${rarest.column} desc, id desc` : sql`id desc`;
  return sql`select * from pdfprompt_audit ${where} order by ${order} limit ${sql.raw(String(limit))}`;
}

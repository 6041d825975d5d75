import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import type { Audited } from '../domain/audit-act.ts';
import { firstIdOf } from './audit.ts';

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
  const conditions: SQL[] = [
    ...(by === undefined ? [] : [sql`a.by_user_id = ${by}::uuid`]),
    ...(user === undefined ? [] : [sql`a.user_id = ${user}::uuid`]),
    ...(job === undefined ? [] : [sql`a.job_id = ${job}::uuid`]),
    ...(what === undefined ? [] : [sql`a.what = ${what}`]),
    ...(after === undefined ? [] : [sql`a.id >= ${firstIdOf(after)}::uuid`]),
    ...(before === undefined ? [] : [sql`a.id < ${firstIdOf(before)}::uuid`]),
    ...(cursor === undefined ? [] : [sql`a.id < ${cursor}::uuid`]),
  ];
  const rows = await db.execute<Omit<AuditEntry, 'at'> & { at: Date | string }>(sql`
    select a.id, a.at, a.what, a.by_user_id as "byId", actor.email as by, a.by_key_id as "keyId", a.by_session_id as "sessionId",
      a.user_id as "userId", owner.email as user, a.job_id as "jobId", a.request_id as "requestId",
      coalesce(a.detail, '{}') as detail
    from pdfprompt_audit a
    left join pdfprompt_user actor on actor.id = a.by_user_id and actor.erased_at is null
    left join pdfprompt_user owner on owner.id = a.user_id and owner.erased_at is null
    ${conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`}
    order by a.id desc limit ${limit + 1}`);
  const entries = rows.slice(0, limit).map((row) => ({ ...row, at: new Date(row.at).toISOString() }));
  return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null };
}

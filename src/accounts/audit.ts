import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Database, Queryable } from '../db/pools.ts';
import { firstIdAt } from '../domain/id-prefix.ts';
import type { Audited } from '../domain/audit-act.ts';

/** Who did it. */
export interface Actor {
  userId: string;
  /** undefined or empty: no key was used */
  keyId?: string | undefined;
  sessionId?: string | undefined;
}

/** What it was done to. */
export interface Audit {
  what: Audited;
  /** undefined: a command on the server */
  by: Actor | undefined;
  jobId?: string | undefined;
  /** whose it was; without it the owner of the job */
  subjectUserId?: string | undefined;
  requestId?: string | undefined;
  /** what else identifies it, such as `batchId`; never an email, a key, or a part of a document */
  detail?: Record<string, string | number> | undefined;
}

/** Milliseconds in which a session that looks at the same thing again is not written again: browsers fetch a PDF in pieces. */
const SAME_LOOK_MS = 60_000;

/** Writes what was done into the audit log. @throws if it cannot be written */
export async function record(db: Queryable, audit: Audit): Promise<void> {
  const { what, by, jobId = null, subjectUserId = null, requestId = null, detail } = audit;
  await db.execute(sql`
    insert into pdfprompt_audit (id, what, by_user_id, by_key_id, by_session_id, user_id, job_id, request_id, detail)
    values (${uuidv7()}, ${what}, ${by?.userId ?? null}::uuid, ${by?.keyId || null}::uuid, ${by?.sessionId ?? null}::uuid,
      coalesce(${subjectUserId}::uuid, (select user_id from pdfprompt_job where id = ${jobId}::uuid)),
      ${jobId}::uuid, ${requestId}, ${detail === undefined ? null : JSON.stringify(detail)}::text::jsonb)`);
}

/**
 * The same for a look at a document, before anything of it is sent. A session that looks again within a minute is in the log
 * once.
 * @throws if it cannot be written; then nothing may be shown
 */
export async function recordLook(db: Database, audit: Audit & { by: Actor }): Promise<void> {
  const { what, by, jobId, detail } = audit;
  if (jobId === undefined) return record(db, audit);
  const since = firstIdAt(Date.now() - SAME_LOOK_MS);
  const [known] = await db.execute(sql`
    select from pdfprompt_audit
    where job_id = ${jobId}::uuid and id > ${since}::uuid and what = ${what}
      and by_session_id = ${by.sessionId ?? null}::uuid
      and detail is not distinct from ${detail === undefined ? null : JSON.stringify(detail)}::text::jsonb
    limit 1`);
  if (!known) await record(db, audit);
}

/** @returns how many of at most `limit` were deleted */
export async function deleteOldAudits(
  db: Database,
  { keptMs, limit }: { keptMs: number; limit: number },
): Promise<number> {
  const rows = await db.execute(sql`
    delete from pdfprompt_audit where id = any (array(
      select id from pdfprompt_audit where id < ${firstIdAt(Date.now() - keptMs)}::uuid
      order by id limit ${limit} for update skip locked))
    returning 1`);
  return rows.length;
}

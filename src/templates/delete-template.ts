import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { CodedError } from '../kernel/errors.ts';

/** Rows in one transaction. */
const BATCH = 200;

/**
 * Deletes a template with all its versions. Jobs that were accepted before still print it.
 * @throws CodedError `not_found`, for another tenant's too
 */
export async function deleteTemplate(db: Database, { userId, name }: { userId: string; name: string }): Promise<void> {
  const rows = await db.execute(sql`
    update pdfprompt_template_version set deleted_at = now()
    where deleted_at is null
      and template_id = (select id from pdfprompt_template where user_id = ${userId} and name = ${name})
    returning 1`);
  if (rows.length === 0) throw new CodedError('not_found', `there is no template ${name.slice(0, 100)}`);
}

/** Removes deleted versions to which no job refers any longer. @returns how many */
export async function removeDeletedVersions(db: Database): Promise<number> {
  const rows = await db.execute(sql`
    delete from pdfprompt_template_version v where v.id = any (array(
      select d.id from pdfprompt_template_version d
      where d.deleted_at is not null and (select 1 from pdfprompt_part p where p.template_version = d.id limit 1) is null
      limit ${BATCH} for update skip locked))
    returning 1`);
  return rows.length;
}

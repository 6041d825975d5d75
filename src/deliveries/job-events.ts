import { type SQL, sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Queryable } from '../db/pools.ts';
import type { EndedJob } from '../domain/job-event.ts';

/** An ended job, with what is not shown. */
export interface OwnedJob {
  userId: string;
  job: EndedJob;
}

type Row = Omit<EndedJob, 'completedAt' | 'error' | 'pages' | 'size'> & {
  user_id: string;
  completed_at: string;
  error_code: string | null;
  error_message: string | null;
  pages: string | number;
  size: string | number;
};

/**
 * What the events of these jobs say. A job that has ended does not change, so every attempt to send its event sends the
 * same, however late it is.
 * @returns by their ids; jobs that are gone, or have not ended, are missing
 */
export async function jobEvents(db: Queryable, ids: readonly string[]): Promise<Map<string, OwnedJob>> {
  if (ids.length === 0) return new Map();
  const rows = await db.execute<Row>(endedJobs(sql`j.id = any (${arrayLiteral(ids)}::uuid[])`));
  return new Map([...rows].map((row) => [row.id, toOwned(row)]));
}

/**
 * The statement that reads ended jobs. Postgres may take any index for any condition while it has no statistics. So the
 * status is none: all ended jobs of the user would be read. And a page is found before files are looked for.
 * @param which a condition on the job `j`
 * @param inOrder of a page: `order by` and `limit`
 */
export function endedJobs(which: SQL, inOrder = sql``): SQL {
  return sql`
    select j.*, f.files, f.pages, f.size
    from (
      select j.id, j.user_id, j.status, j.filename, j.metadata, j.error_code, j.error_message, j.completed_at
      from pdfprompt_job j where ${which} and j.completed_at is not null ${inOrder}
    ) as j cross join lateral (
      select count(*)::integer as files, coalesce(sum(pages), 0) as pages, coalesce(sum(size), 0) as size
      from pdfprompt_file where job_id = j.id
    ) as f
    ${inOrder}`;
}

/** @param row of {@link endedJobs} */
export function toOwned({ user_id, completed_at, error_code, error_message, pages, size, ...row }: Row): OwnedJob {
  const error = error_code === null ? null : { code: error_code, message: error_message ?? '' };
  return {
    userId: user_id,
    job: { ...row, error, pages: Number(pages), size: Number(size), completedAt: new Date(completed_at) },
  };
}

import type { Client } from '../../src/db/driver.ts';

/** Jobs as an application makes them that may write the tables. @returns their ids, in order */
export async function insertJobs(sql: Client, userId: string, count: number, metadata = {}): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    insert into pdfprompt_job (id, user_id, priority, request, url, metadata)
    select gen_random_uuid(), ${userId}, 0, '{}', 'http://example.com/', ${JSON.stringify(metadata)}::text::jsonb
    from generate_series(1, ${count}) returning id`;
  return rows.map(({ id }) => id);
}

/** Ends a job in a transaction of its own. @param agoMs how long ago, in milliseconds */
export async function endJob(sql: Client, id: string, status = 'completed', agoMs = 0): Promise<void> {
  await sql`
    update pdfprompt_job set status = ${status}, completed_at = now() - ${agoMs} * interval '1 millisecond',
      error_code = case when ${status} = 'failed' then 'print_failed' end
    where id = ${id}`;
}

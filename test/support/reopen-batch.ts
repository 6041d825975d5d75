import { v7 as uuidv7 } from 'uuid';
import type { Client } from '../../src/db/driver.ts';

/** Opens a batch again, as a retry of one of its items does: the old job leaves it, and a new one has its row. @returns the new job */
export async function reopenBatch(sql: Client, batchId: string, jobId: string): Promise<string> {
  const id = uuidv7();
  await sql.begin(async (tx) => {
    await tx`update pdfprompt_batch set status = 'processing', completed_at = null, error_code = null, error_message = null
      where id = ${batchId}`;
    const [old] = await tx<{ user_id: string; row: number; status: string }[]>`
      with old as (select id, user_id, batch_row, status from pdfprompt_job where id = ${jobId} and batch_id = ${batchId})
      update pdfprompt_job j set batch_id = null, batch_row = null from old where j.id = old.id
      returning old.user_id, old.batch_row as row, old.status`;
    if (!old) throw new Error('it is no item of the batch');
    await tx`insert into pdfprompt_job (id, user_id, priority, request, url, batch_id, batch_row)
      values (${id}, ${old.user_id}, 0, '{}', 'http://example.com/', ${batchId}, ${old.row})`;
    await tx`update pdfprompt_batch_count set open = open + 1, completed = completed - (${old.status} = 'completed')::integer,
        failed = failed - (${old.status} = 'failed')::integer, cancelled = cancelled - (${old.status} = 'cancelled')::integer
      where batch_id = ${batchId} and shard = ${old.row % 16}`;
  });
  return id;
}

import { v7 as uuidv7 } from 'uuid';
import type { Outcome } from '../../src/domain/outcome.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { doneWith } from './outcomes.ts';
import type { TestService } from './service.ts';
import type { Client } from '../../src/db/driver.ts';
import type { BatchResult } from '../../src/domain/batch.ts';
import type { JobMetadata, JobStatus } from '../../src/domain/job.ts';

export interface MadeBatch {
  id: string;
  /** of its items, by row: the first is row 1 */
  jobs: string[];
}

interface BatchInput {
  userId: string;
  /** how many, or what each is; by default a paragraph with its row */
  items?: number | { html?: string; filename?: string; metadata?: JobMetadata }[];
  result?: BatchResult;
  filename?: string;
  metadata?: JobMetadata;
  /** print settings of all items */
  request?: object;
  /** as `request.webhook`: a URL */
  webhook?: string;
  idempotencyKey?: string;
}

/** A batch, as accepted by the functions of the database. */
export async function makeBatch(sql: Client, input: BatchInput): Promise<MadeBatch> {
  const { userId, items = 3, result = 'files', filename = null, metadata = {}, request = {} } = input;
  const list = typeof items === 'number' ? Array.from({ length: items }, () => ({})) : items;
  const rows = list.map((item, index) => ({ id: uuidv7(), row: index + 1, html: `<p>${index + 1}</p>`, ...item }));
  const id = uuidv7();
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
  const parts = json(rows.map((row) => ({ id: row.id, content: row.html, shown: row.html })));
  const webhook = json(input.webhook === undefined ? undefined : { url: input.webhook });
  await sql.begin(async (tx) => {
    await tx`select pdfprompt_add_item_parts(${userId}, ${parts}::text::json, '[{"kind": "html"}]')`;
    await tx`
      select from pdfprompt_open_batch(id => ${id}, user_id => ${userId}, result => ${result}, total => ${rows.length},
        filename => ${filename}, metadata => ${json(metadata)}::text::jsonb, webhook => ${webhook}::text::jsonb,
        idempotency_key => ${input.idempotencyKey ?? null})`;
    await tx`select pdfprompt_add_items(${id}, ${json(rows)}::text::json, ${json(request)}::text::jsonb)`;
    await tx`select pdfprompt_start_batch(${id})`;
  });
  return { id, jobs: rows.map((row) => row.id) };
}

/** Ends items without a worker, one transaction for each, as the job's row says. Places in the queue stay. */
export async function endItems(sql: Client, jobs: readonly string[], status: JobStatus = 'completed'): Promise<void> {
  for (const id of jobs)
    await sql`
      update pdfprompt_job set status = ${status}, worker_id = null, completed_at = now(),
        error_code = case when ${status} = 'failed' then 'print_failed' end,
        error_message = case when ${status} = 'failed' then 'it could not be printed' end
      where id = ${id} and status in ('queued', 'processing')`;
}

/**
 * Completes all items that are queued, as a worker does it.
 * @param filesOf the files of a job, by its id; none: it fails
 */
export async function completeItems(
  { base: { db, queue, events, stores }, sql }: TestService,
  filesOf: (jobId: string) => Uint8Array[],
): Promise<void> {
  const workerId = uuidv7();
  await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
  for (let isOver = false; !isOver;) {
    const claimed = await claimJobs({ db, queue, events }, { workerId, count: 20 });
    isOver = claimed.length === 0;
    for (const job of claimed) {
      const files = filesOf(job.id).flatMap((bytes) => doneWith(bytes).files);
      const outcome: Outcome =
        files.length > 0
          ? { ...doneWith(new Uint8Array()), files }
          : { kind: 'reject', code: 'print_failed', message: 'it could not be printed' };
      await finishJob({ db, queue, stores, retentionMs: 3_600_000 }, job, outcome);
    }
  }
}

/** How many items are open and how the others ended, by the counters. */
export async function countsOf(sql: Client, batchId: string) {
  const [counts] = await sql<{ open: number; completed: number; failed: number; cancelled: number }[]>`
    select sum(open)::int as open, sum(completed)::int as completed, sum(failed)::int as failed,
      sum(cancelled)::int as cancelled
    from pdfprompt_batch_count where batch_id = ${batchId}`;
  return counts;
}

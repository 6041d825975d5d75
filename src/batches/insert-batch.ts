import { sql } from 'drizzle-orm';
import type { TierUse } from '../accounts/limits.ts';
import type { Database } from '../db/pools.ts';
import type { BadRow, BatchResult } from '../domain/batch.ts';
import type { JobMetadata } from '../domain/job.ts';
import { priorityNumber } from '../domain/priority.ts';
import { withoutDefaults } from '../domain/pdf-request.ts';
import { jobSettings } from '../jobs/part-rows.ts';
import { toRows } from '../jobs/submit.ts';
import { crashPoint } from '../kernel/crash-point.ts';
import type { ItemShape } from './item-shape.ts';
import type { Spool } from './spool.ts';

export interface NewBatch {
  id: string;
  userId: string;
  result: BatchResult;
  filename: string | undefined;
  metadata: JobMetadata;
  shape: ItemShape;
  /** items */
  total: number;
  skipped: number;
  skippedRows: readonly BadRow[];
  /** pieces for `pdfprompt_add_item_parts`, and for `pdfprompt_add_items` */
  parts: Spool;
  items: Spool;
  idempotencyKey: string | undefined;
  /** lower-case hex */
  sentHash: string | undefined;
  requestId: string | undefined;
  traceparent: string | undefined;
}

/**
 * Writes a batch with all its items, or nothing (sql/0038_batches.sql).
 * @throws PostgresError with a code of `pdfprompt_open_batch` or `pdfprompt_add_item_parts`
 */
export async function insertBatch(db: Database, batch: NewBatch): Promise<TierUse> {
  const { id, userId, shape, total, idempotencyKey } = batch;
  const { request } = shape;
  // What is the same in every job is kept short. Of the time limit the database reads when a claim ends.
  const settings = { ...withoutDefaults(jobSettings(request)), timeoutMs: request.timeoutMs };
  const { webhook: hook, upload: target } = request.deliveries ?? {};
  const [webhook] = toRows({ webhook: hook });
  const [upload] = toRows({ upload: target });
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
  return db.transaction(async (tx) => {
    // What would be refused is not written.
    await tx.execute(sql`select pdfprompt_check_batch(${userId}, ${total}, ${idempotencyKey ?? null})`);
    // Before anything is locked that other submissions of the user need.
    for await (const piece of batch.parts.read())
      await tx.execute(sql`select pdfprompt_add_item_parts(${userId}, ${piece}::text::json, ${JSON.stringify(shape.parts)}::text::jsonb)`); // prettier-ignore
    crashPoint('batch.parts');
    const [use] = await tx.execute<TierUse>(sql`
      select * from pdfprompt_open_batch(
        id => ${id}, user_id => ${userId}, result => ${batch.result}, total => ${total},
        skipped => ${batch.skipped}, skipped_rows => ${JSON.stringify(batch.skippedRows)}::text::jsonb,
        filename => ${batch.filename ?? null}, metadata => ${JSON.stringify(batch.metadata)}::text::jsonb,
        templates => (select array_agg(name) from jsonb_array_elements_text(${JSON.stringify(shape.templates)}::text::jsonb) as name),
        priority => ${priorityNumber(request.priority) ?? null},
        webhook => ${json(webhook)}::text::jsonb, upload => ${json(upload)}::text::jsonb,
        idempotency_key => ${idempotencyKey ?? null}, sent_hash => decode(${batch.sentHash ?? null}, 'hex'),
        request_id => ${batch.requestId ?? null}, traceparent => ${batch.traceparent ?? null})`);
    if (!use) throw new Error('the database returned no row for a function that returns one');
    for await (const piece of batch.items.read())
      await tx.execute(sql`select pdfprompt_add_items(${id}, ${piece}::text::json, ${JSON.stringify(settings)}::text::jsonb)`); // prettier-ignore
    await tx.execute(sql`select pdfprompt_start_batch(${id})`);
    crashPoint('batch.items');
    return use;
  });
}

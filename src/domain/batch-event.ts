import { z } from 'zod';
import { BATCH_RESULTS, type BatchResult, type BatchStatus } from './batch.ts';
import { EVENT_VERSIONS, eventErrorSchema } from './job-event.ts';
import type { JobMetadata } from './job.ts';

/** The end of a batch, however it ended: `data.status` says it. */
export const BATCH_EVENT = 'batch.completed';

/** A batch that has ended, as its event shows it. */
export interface EndedBatch {
  id: string;
  status: BatchStatus;
  result: BatchResult;
  filename: string | null;
  metadata: JobMetadata;
  items: { total: number; completed: number; failed: number; cancelled: number; skipped: number };
  error: { code: string; message: string } | null;
  /** that merged the items */
  job: string | null;
  /** the merged PDF, if there is one; its bytes */
  file: { pages: number; size: number } | null;
  completedAt: Date;
}

const count = z.int().min(0);
const endedSchema = z
  .object({
    id: z.uuid().describe('Of the batch'),
    status: z
      .enum(['completed', 'failed', 'cancelled'])
      .describe('`completed`: at least one item is, so look at `items`'),
    url: z.string().describe('Of the batch: a path, or with PUBLIC_URL the whole URL'),
    result: z.enum(BATCH_RESULTS),
    filename: z.string().nullable(),
    metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    items: z.object({ total: count, completed: count, failed: count, cancelled: count, skipped: count }),
    error: eventErrorSchema.nullable().describe('Why it failed'),
    job: z.uuid().nullable().describe('That merged the items'),
    file: z.object({ pages: count, size: count }).nullable().describe('The merged PDF, and its bytes'),
    completedAt: z.iso.datetime(),
  })
  .meta({ id: 'EndedBatch' });

/** The event of a batch, as webhooks and `GET /v1/events` send it. */
export const batchEventSchema = z
  .object({
    type: z.literal(BATCH_EVENT),
    timestamp: z.iso.datetime().describe('When the batch ended'),
    version: z.literal(EVENT_VERSIONS).describe('Of this payload. Within a version members are only added'),
    data: endedSchema,
  })
  .meta({ id: 'BatchEvent', description: 'A batch has ended' });
export type BatchEvent = z.infer<typeof batchEventSchema>;

/** @param publicUrl of the service, without a slash at its end */
export function batchEvent(batch: EndedBatch, publicUrl = ''): BatchEvent {
  const { id, result, filename, metadata, items, error, job, file } = batch;
  const status = batch.status as BatchEvent['data']['status'];
  const completedAt = batch.completedAt.toISOString();
  const url = `${publicUrl}/v1/batches/${id}`;
  return {
    type: BATCH_EVENT,
    timestamp: completedAt,
    version: 1,
    data: { id, status, url, result, filename, metadata, items, error, job, file, completedAt },
  };
}

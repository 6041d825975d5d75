import { z } from 'zod';
import { BATCH_RESULTS, BATCH_STATUSES } from '../domain/batch.ts';
import { jobSchema, jsonResponse, jobErrorSchema } from './schemas.ts';

const count = (description: string) => z.int().meta({ description });

export const batchStatusSchema = z.enum(BATCH_STATUSES).meta({ id: 'BatchStatus' });

export const batchSchema = z
  .object({
    id: z.uuid(),
    status: batchStatusSchema.meta({
      description:
        '`processing`: its items; `closing`: they have ended and are merged; `completed`: at least one item is; `failed`: none is, or they could not be merged; `cancelled`: and over when `completedAt` is set',
    }),
    result: z.enum(BATCH_RESULTS),
    items: z
      .object({
        total: z.int(),
        open: count('That have not ended'),
        completed: z.int(),
        failed: z.int(),
        cancelled: z.int(),
        skipped: count('Rows that were not valid and were left out, as the request allowed; not in `total`'),
      })
      .meta({ id: 'ItemCounts' }),
    skippedRows: z
      .array(z.object({ row: z.int(), field: z.string(), message: z.string() }).meta({ id: 'SkippedRow' }))
      .meta({ description: 'What was wrong with the first rows that were left out' }),
    filename: z.string().nullable().meta({ description: 'Of the merged PDF or of the zip' }),
    metadata: jobSchema.shape.metadata,
    templates: z.array(z.string()).meta({ description: 'What its items print: `invoice@7`' }),
    error: jobErrorSchema.nullable().meta({ description: 'Why it failed' }),
    job: z.uuid().nullable().meta({
      description: 'Of the job that merges the items; its file is the merged PDF. null until there is one',
    }),
    createdAt: z.iso.datetime(),
    completedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Batch' });

export const batchItemSchema = z
  .object({
    row: count('From 1, without the header of a CSV'),
    job: z.uuid().meta({ description: 'The id of its job' }),
    status: jobSchema.shape.status,
    filename: z.string().nullable(),
    metadata: jobSchema.shape.metadata,
    error: jobSchema.shape.error,
    file: jobSchema.shape.file,
    files: count('How many files it has; those after the first are at `/v1/jobs/{id}/files/{n}`'),
    completedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'ListedItem' });

export const batchResponse = (description: string) => jsonResponse(description, batchSchema);

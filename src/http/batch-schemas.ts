import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import { BATCH_RESULTS, BATCH_STATUSES } from '../domain/batch.ts';
import { itemSchema } from '../domain/batch-request.ts';
import { jsonResponse } from './schemas.ts';

const instant = z.iso.datetime();

const batchSchema = z
  .object({
    id: z.uuid(),
    status: z.enum(BATCH_STATUSES).meta({
      description:
        '`processing`: its items; `closing`: they have ended and are merged; `completed`: at least one item is; `failed`: none is, or they could not be merged',
    }),
    result: z.enum(BATCH_RESULTS),
    items: z.object({
      total: z.int(),
      open: z.int().meta({ description: 'That have not ended' }),
      completed: z.int(),
      failed: z.int(),
      cancelled: z.int(),
      skipped: z.int().meta({ description: 'Rows that were not valid and were left out' }),
    }),
    skippedRows: z
      .array(z.object({ row: z.int(), field: z.string(), message: z.string() }))
      .meta({ description: 'What was wrong with the first rows that were left out' }),
    filename: z.string().nullable(),
    metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    templates: z.array(z.string()).meta({ description: 'What its items print: `invoice@7`' }),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    job: z.uuid().nullable().meta({ description: 'The job that merges the items, whose file is the merged PDF' }),
    createdAt: instant,
    completedAt: instant.nullable(),
  })
  .meta({ id: 'Batch' });

export const batchResponse = (description: string) => jsonResponse(description, batchSchema);

/** The answer to a request that made a batch. */
export const acceptedBatch = (description: string): ZodOpenApiResponseObject => ({
  ...batchResponse(description),
  headers: z.object({ Location: z.string() }),
});

/** JSON, or a form with a file of items. */
export const batchForm = (schema: z.ZodType) => ({
  required: true,
  content: {
    'application/json': { schema },
    'multipart/form-data': {
      schema: z
        .looseObject({
          request: z.looseObject({}).describe('The same JSON, without `items`'),
          items: z
            .union([z.array(itemSchema), z.string()])
            .describe(
              'A file: a CSV with a header, whose columns are fields of `data` (`customer.name`), and `$filename`, `$title`, `$metadata.NAME`; or items in JSON, as an array or one in each line (`.ndjson`)',
            ),
        })
        .describe('Every other part is a file of `request`, as for a job'),
    },
  },
});

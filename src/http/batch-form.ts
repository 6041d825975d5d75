import { z } from 'zod';
import { itemSchema } from '../domain/batch-request.ts';
import { batchResponse } from './batch-schemas.ts';
import { BATCH_EXAMPLES } from './examples.ts';
import { LOCATION, withHeaders } from './schemas.ts';

/** The answer to a request that made a batch, now or before. */
export const acceptedBatch = (description: string) => withHeaders(batchResponse(description), LOCATION);

/** JSON, or a form with a file of items. */
export const batchForm = (schema: z.ZodType) => ({
  required: true,
  content: {
    'application/json': { schema, examples: BATCH_EXAMPLES },
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

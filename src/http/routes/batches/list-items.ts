import { z } from 'zod';
import { getBatch } from '../../../batches/read-batch.ts';
import { listItems } from '../../../batches/read-items.ts';
import { MAX_ITEMS } from '../../../domain/batch.ts';
import { batchItemSchema } from '../../batch-schemas.ts';
import { fileAnswer } from '../../job-answer.ts';
import { readQuery, wholeNumber } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf, jsonResponse, jobStatusSchema } from '../../schemas.ts';

const query = z.strictObject({
  status: jobStatusSchema.optional(),
  after: wholeNumber({ min: 0, max: MAX_ITEMS, fallback: 0 }).meta({ description: '`next` of the page before' }),
  limit: wholeNumber({ min: 1, max: 1_000, fallback: 100 }),
});

const answer = z
  .object({
    items: z.array(batchItemSchema),
    next: z.int().nullable().meta({ description: '`after` of the next page; null: that was all' }),
  })
  .meta({ id: 'ListedItemPage' });

export function listItemsRoute({ reads, stores }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/batches/{id}/items',
    scope: 'jobs:read',
    operationId: 'listBatchItems',
    summary: 'The items of a batch, by row',
    requestParams: { path: idOf('batch'), query },
    responses: {
      200: jsonResponse('A page of items', answer),
    },
    problems: ['not_found', 'invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const which = { userId: principal.userId, batchId: c.req.param('id') ?? '' };
      const input = { ...which, ...readQuery(c, query) };
      return underWay.reading(which.userId, async () => {
        const { id } = await getBatch(reads, which);
        const { items, next } = await listItems(reads, { ...input, batchId: id });
        return c.json({ items: items.map((item) => ({ ...item, file: item.file && fileAnswer(item.file, stores) })), next }); // prettier-ignore
      });
    },
  };
}

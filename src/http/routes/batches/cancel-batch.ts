import { cancelBatch } from '../../../batches/cancel-batch.ts';
import { getBatch } from '../../../batches/read-batch.ts';
import { batchResponse } from '../../batch-schemas.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf } from '../../schemas.ts';

/** Milliseconds of the request; what is left then, workers cancel. */
const WITHIN_MS = 2_000;

export function cancelBatchRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/batches/{id}',
    scope: 'jobs:write',
    operationId: 'cancelBatch',
    summary: 'Cancel a batch: all its items that have not ended',
    description:
      'What is completed stays. The batch is over, and is reported, when `completedAt` is set. One that has ended stays as it is.',
    requestParams: { path: idOf('batch') },
    responses: { 200: batchResponse('The batch as it is now') },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const which = { userId: principal.userId, batchId: c.req.param('id') ?? '' };
      const read = () => underWay.reading(which.userId, () => getBatch(deps.reads, which));
      const { id } = await read(); // 404 if the user has no such batch
      const turn = <T>(work: () => Promise<T>) => underWay.writing(which.userId, work);
      await cancelBatch(deps, { ...which, batchId: id, ...aboutOf(c) }, { withinMs: WITHIN_MS, turn });
      return c.json(await read());
    },
  };
}

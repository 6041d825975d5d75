import { findKey } from '../../../batches/batch-keys.ts';
import { submitBatch, type SubmittedBatch } from '../../../batches/submit-batch.ts';
import { rateLimitHeaders } from '../../../accounts/limits.ts';
import { versionAssets } from '../../../assets/asset-files.ts';
import { batchRequestSchema } from '../../../domain/batch-request.ts';
import { withBatch } from '../../receive-batch.ts';
import { putRequestFiles } from '../../request-files.ts';
import type { AppContext, AppDeps, Operation } from '../../route.ts';
import { acceptedBatch, batchForm } from '../../batch-form.ts';
import { textOf } from '../../text-of-asset.ts';
import { admit, idempotencyKeyOf, submitHeaders } from '../submit-job.ts';

export function submitBatchRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/batches',
    scope: 'jobs:write',
    operationId: 'submitBatch',
    summary: 'Submit many documents at once',
    description:
      'All items are accepted, or none is. Each is a job; the limit of the minute counts the request, that of the day the items. `Location` is the batch.',
    requestParams: { header: submitHeaders },
    requestBody: batchForm(batchRequestSchema),
    responses: {
      202: acceptedBatch('Accepted'),
      200: acceptedBatch('The batch that this Idempotency-Key created before'),
    },
    problems: ['idempotency_mismatch', 'rate_limited', 'asset_limit_reached', 'template_failed'],
    handle: async (c) => {
      const { batch, created, allowances } = await submitBody(c, deps);
      return c.json(batch, created ? 202 : 200, {
        Location: `/v1/batches/${batch.id}`,
        ...rateLimitHeaders(allowances),
      });
    },
  };
}

/** Submits the batch in the body, within the request's trace. */
async function submitBody(c: AppContext, deps: AppDeps): Promise<SubmittedBatch> {
  const { underWay, principal, requestId, span } = c.var;
  const { userId } = principal;
  const { reads } = deps;
  const isUsed = async (idempotencyKey: string) => (await findKey(reads, { userId, idempotencyKey })) !== undefined;
  await admit(c, deps, isUsed);
  return withBatch(c, deps.batchUploads, ({ uploads, ...sent }) =>
    underWay.batching(userId, () =>
      span.during('batch.submit', async () => {
        const submitted = await submitBatch(deps, {
          ...sent,
          principal,
          requestId,
          traceparent: span.traceparent,
          idempotencyKey: idempotencyKeyOf(c),
          storeFiles: (files) => putRequestFiles(underWay, deps, { userId, files, uploads }),
          schemaOf: async (versionId) => {
            const { byName } = await versionAssets(reads, { userId, versionId });
            return textOf(deps, userId, byName.get('schema.json')?.sha256);
          },
          writing: (work) => underWay.writing(userId, work),
        });
        span.set({ 'pdfprompt.batch.id': submitted.batch.id });
        return submitted;
      }),
    ),
  );
}

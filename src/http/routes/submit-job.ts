import { z } from 'zod';
import type { Limiter } from '../../accounts/limits.ts';
import type { Database } from '../../db/pools.ts';
import { pdfRequestSchema } from '../../domain/pdf-request.ts';
import { submitJob } from '../../jobs/submit.ts';
import { invalidFields } from '../../kernel/errors.ts';
import type { JobQueue } from '../../queue/boss.ts';
import type { Events } from '../../telemetry/events.ts';
import { readPdfRequest } from '../body.ts';
import { rateLimitHeaders } from '../rate-limit.ts';
import type { AppContext, Route } from '../route.ts';
import { jobResponse, problems } from '../schemas.ts';

export const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'The same key with the same body makes one job, however often it is sent' }),
});

export function submitJobRoute(deps: {
  db: Database;
  reads: Database;
  queue: JobQueue;
  limiter: Limiter;
  events: Events;
}): Route {
  return {
    method: 'post',
    path: '/v1/jobs',
    scope: 'jobs:write',
    operation: {
      operationId: 'submitJob',
      summary: 'Ask for a PDF',
      description: 'Answered as soon as the job is safe in the database. Ask `Location` for what became of it.',
      requestParams: { header: idempotencyHeader },
      requestBody: { required: true, content: { 'application/json': { schema: pdfRequestSchema } } },
      responses: {
        202: { ...jobResponse('Accepted'), headers: z.object({ Location: z.string() }) },
        200: jobResponse('The job that this Idempotency-Key made before'),
        ...problems(
          'invalid_json',
          'invalid_request',
          'body_too_large',
          'unsupported_media_type',
          'idempotency_mismatch',
          'rate_limited',
        ),
      },
    },
    handle: async (c) => {
      const principal = c.var.principal;
      const request = await readPdfRequest(c);
      const { job, created, allowances } = await submitJob(deps, {
        principal,
        request,
        idempotencyKey: idempotencyKeyOf(c),
        requestId: c.var.requestId,
      });
      return c.json(job, created ? 202 : 200, { Location: `/v1/jobs/${job.id}`, ...rateLimitHeaders(allowances) });
    },
  };
}

export function idempotencyKeyOf(c: AppContext): string | undefined {
  const key = c.req.header('idempotency-key');
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key))
    throw invalidFields([{ field: 'Idempotency-Key', message: 'allowed: 1 to 255 visible ASCII characters' }]);
  return key;
}

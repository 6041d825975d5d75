import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { BATCH_EVENT, batchEventSchema } from '../domain/batch-event.ts';
import { JOB_EVENTS, jobEventSchema } from '../domain/job-event.ts';
import { TEST_EVENT, testEventSchema } from '../domain/test-event.ts';

const headers = z.object({
  'webhook-id': z.uuid().meta({ description: 'Of the message: the same at every attempt, and when it is replayed' }),
  'webhook-timestamp': z.int().meta({ description: 'When it was sent: seconds since 1970' }),
  'webhook-signature': z.string().meta({
    description: '`v1,` and the signature, as Standard Webhooks has it; two, with a space between, while a secret is rotated',
  }),
}); // prettier-ignore

/** OpenAPI's `webhooks`: what endpoints of users receive. */
export const webhooks = (): ZodOpenApiPathsObject => ({
  ...Object.fromEntries(JOB_EVENTS.map((event) => [event, received(event, jobEventSchema, `A job is ${event.slice(4)}`)])),
  [BATCH_EVENT]: received(BATCH_EVENT, batchEventSchema, 'A batch has ended: completed, failed or cancelled'),
  [TEST_EVENT]: received(TEST_EVENT, testEventSchema, 'Asked for by POST /v1/webhooks/{id}/test'),
}); // prettier-ignore

const received = (event: string, schema: z.ZodType, summary: string) => ({
  post: {
    operationId: event.replaceAll(/\.(.)/g, (_, letter: string) => letter.toUpperCase()),
    summary,
    requestParams: { header: headers },
    requestBody: { required: true, content: { 'application/json': { schema } } },
    responses: {
      '2XX': { description: 'It was received, and is not sent again' },
      '410': { description: 'Nothing more is sent there: the webhook is turned off' },
      default: { description: 'Or no answer in time: it is sent again later' },
    },
    security: [],
  },
});

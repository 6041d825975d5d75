import { z } from 'zod';
import { EVENT_VERSIONS } from './job-event.ts';

/** The event of a test of an endpoint, which has no job and no batch. */
export const TEST_EVENT = 'webhook.test';

export const testEventSchema = z
  .object({
    type: z.literal(TEST_EVENT),
    timestamp: z.iso.datetime().describe('When it was sent'),
    version: z.literal(EVENT_VERSIONS).describe('Of this payload. Within a version members are only added'),
    data: z.object({ webhook: z.uuid().describe('The endpoint that is tested') }),
  })
  .meta({ id: 'TestEvent', description: 'Somebody tries whether an endpoint is reached' });
export type TestEvent = z.infer<typeof testEventSchema>;

export const testEvent = (webhookId: string, at: Date): TestEvent => ({
  type: TEST_EVENT,
  timestamp: at.toISOString(),
  version: 1,
  data: { webhook: webhookId },
});

import { z } from 'zod';
import { replayFailed, replaySchema } from '../../../deliveries/replay.ts';
import { readBody } from '../../body.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf, jsonBody, jsonResponse } from '../../schemas.ts';

const answer = z
  .object({
    replayed: z.int().meta({ description: 'How many will be sent' }),
    more: z.boolean().meta({ description: 'Whether there may be more: send the request again' }),
  })
  .meta({ id: 'Replayed' });

export function replayFailedRoute({ db }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/webhooks/{id}/replay',
    scope: 'jobs:write',
    operationId: 'replayFailed',
    summary: 'Send everything to a webhook again that has failed since a time',
    description: 'The oldest first, at most 5,000 by one request.',
    requestParams: { path: idOf('webhook') },
    requestBody: jsonBody(replaySchema),
    responses: { 202: jsonResponse('How many will be sent', answer) },
    problems: ['not_found', 'webhook_off'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const { since } = await readBody(c, replaySchema);
      const webhookId = c.req.param('id') ?? '';
      const replayed = await underWay.writing(userId, () => replayFailed(db, { userId, webhookId, since }));
      return c.json(replayed satisfies z.infer<typeof answer>, 202);
    },
  };
}

import { z } from 'zod';
import { readUsage } from '../../accounts/usage.ts';
import { readQuery, wholeNumber } from '../query.ts';
import type { AppDeps, Operation } from '../route.ts';
import { jsonResponse } from '../schemas.ts';

const query = z.strictObject({
  days: wholeNumber({ min: 1, max: 366, fallback: 30 }).meta({ description: 'Days of history, including today' }),
});

const chargedSchema = z
  .object({
    day: z.iso.date().meta({ description: 'In UTC' }),
    completed: z.int().meta({ description: 'Completed jobs; these are charged' }),
    pages: z.int(),
    bytes: z.int(),
  })
  .meta({ id: 'UsageOfDay' });

const limitSchema = z
  .object({
    name: z.enum(['minute', 'day']),
    limit: z.int().meta({ description: 'Requests in any 60 seconds, or in a UTC day' }),
    used: z.int(),
    remaining: z.int(),
    resetSeconds: z.int().meta({ description: 'Seconds until `remaining` rises' }),
  })
  .meta({ id: 'UsageOfLimit' });

const usageSchema = z
  .object({
    tier: z.string(),
    limits: z.array(limitSchema).meta({ description: "The tier's limits; empty if it has none" }),
    today: chargedSchema,
    history: z.array(chargedSchema).meta({ description: 'Days with completed jobs, newest first' }),
  })
  .meta({ id: 'Usage' });

export function getUsageRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/usage',
    scope: 'usage:read',
    operationId: 'getUsage',
    summary: "Use of the tier's limits, and charged jobs",
    requestParams: { query },
    responses: { 200: jsonResponse('The usage', usageSchema) },
    problems: ['invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId, tier } = principal;
      const { days } = readQuery(c, query);
      const { allowances, today, history } = await underWay.reading(userId, () =>
        deps.readRouter.read((db) => readUsage(db, { userId, limits: tier, days })),
      );
      const limits = allowances.map(({ name, quota: limit, used, remaining, resetSeconds }) => ({
        name,
        limit,
        used,
        remaining,
        resetSeconds,
      }));
      return c.json({ tier: tier.name, limits, today, history } satisfies z.infer<typeof usageSchema>);
    },
  };
}

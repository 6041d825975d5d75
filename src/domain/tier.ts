import { z } from 'zod';
import { retentionSchema } from './retention.ts';

/** The tier of a user that is created without one. */
export const DEFAULT_TIER = 'starter';

/** The tiers that migrations create; an operator may change them, and add others. */
export const FIRST_TIERS = ['starter', 'professional', 'enterprise', 'system'];

/** Requests; a larger limit would never be reached. */
const MAX_LIMIT = 1_000_000_000;
const LIMIT = `allowed: a whole number from 1 to ${MAX_LIMIT}, or no limit`;

const limit = (per: string) =>
  z.int(LIMIT).min(1, LIMIT).max(MAX_LIMIT, LIMIT).nullable().describe(`Requests ${per}; null: no limit`);

export const tierNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'allowed: 1 to 32 of a-z, 0-9, _ and -, beginning with a letter')
  .meta({ example: 'professional' });

const PRIORITY = 'allowed: 0 (low), 1 (medium), 2 (high) or 3 (critical)';

export const tierSchema = z
  .strictObject({
    name: tierNameSchema,
    requestsPerMinute: limit('in any 60 seconds'),
    requestsPerDay: limit('in a UTC day'),
    priority: z.int(PRIORITY).min(0, PRIORITY).max(3, PRIORITY).describe('0 low … 3 critical'),
    retention: retentionSchema
      .nullable()
      .optional()
      .describe('Seconds that files are kept; null or absent: as the setting `PDF_RETENTION` of the service says'),
  })
  .meta({ id: 'Tier' });

/** A plan: what its users may do. */
export type Tier = z.infer<typeof tierSchema>;

/** How many requests are accepted at most; null: no limit. */
export type Limits = Pick<Tier, 'requestsPerMinute' | 'requestsPerDay'>;

import type { z } from 'zod';
import { type Tier, tierSchema } from './tier.ts';

/** What a user may do that differs from their tier. A field that is absent is as the tier says. */
export const limitOverridesSchema = tierSchema.omit({ name: true }).partial().meta({
  id: 'LimitOverrides',
  description: 'Over the limits of the tier. An absent field is as the tier says; null is no limit',
});

export type LimitOverrides = z.infer<typeof limitOverridesSchema>;

/** What a user may do, with the name of their tier: as `pdfprompt_limits` in the database has it. */
export function limitsInForce(tier: Tier, own: LimitOverrides): Tier {
  return { ...tier, ...own };
}

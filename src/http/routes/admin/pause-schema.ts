import { z } from 'zod';
import { pauseReasonSchema, TARGET_ALLOWED } from '../../../domain/pause-target.ts';

export const pauseSchema = z
  .object({
    target: z.string().meta({ description: '`all`, `tier:NAME` or `user:ID`' }),
    email: z.string().nullable().meta({ description: 'Of a user' }),
    reason: z.string(),
    pausedAt: z.iso.datetime(),
  })
  .meta({ id: 'Pause' });

export const newPauseSchema = z
  .strictObject({ reason: pauseReasonSchema.meta({ description: 'Why; operators see it, users do not' }) })
  .meta({ id: 'NewPause' });

export const pauseParams = z.object({
  target: z.string().meta({ description: `Whose jobs; ${TARGET_ALLOWED}`, example: 'tier:starter' }),
});

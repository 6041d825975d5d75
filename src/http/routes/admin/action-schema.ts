import { z } from 'zod';
import { BULK_ACTIONS, BULK_RESULTS, BULK_STATUSES, type BulkResult } from '../../../domain/bulk-action.ts';
import { pageOf } from '../../schemas.ts';

const filter = z.record(z.string(), z.string()).meta({
  description:
    'Which jobs: fields as `GET /v1/admin/jobs` has them, such as `{"status": "failed", "metadata.order": "A-17"}`',
});

const jobs = (description: string) => z.int().min(0).meta({ description });

const results = z
  .object(
    Object.fromEntries(
      Object.entries(BULK_RESULTS).map(([name, text]) => [name, jobs(`Jobs: ${text}`).optional()]),
    ) as Record<BulkResult, z.ZodOptional<z.ZodInt>>,
  )
  .meta({ id: 'ActionResults', description: 'How many jobs ended in which way' });

export const newActionSchema = z
  .strictObject({
    action: z.enum(BULK_ACTIONS).meta({ description: '`replay` sends again what failed to be delivered' }),
    filter,
    dryRun: z.boolean().default(false).meta({ description: 'Only count the jobs' }),
  })
  .meta({ id: 'NewAction' });

export const actionCountSchema = z
  .object({
    jobs: jobs('That the filter finds, at most 10,000'),
    users: jobs('Whose they are'),
    isMore: z.boolean().meta({ description: 'Whether there are more than were counted' }),
  })
  .meta({ id: 'ActionCount' });

export const actionSchema = z
  .object({
    id: z.uuid(),
    action: z.enum(BULK_ACTIONS),
    filter,
    status: z.enum(BULK_STATUSES),
    expected: jobs('That were counted before it began'),
    isMore: z.boolean().meta({ description: 'Whether there were more than were counted' }),
    lookedAt: jobs('That it has come to'),
    results,
    startedBy: z
      .string()
      .nullable()
      .meta({ description: 'The id of the key, or of the user who did it in the console' }),
    createdAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Action' });

export const actionPage = pageOf(actionSchema);

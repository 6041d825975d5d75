import { z } from 'zod';
import { OFF_REASONS } from '../deliveries/webhook.ts';
import { DELIVERY_KINDS } from '../domain/delivery.ts';
import { eventTypeSchema } from '../domain/event-type.ts';
import { EVENT_VERSIONS } from '../domain/job-event.ts';
import { deliveryStatusSchema, listOf } from './schemas.ts';

const instant = z.iso.datetime();

export const webhookSchema = z
  .object({
    id: z.uuid(),
    url: z.string(),
    description: z.string().nullable(),
    events: z.array(eventTypeSchema).meta({ description: 'Of all your jobs and batches' }),
    version: z.literal(EVENT_VERSIONS).meta({ description: 'Of the payload' }),
    enabled: z.boolean(),
    disabledAt: instant.nullable(),
    disabledReason: z.enum(OFF_REASONS).nullable().meta({
      description: '`gone`: it answered 410; `failing`: it failed for three days; `asked`: you turned it off',
    }),
    createdAt: instant,
    deliveredAt: instant.nullable().meta({ description: 'The last success' }),
    failingSince: instant.nullable().meta({ description: 'The first failure since the last success' }),
    previousSecretUntil: instant.nullable().meta({
      description: 'Until then messages are signed with the secret before the last rotation too',
    }),
  })
  .meta({ id: 'Webhook' });

const secret = z.string().meta({ description: '`whsec_` and base64. Shown once', example: 'whsec_…' });

export const webhookWithSecretSchema = webhookSchema.extend({ secret }).meta({ id: 'WebhookWithSecret' });

export const signingSecretSchema = z
  .object({ secret, previousSecretUntil: webhookSchema.shape.previousSecretUntil })
  .meta({ id: 'SigningSecret' });

export const deliverySchema = z
  .object({
    id: z.uuid().meta({ description: 'The `webhook-id` of the message' }),
    kind: z.enum(DELIVERY_KINDS).meta({ description: '`report`: of how an upload has ended' }),
    jobId: z.uuid().nullable().meta({ description: 'Of the job that ended' }),
    batchId: z.uuid().nullable().meta({ description: 'Of the batch that ended. This and `jobId` null: a test' }),
    webhookId: z.uuid().nullable().meta({ description: 'null: the request names the URL' }),
    url: z.string().meta({ description: 'Without its query, which may be a credential' }),
    event: z
      .string()
      .nullable()
      .meta({ description: 'Such as `job.completed`; null while what it reports has not ended' }),
    status: deliveryStatusSchema,
    attempts: z.int(),
    createdAt: instant,
    nextAttemptAt: instant.nullable().meta({ description: 'null unless it waits for a time' }),
    endedAt: instant.nullable(),
    tries: z
      .array(
        z
          .object({
            number: z.int(),
            at: instant,
            ms: z.int(),
            status: z.int().nullable().meta({ description: 'Of the HTTP answer; null if there was none' }),
            error: z.string().nullable().meta({ description: 'null: it was a success' }),
            answer: z.string().nullable().meta({ description: 'The first kilobyte of the answer’s body' }),
          })
          .meta({ id: 'DeliveryAttempt' }),
      )
      .meta({ description: 'The last 20, oldest first' }),
  })
  .meta({ id: 'Delivery' });
export const deliveriesSchema = listOf(deliverySchema);

export const deliveryParams = (what: 'webhook' | 'job' | 'batch') =>
  z.object({
    id: z.string().meta({ description: `The ${what}'s id` }),
    deliveryId: z.string().meta({ description: "The delivery's id" }),
  });

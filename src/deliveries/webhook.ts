import { z } from 'zod';
import { webhook } from '../db/schema.ts';
import { checkedText, printable } from '../domain/check-input.ts';
import { EVENT_TYPES, type EventType, eventTypeSchema } from '../domain/event-type.ts';
import { EVENT_VERSIONS } from '../domain/job-event.ts';
import { urlProblem } from '../domain/source.ts';
import { deniedUrl } from '../egress/denied-url.ts';
import type { EgressPolicy } from '../egress/policy.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import type { OffReason } from './switch-off.ts';

const MAX_URL = 2_048;
const MAX_DESCRIPTION = 500;

/** Why a webhook is off: it answered 410, it failed for days, or its owner turned it off. */
export const OFF_REASONS = ['gone', 'failing', 'asked'] as const satisfies OffReason[];

/** A registered endpoint, as its owner sees it. Times are ISO 8601 in UTC. */
export interface Webhook {
  id: string;
  url: string;
  description: string | null;
  /** of all jobs and batches; those that name it send it theirs in any case */
  events: EventType[];
  /** of the payload */
  version: number;
  enabled: boolean;
  disabledAt: string | null;
  disabledReason: OffReason | null;
  createdAt: string;
  /** of the last success */
  deliveredAt: string | null;
  /** the first failure since the last success */
  failingSince: string | null;
  /** until then the secret before the last rotation signs too */
  previousSecretUntil: string | null;
}

/** A secret is shown by the request that makes it only. */
export type WebhookWithSecret = Webhook & { secret: string };

/** A URL may be longer when its characters are escaped. */
function targetProblem(text: string): string | undefined {
  const problem = urlProblem(text);
  return problem === undefined && new URL(text).href.length > MAX_URL
    ? `allowed: up to ${MAX_URL} characters, with those that are escaped`
    : problem;
}

export const webhookFields = z
  .strictObject({
    // One spelling of each URL, so that receivers are known by their hosts.
    url: checkedText(targetProblem, MAX_URL)
      .transform((text) => new URL(text).href)
      .meta({ description: 'http or https', format: 'uri' }),
    events: z
      .array(eventTypeSchema)
      .max(20)
      .default([...EVENT_TYPES])
      .describe('Of all your jobs and batches. `[]`: only of those that name it in their `webhook`'),
    description: printable(MAX_DESCRIPTION).optional(),
    version: z.literal(EVENT_VERSIONS).default(1).describe('Of the payload'),
    enabled: z.boolean().default(true).describe('`false`: nothing is sent; `true`: it is on again, whatever turned it off'),
  })
  .meta({ id: 'WebhookSettings' }); // prettier-ignore
export type WebhookFields = z.output<typeof webhookFields>;

/** All but the secrets, which those who read for a tenant cannot read. */
export const webhookColumns = {
  id: webhook.id,
  url: webhook.url,
  description: webhook.description,
  events: webhook.events,
  version: webhook.version,
  createdAt: webhook.createdAt,
  deliveredAt: webhook.deliveredAt,
  failingSince: webhook.failingSince,
  offSince: webhook.offSince,
  offReason: webhook.offReason,
  previousSecretUntil: webhook.previousSecretUntil,
};
type Row = Pick<typeof webhook.$inferSelect, keyof typeof webhookColumns>;

export function toWebhook(row: Row, now = new Date()): Webhook {
  const { previousSecretUntil: until } = row;
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    events: row.events,
    version: row.version,
    enabled: row.offSince === null,
    disabledAt: row.offSince?.toISOString() ?? null,
    disabledReason: row.offReason,
    createdAt: row.createdAt.toISOString(),
    deliveredAt: row.deliveredAt?.toISOString() ?? null,
    failingSince: row.failingSince?.toISOString() ?? null,
    previousSecretUntil: until && until > now ? until.toISOString() : null,
  };
}

/** @throws CodedError if nothing may be sent there, as far as the URL shows */
export function checkTarget(policy: Pick<EgressPolicy, 'denyHost'>, url: string): void {
  const message = deniedUrl(policy, url);
  if (message !== undefined) throw invalidFields([{ field: 'url', message }]);
}

export const noWebhook = () => new CodedError('not_found', 'there is no such webhook');

export const webhookOff = () =>
  new CodedError('webhook_off', 'the webhook is off; turn it on with PUT /v1/webhooks/{id}');

import { randomBytes } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';

const SECRET_BYTES = 32;
const MAX_SECONDS = 7 * 24 * 3600;
const SECONDS = `allowed: seconds, 0 (at once) to ${MAX_SECONDS}`;

/** A secret as Standard Webhooks has it: `whsec_` and the base64 of 32 random bytes. */
export const newSecret = () => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;

export const secretRotationSchema = z
  .strictObject({
    expiresIn: z
      .int(SECONDS)
      .min(0, SECONDS)
      .max(MAX_SECONDS, SECONDS)
      .default(24 * 3600)
      .describe('Seconds for which the old secret signs beside the new one; 0 ends it at once'),
  })
  .meta({ id: 'SecretRotation' });

/** The assignments that replace a secret. @param expiresIn seconds for which the old one signs beside it */
export function withNewSecret(expiresIn: number): SQL {
  const isKept = sql`${expiresIn}::integer > 0`;
  return sql`
    previous_secret = case when ${isKept} then secret end,
    previous_secret_until = case when ${isKept} then now() + ${expiresIn} * interval '1 second' end,
    secret = ${newSecret()}`;
}

export interface SigningSecret {
  secret: string;
  /** until then the secret before the last rotation signs too */
  previousSecretUntil: string | null;
}

export type SecretRow = { secret: string; until: string | null };

export function toSecret({ secret, until }: SecretRow): SigningSecret {
  const isOver = until === null || new Date(until) <= new Date();
  return { secret, previousSecretUntil: isOver ? null : new Date(until).toISOString() };
}

import { sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Database } from '../db/pools.ts';
import { noWebhook } from './webhook.ts';
import { type SecretRow, type SigningSecret, toSecret, withNewSecret } from './webhook-secret.ts';

/**
 * Replaces the secret of an endpoint.
 * @param expiresIn seconds for which the old secret signs beside the new one
 * @throws CodedError `not_found`
 */
export async function rotateSecret(
  db: Database,
  { userId, webhookId, expiresIn }: { userId: string; webhookId: string; expiresIn: number },
): Promise<SigningSecret> {
  const [row] = isUuid(webhookId)
    ? await db.execute<SecretRow>(sql`
        update pdfprompt_webhook set ${withNewSecret(expiresIn)}
        where id = ${webhookId} and user_id = ${userId} and deleted_at is null
        returning secret, previous_secret_until as until`)
    : [];
  if (!row) throw noWebhook();
  return toSecret(row);
}

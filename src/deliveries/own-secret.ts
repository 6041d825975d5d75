import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { newSecret, type SecretRow, type SigningSecret, toSecret, withNewSecret } from './webhook-secret.ts';

/** The secret that signs webhooks to URLs which jobs of this user name. It is made when it is first needed. */
export async function ownSecret(db: Queryable, userId: string): Promise<SigningSecret> {
  await db.execute(sql`
    insert into pdfprompt_webhook_secret (user_id, secret) values (${userId}, ${newSecret()}) on conflict do nothing`);
  const [row] = await db.execute<SecretRow>(sql`
    select secret, previous_secret_until as until from pdfprompt_webhook_secret where user_id = ${userId}`);
  if (!row) throw new Error('the secret was not written');
  return toSecret(row);
}

/** @param expiresIn seconds for which the old secret signs beside the new one */
export async function rotateOwnSecret(
  db: Queryable,
  { userId, expiresIn }: { userId: string; expiresIn: number },
): Promise<SigningSecret> {
  await ownSecret(db, userId);
  const [row] = await db.execute<SecretRow>(sql`
    update pdfprompt_webhook_secret set ${withNewSecret(expiresIn)}
    where user_id = ${userId} returning secret, previous_secret_until as until`);
  if (!row) throw new Error('the secret was not written');
  return toSecret(row);
}

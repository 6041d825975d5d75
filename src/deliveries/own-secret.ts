import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { webhookSecret } from '../db/schema.ts';

/** A secret as Standard Webhooks has it: `whsec_…`, 32 bytes. */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** The secret that signs webhooks to URLs which jobs of this user name. It is made when it is first needed. */
export async function ownSecret(db: Queryable, userId: string): Promise<string> {
  // The update changes nothing: it makes the row of another process visible here.
  const [row] = await db.execute<{ secret: string }>(sql`
    insert into ${webhookSecret} as own (user_id, secret) values (${userId}, ${newSecret()})
    on conflict (user_id) do update set secret = own.secret returning secret`);
  if (!row) throw new Error('the secret was not written');
  return row.secret;
}

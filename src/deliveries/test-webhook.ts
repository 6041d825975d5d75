import { sql } from 'drizzle-orm';
import { v7 as uuidv7, validate as isUuid } from 'uuid';
import type { Database } from '../db/pools.ts';
import { TEST_EVENT } from '../domain/test-event.ts';
import { CodedError } from '../kernel/errors.ts';
import { noWebhook } from './webhook.ts';

/** Tests of one tenant in a minute: each is a request to any address. */
const MAX_TESTS = 10;

/**
 * Makes a delivery without a job or a batch, for an endpoint that is off too: before it is turned on again it may be tried.
 * @returns its id
 * @throws CodedError `not_found`; `rate_limited` after ten within a minute
 */
export async function testWebhook(
  db: Database,
  { userId, webhookId }: { userId: string; webhookId: string },
): Promise<string> {
  if (!isUuid(webhookId)) throw noWebhook();
  const id = uuidv7();
  await db.transaction(async (tx) => {
    const [endpoint] = await tx.execute<{ host: string }>(sql`
      select host from pdfprompt_webhook
      where id = ${webhookId} and user_id = ${userId} and deleted_at is null for no key update`);
    if (!endpoint) throw noWebhook();
    const tests = await tx.execute(sql`
      select 1 from pdfprompt_delivery
      where job_id is null and batch_id is null and created_at > now() - interval '1 minute' and user_id = ${userId} limit ${MAX_TESTS}`);
    if (tests.length === MAX_TESTS)
      throw new CodedError('rate_limited', `allowed: ${MAX_TESTS} tests of your webhooks a minute`, {
        retryAfterSeconds: 60,
      });
    await tx.execute(sql`
      insert into pdfprompt_delivery (id, user_id, kind, asked, webhook_id, host, event, status, ready_at)
      values (${id}, ${userId}, 'webhook', true, ${webhookId}, ${endpoint.host}, ${TEST_EVENT}, 'ready', clock_timestamp())`);
    await tx.execute(sql`select pg_notify('pdfprompt_deliveries', '')`);
  });
  return id;
}

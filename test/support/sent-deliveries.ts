import { v7 as uuidv7 } from 'uuid';
import type { Client } from '../../src/db/driver.ts';

/** Endpoints and deliveries of a tenant, as a sender leaves them. */
export interface SentDeliveries {
  /** endpoints: of one all is well, one fails since two hours, one is gone, one was turned off */
  well: string;
  failing: string;
  gone: string;
  asked: string;
  /** deliveries of the job, by their status */
  failed: string;
  waiting: string;
  delivered: string;
}

/** What its owner may see of an answer, and what would harm a page that is careless with it. */
export const ANSWER = '<script>alert(1)</script> { "error": "no" }';

/** Writes endpoints of a user and deliveries of a job of theirs, with attempts, next to those that are there. */
export async function sentDeliveries(
  sql: Client,
  { userId, jobId, event = 'job.completed' }: { userId: string; jobId: string; event?: string },
): Promise<SentDeliveries> {
  const endpoint = async (
    path: string,
    { offReason = null, hours }: { offReason?: string | null; hours?: number } = {},
  ) => {
    const id = uuidv7();
    const failingSince = hours === undefined ? null : new Date(Date.now() - hours * 3_600_000);
    await sql`insert into pdfprompt_webhook (id, user_id, url, events, secret, delivered_at, failing_since, off_reason, off_since)
      values (${id}, ${userId}, ${`https://hooks.example.com/${path}?token=canary-2`}, '{job.completed,job.failed}', 'whsec_canary-3',
        now() - interval '1 day', ${failingSince}, ${offReason}, ${offReason && new Date()})`;
    return id;
  };
  const delivery = async (status: string, where: { webhookId?: string; url?: string; kind?: string }, tries: Try[]) => {
    const id = uuidv7();
    const isOver = ['delivered', 'failed', 'cancelled'].includes(status);
    await sql`insert into pdfprompt_delivery (id, user_id, job_id, kind, webhook_id, url, host, event, status, attempts, ready_at, due_at, ended_at)
      values (${id}, ${userId}, ${jobId}, ${where.kind ?? 'webhook'}, ${where.webhookId ?? null}, ${where.url ?? null}, 'hooks.example.com',
        ${event}, ${status}, ${tries.length}, now(), ${status === 'waiting' ? new Date(Date.now() + 250_000) : null}, ${isOver ? new Date() : null})`;
    for (const [index, { code = null, error = null, answer = null }] of tries.entries())
      await sql`insert into pdfprompt_delivery_attempt (delivery_id, number, at, ms, status, error, answer)
        values (${id}, ${index + 1}, now() - interval '1 minute', ${120 + index}, ${code}, ${error}, ${answer})`;
    return id;
  };
  const well = await endpoint('well');
  const failing = await endpoint(`failing/${'long'.repeat(20)}`, { hours: 2 });
  const gone = await endpoint('gone', { offReason: 'gone', hours: 1 });
  const asked = await endpoint('asked', { offReason: 'asked' });
  const failed = await delivery('failed', { webhookId: failing }, [
    { error: 'the connection timed out' },
    { code: 500, answer: ANSWER },
    { code: 302, error: 'redirects are not followed' },
  ]);
  const waiting = await delivery('waiting', { url: 'https://put.example.com/bucket/invoice.pdf?signature=canary-4', kind: 'upload' }, [{ code: 503, answer: 'x'.repeat(1_024) }]); // prettier-ignore
  const delivered = await delivery('delivered', { webhookId: well }, [{ code: 204 }]);
  await delivery('failed', { webhookId: gone }, []);
  return { well, failing, gone, asked, failed, waiting, delivered };
}

interface Try {
  code?: number;
  error?: string;
  answer?: string;
}

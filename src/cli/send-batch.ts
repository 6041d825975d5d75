import { createHash, randomUUID } from 'node:crypto';
import type { Batch, BatchResult } from '../domain/batch.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { type BatchRows, readRows } from './batch-rows.ts';
import type { PatientClient } from './patient-client.ts';
import { StallGuard } from './stall-guard.ts';

/** A batch, as the API takes it, without its items. */
export interface BatchBody {
  request: Record<string, unknown>;
  result: BatchResult;
  onBadRow?: 'refuse' | 'skip';
}

/**
 * Sends a batch. The same body with the same rows is the same batch, however often they are sent.
 * @param salt makes it another one
 * @param onSent is called with the bytes of the rows that are sent
 * @throws Refusal with the rows that are not valid
 */
export async function sendBatch(
  client: PatientClient,
  { body, rows, salt = '' }: { body: BatchBody; rows: BatchRows; salt?: string | undefined },
  onSent: (sent: number) => void,
): Promise<{ batch: Batch; isNew: boolean }> {
  const key = createHash('sha256')
    .update(canonicalJson([body, rows.format, rows.hash, salt]))
    .digest('hex');
  return client.attempt(async () => {
    const boundary = `pdfprompt-${randomUUID()}`;
    const guard = new StallGuard(client.signal);
    const failed: { error?: unknown } = {};
    const onPiece = (sent: number) => {
      guard.moved();
      onSent(sent);
    };
    // What the service does with all of the rows takes longer than anything else.
    const onEnd = () => guard.stop();
    const pieces = multipart({ body, rows, boundary }, onPiece, onEnd, failed);
    try {
      const response = await client.once({
        method: 'POST',
        path: '/v1/batches',
        headers: { 'Idempotency-Key': `batch-${key}` },
        body: pieces,
        type: `multipart/form-data; boundary=${boundary}`,
        signal: guard.signal,
        timeoutMs: Infinity,
      });
      return { batch: (await response.json()) as Batch, isNew: response.status === 202 };
    } catch (error) {
      throw failed.error ?? error;
    } finally {
      guard.stop();
    }
  });
}

/** @param failed where an error of the file goes, which otherwise would be taken for one of the connection */
async function* multipart(
  { body, rows, boundary }: { body: BatchBody; rows: BatchRows; boundary: string },
  onPiece: (sent: number) => void,
  onEnd: () => void,
  failed: { error?: unknown },
): AsyncGenerator<Uint8Array> {
  const part = (headers: string) => `--${boundary}\r\nContent-Disposition: form-data; ${headers}\r\n\r\n`;
  yield Buffer.from(`${part('name="request"')}${JSON.stringify(body)}\r\n`);
  yield Buffer.from(part(`name="items"; filename="items.${rows.format}"\r\nContent-Type: ${rows.type}`));
  let sent = 0;
  try {
    for await (const piece of readRows(rows)) {
      yield piece;
      onPiece((sent += piece.length));
    }
  } catch (error) {
    failed.error = error;
    throw error;
  }
  onEnd();
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
}

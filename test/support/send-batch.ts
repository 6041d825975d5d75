import type { Batch } from '../../src/domain/batch.ts';

/** @param common what the rows have in common, and of the batch: `request`, `result`, … */
export function batchForm(common: object, csv: string): FormData {
  const form = new FormData();
  form.set('request', JSON.stringify(common));
  form.set('items', new Blob([csv], { type: 'text/csv' }), 'rows.csv');
  return form;
}

interface SentRows {
  common: object;
  csv: string;
  idempotencyKey?: string;
}

/** Sends rows as `curl -F request=… -F items=@rows.csv` does. @returns the batch @throws if it is refused */
export async function acceptRows(
  address: string,
  key: string,
  { common, csv, idempotencyKey }: SentRows,
): Promise<Batch> {
  const response = await fetch(`${address}/v1/batches`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    },
    body: batchForm(common, csv),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST /v1/batches answered ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as Batch;
}

import type { Batch } from '../domain/batch.ts';
import type { PatientClient } from './patient-client.ts';

const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 1_000;

/** Reads a batch again and again. @returns it, when it has ended */
export async function followBatch(client: PatientClient, id: string, onBatch: (batch: Batch) => void): Promise<Batch> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.3, LAST_PAUSE_MS)) {
    const batch = await client.json<Batch>({ method: 'GET', path: `/v1/batches/${encodeURIComponent(id)}` });
    onBatch(batch);
    if (batch.completedAt !== null) return batch;
    await client.pause(pauseMs);
  }
}

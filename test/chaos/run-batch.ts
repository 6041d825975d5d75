import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../src/db/driver.ts';
import { BatchClients } from './batch-clients.ts';
import { judgeBatches } from './batch-oracle.ts';
import { BatchReceiver } from './batch-receiver.ts';
import { Clients } from './clients.ts';
import { crash, FAULTS } from './faults.ts';
import { judge } from './oracle.ts';
import { type ChaosOptions, type ChaosReport, keysOfJobs, type Load, runChaos, type Scene } from './run.ts';
import { Sender } from './sender.ts';

/** Single jobs beside the batch, one for so many of its rows. */
const ROWS_A_SINGLE = 20;
const SINGLE_SLOTS = 2;
/** Milliseconds for which what is still to be sent may take. */
const DELIVERING_MS = 120_000;

/** Everything that can happen to jobs, and to a batch that is accepted. */
export const BATCH_FAULTS: typeof FAULTS = {
  ...FAULTS,
  'crash: batch.parts': crash('batch.parts', 'apis'),
  'crash: batch.items': crash('batch.items', 'apis'),
  'crash: batch.committed': crash('batch.committed', 'apis'),
};

/** A large batch, beside it small ones, which are cancelled, retried and fetched as zips, and single jobs. */
export function runBatchChaos(options: ChaosOptions): Promise<ChaosReport> {
  return runChaos(options, batches);
}

async function batches({ directory, sql, addresses, keys, jobs, onProgress }: Scene): Promise<Load> {
  const [large = '', small = '', third = ''] = keys;
  const sender = new Sender(addresses);
  const receiver = await BatchReceiver.open();
  const clients = new BatchClients({ sender, keys: { large, small }, rows: jobs, webhook: receiver.url });
  const singles = new Clients({
    sender,
    keys: [large, third],
    jobs: Math.ceil(jobs / ROWS_A_SINGLE),
    slots: SINGLE_SLOTS,
    pauseMs: () => 500 + Math.random() * 2_000,
    ledgerPath: join(directory, 'ledger.jsonl'),
  });
  return {
    env: { EGRESS_ALLOW: `127.0.0.1:${receiver.port}` },
    faults: BATCH_FAULTS,
    done: () => clients.done,
    run: async () => {
      await Promise.all([clients.run(), singles.run()]);
      onProgress('the batches have ended; waiting for what is to be sent');
      await untilSent(sql);
    },
    sentAgain: () => sender.refused,
    judge: async (faulted) => {
      const address = addresses[0] ?? '';
      const ofBatches = new Set(
        (await sql<{ id: string }[]>`select id from pdfprompt_job where idempotency_key is null`).map(({ id }) => id),
      );
      const keyOf = await keysOfJobs(sql, keys);
      return [
        ...(await judgeBatches({ sql, clients, got: receiver.got, address, directory, faulted })),
        ...(await judge({ sql, ledger: singles.ledger, address, keyOf, faulted, ofBatches })),
      ];
    },
    close: () => receiver.close(),
  };
}

/** Pauses of minutes, after a try that failed, are cut short. */
async function untilSent(sql: Client): Promise<void> {
  for (const until = performance.now() + DELIVERING_MS; performance.now() < until; await sleep(1_000)) {
    await sql`update pdfprompt_delivery set due_at = now() where status = 'waiting'`.catch(() => undefined);
    const [row] = await sql<{ left: number }[]>`
      select count(*)::int as left from pdfprompt_delivery where ended_at is null`.catch(() => []);
    if (row?.left === 0) return;
  }
}

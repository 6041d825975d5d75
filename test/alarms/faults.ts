import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, connect } from '../../src/db/driver.ts';
import type { Member } from '../chaos/fleet.ts';
import type { OwnPostgres } from '../support/postgres.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import type { Receiver } from './receiver.ts';
import type { WorkerBeside } from './worker-beside.ts';

export interface Target {
  api: Member;
  worker: Member;
  primary: OwnPostgres;
  standby: OwnPostgres | undefined;
  beside: WorkerBeside | undefined;
  /** of a webhook of every document */
  receiver: Receiver | undefined;
  /** the only process that sends webhooks */
  sender: Member | undefined;
  /** of the worker's session to the database */
  way: TcpProxy | undefined;
  /** the directory with the PDFs, if they are in one */
  store: string | undefined;
  sql: Client;
  address: string;
  key: string;
  /** aborted when what was planted may go */
  signal: AbortSignal;
}

interface Fault {
  /** the worker's session goes a way of its own, which can be closed */
  needsWayForSession?: boolean;
  /** alerts without the name before them */
  expected: string[];
  /** and what may follow from it, as docs/runbooks says */
  consequences: string[];
  needsStandby?: boolean;
  needsStore?: boolean;
  /** the directory with the PDFs is a disk of its own, of so many megabytes */
  needsDisk?: number;
  needsWorkerBeside?: boolean;
  /** every document has a webhook, which is sent by the worker, so many at a time, or by a process of its own */
  needsReceiver?: { sentBy: 'worker' | 'sender'; atATime: number };
  /** what users send from the start on, if that is the fault */
  documents?: object;
  plant: (target: Target) => Promise<void>;
}

const nothing = async () => undefined;

/** Everything that can be planted, and what it has to set off. */
export const FAULTS: Record<string, Fault> = {
  'none, for a while': { expected: [], consequences: [], plant: nothing },
  'the worker stands still': {
    expected: ['NoWorkers', 'ProcessDown'],
    consequences: ['QueueDepth', 'QueueStalled'],
    plant: async ({ worker }) => void process.kill(worker.pid, 'SIGSTOP'),
  },
  'the worker is killed and not started again': {
    expected: ['NoWorkers', 'ProcessDown'],
    consequences: ['QueueDepth'],
    plant: async ({ worker }) => {
      process.kill(worker.pid, 'SIGKILL');
      await worker.end();
    },
  },
  'the worker is killed and started again': {
    expected: ['WorkerLost'],
    consequences: ['NoWorkers', 'ProcessDown'], // a start may take longer than two minutes shortened
    plant: async ({ worker }) => worker.signal('SIGKILL'),
  },
  "the worker's session is cut and cannot come back": {
    expected: ['WorkerCutOff'],
    consequences: ['QueueDepth', 'QueueStalled'], // it is the only one, and claims nothing
    needsWayForSession: true,
    plant: async ({ way }) => way?.refuse(),
  },
  'documents are slow': {
    expected: ['GenerationSlow'],
    consequences: ['QueueDepth', 'QueueStalled'], // they fill the slots
    documents: { html: '<p>slow</p>', waitForTimeout: 16_000 },
    plant: nothing,
  },
  'documents fail': {
    expected: ['ErrorRateHigh'],
    consequences: [],
    documents: { html: '<p>wrong</p>', options: { pageRanges: '7' } },
    plant: nothing,
  },
  'receivers fail': {
    expected: ['DeliveriesFailing'],
    consequences: [],
    needsReceiver: { sentBy: 'worker', atATime: 16 },
    plant: async ({ receiver }) => receiver?.will('fail'),
  },
  'receivers are slow': {
    expected: ['DeliveriesBehind'],
    consequences: [],
    needsReceiver: { sentBy: 'worker', atATime: 2 },
    plant: async ({ receiver }) => receiver?.will('answer late'),
  },
  'the process that sends is killed and not started again': {
    expected: ['DeliveriesStalled', 'ProcessDown'],
    consequences: ['DeliveriesBehind'],
    needsReceiver: { sentBy: 'sender', atATime: 16 },
    plant: async ({ sender }) => {
      process.kill(sender?.pid ?? 0, 'SIGKILL');
      await sender?.end();
    },
  },
  'the counts of a batch are locked': {
    expected: ['BatchStalled'],
    // Its items hold the slots, and connections.
    consequences: ['QueueDepth', 'QueueStalled', 'DatabaseConnectionsHigh', 'GenerationSlow', 'ErrorBudgetBurn', 'ErrorRateHigh', 'JobsDead'], // prettier-ignore
    plant: async ({ primary, signal, address, key }) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const items = Array.from({ length: 4 }, () => ({ html: '<p>item</p>' }));
      const body = JSON.stringify({ request: { waitForTimeout: 5_000 }, items });
      const response = await fetch(`${address}/v1/batches`, { method: 'POST', headers, body });
      if (!response.ok) throw new Error(await response.text());
      const holder = connect(primary.url, { max: 1 });
      await holder.unsafe(
        'begin; set local idle_in_transaction_session_timeout = 0; lock table pdfprompt_batch_count in exclusive mode',
      );
      signal.addEventListener('abort', () => void holder.end({ timeout: 0 }));
    },
  },
  'backups are not made any longer': {
    expected: ['BackupOld'],
    consequences: [],
    plant: async ({ sql }) => {
      await sql`
        insert into pdfprompt_backup (id, taken_at, ended_at, bytes, files, version)
        values (gen_random_uuid(), now() - interval '3 days', now() - interval '3 days', 1, 0, 'old')`;
    },
  },
  "the worker's session is cut again and again": {
    expected: ['SessionsLost'],
    consequences: ['WorkerCutOff', 'WorkerLost'], // if it takes long to get another
    needsWayForSession: true,
    plant: async ({ way }) => {
      for (let times = 0; times < 5; times++) {
        way?.cut();
        await sleep(4_000);
      }
    },
  },
  'the disk of the PDFs is nearly full': {
    expected: ['DiskLow'],
    consequences: [],
    needsStore: true,
    needsDisk: 100,
    plant: async ({ store = '' }) => writeFile(join(store, 'logs'), Buffer.alloc(83 * 1024 ** 2)),
  },
  'memory is short': {
    expected: ['MemoryHigh'],
    consequences: ['QueueDepth', 'QueueStalled'],
    needsWorkerBeside: true,
    plant: async ({ beside }) => {
      if (beside) beside.ratio = 0.87;
    },
  },
  'the directory with the PDFs is not mounted': {
    expected: ['NoRoom'],
    consequences: ['QueueDepth', 'QueueStalled'],
    needsStore: true,
    plant: async ({ store = '' }) => rename(store, `${store}.away`),
  },
  'connections are held': {
    expected: ['DatabaseConnectionsHigh'],
    consequences: ['ErrorBudgetBurn', 'QueueUnseen', 'ReplicaLeft', 'QueueDepth', 'QueueStalled'],
    plant: async ({ primary, signal }) => {
      const held = Array.from({ length: 45 }, () => connect(primary.url, { max: 1 }));
      await Promise.all(held.map((client) => client`select 1`));
      signal.addEventListener('abort', () => {
        for (const client of held) void client.end({ timeout: 0 });
      });
    },
  },
  'the table of jobs is locked': {
    expected: ['DatabaseConnectionsHigh', 'ErrorBudgetBurn'],
    consequences: ['QueueUnseen', 'QueueStalled', 'QueueDepth', 'NoWorkers'],
    plant: async ({ primary, signal, address, key }) => {
      const holder = connect(primary.url, { max: 1 });
      await holder.unsafe('begin; lock table pdfprompt_job in access exclusive mode');
      signal.addEventListener('abort', () => void holder.end({ timeout: 0 }));
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const body = JSON.stringify({ html: '<p>held</p>' });
      const press = async () => {
        while (!signal.aborted)
          await fetch(`${address}/v1/jobs`, { method: 'POST', headers, body, signal }).catch(() => undefined);
      };
      for (let client = 0; client < 12; client++) void press();
    },
  },
  'the database is away': {
    expected: ['QueueUnseen', 'ErrorBudgetBurn'],
    consequences: ['NoWorkers', 'QueueStalled', 'QueueDepth'],
    plant: async ({ primary }) => primary.stop('immediate'),
  },
  'the replica is stopped': {
    expected: ['ReplicaLeft'],
    consequences: ['ReplicaLagging'],
    needsStandby: true,
    plant: async ({ standby }) => standby?.stop('immediate'),
  },
  'everything is killed': {
    expected: ['AllDown', 'ProcessDown'],
    consequences: ['NoWorkers', 'QueueStalled', 'QueueUnseen'],
    plant: async ({ api, worker }) => {
      await Promise.all(
        [api, worker].map((member) => {
          process.kill(member.pid, 'SIGKILL');
          return member.end();
        }),
      );
    },
  },
};

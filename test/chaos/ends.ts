import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Principal } from '../../src/accounts/principals.ts';
import type { Client } from '../../src/db/driver.ts';
import type { Database } from '../../src/db/pools.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { cancelJob } from '../../src/jobs/cancel.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { submitJob } from '../../src/jobs/submit.ts';
import { JobQueue } from '../../src/queue/boss.ts';
import { Stores } from '../../src/storage/stores.ts';
import { forgetfulLimiter } from '../support/accounts.ts';
import { doneWith } from '../support/outcomes.ts';
import { silentEvents } from '../support/silent-events.ts';
import type { ReceiverKind } from './receivers.ts';

export const END_EVENTS = ['job.completed', 'job.failed', 'job.cancelled'] as const;
type EndEvent = (typeof END_EVENTS)[number];

export interface Endpoint {
  id: string;
  kind: ReceiverKind;
  events: readonly EndEvent[];
  /** the newest last */
  secrets: string[];
}

export interface Tenant {
  principal: Principal;
  endpoints: Endpoint[];
}

/** A job, and how it was made to end. */
export interface EndedAs {
  id: string;
  tenant: Tenant;
  event: EndEvent;
  /** of its file */
  bytes: string;
  /** a URL that its request names, or an endpoint */
  webhook?: { kind: ReceiverKind; path: string } | Endpoint;
  upload?: { kind: ReceiverKind; path: string };
}

/** One job of a hundred in hundredths; the rest asks for nothing. */
const WEBHOOKS: Partial<Record<ReceiverKind, number>> = {
  good: 16, slow: 4, failing: 4, busy: 3, lying: 4, garbage: 2, 'cut off': 2, endless: 2, redirecting: 1, gone: 1, dead: 1, untrusted: 1,
}; // prettier-ignore
const UPLOADS: Partial<Record<ReceiverKind, number>> = {
  good: 6, failing: 2, lying: 2, 'cut off': 1, redirecting: 1, gone: 1, dead: 1,
}; // prettier-ignore
/** Those that hang take seconds of a slot: a few jobs have them. */
const HANGING: Record<number, ReceiverKind> = { 150: 'hanging', 290: 'silent' };
const JOBS_A_ROUND = 16;

function drawn(table: Partial<Record<ReceiverKind, number>>): ReceiverKind | undefined {
  let left = Math.random() * 100;
  return (Object.entries(table) as [ReceiverKind, number][]).find(([, share]) => (left -= share) < 0)?.[0];
}

interface EndsOptions {
  db: Database;
  sql: Client;
  tenants: Tenant[];
  urlOf: (kind: ReceiverKind, path: string) => string;
}

/** Submits jobs, and has each end in its own way: through the functions that the service has for it. */
export class Ends {
  readonly ledger: EndedAs[] = [];
  readonly #options: EndsOptions;
  readonly #workerId = uuidv7();

  constructor(options: EndsOptions) {
    this.#options = options;
  }

  async run(jobs: number): Promise<void> {
    const { db, sql } = this.#options;
    const queue = new JobQueue({ db, supervise: false, onError: () => undefined });
    await queue.start();
    await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${this.#workerId}, 'chaos', 1, ${JOBS_A_ROUND}, 'chaos')`;
    for (let next = 0; next < jobs; next += JOBS_A_ROUND) {
      await sql`update pdfprompt_worker set seen_at = now() where id = ${this.#workerId}`;
      const numbers = Array.from({ length: Math.min(JOBS_A_ROUND, jobs - next) }, (_, index) => next + index);
      const submitted = await Promise.all(numbers.map((number) => this.#submit(number)));
      await this.#endAll(queue, submitted);
      this.ledger.push(...submitted);
    }
    await queue.stop();
  }

  async #submit(number: number): Promise<EndedAs> {
    const { db, tenants, urlOf } = this.#options;
    const tenant = tenants[number % tenants.length] as Tenant;
    const event = END_EVENTS[[0, 0, 0, 1, 2][Math.floor(Math.random() * 5)] ?? 0] ?? 'job.completed';
    const kind = HANGING[number % 501] ?? drawn(WEBHOOKS);
    const own = tenant.endpoints[Math.floor(Math.random() * tenant.endpoints.length)];
    const owner = tenants.indexOf(tenant);
    const webhook = kind ? { kind, path: `/url/${owner}/${number}` } : number % 10 === 0 ? own : undefined;
    const uploadKind = drawn(UPLOADS);
    const upload = uploadKind && { kind: uploadKind, path: `/upload/${owner}/${number}` };
    const parsed = parsePdfRequest({
      html: '<p>x</p>',
      metadata: { number },
      ...(webhook && { webhook: 'id' in webhook ? webhook.id : urlOf(webhook.kind, webhook.path) }),
      ...(upload && { upload: { url: urlOf(upload.kind, `${upload.path}?X-Amz-Signature=abc`), headers: { 'x-number': String(number) } } }), // prettier-ignore
    });
    if (!parsed.ok) throw new Error(`the request is not valid: ${JSON.stringify(parsed)}`);
    const deps = { db, reads: db, limiter: forgetfulLimiter(), events: silentEvents() };
    const { job } = await submitJob(deps, { principal: tenant.principal, request: parsed.request });
    const bytes = `%PDF-1.7 ${number} ${randomBytes(20)
      .toString('hex')
      .repeat(1 + (number % 50))}`;
    return { id: job.id, tenant, event, bytes, ...(webhook && { webhook }), ...(upload && { upload }) };
  }

  async #endAll(queue: JobQueue, all: EndedAs[]): Promise<void> {
    const { db } = this.#options;
    const events = silentEvents();
    const cancel = ({ id: jobId, tenant }: EndedAs) =>
      cancelJob({ db, queue, events }, { userId: tenant.principal.userId, jobId, requestId: undefined });
    const left = new Map(all.map((each) => [each.id, each]));
    // One half of those that are cancelled wait in the queue, the other is under way.
    for (const each of all)
      if (each.event === 'job.cancelled' && Math.random() < 0.5 && left.delete(each.id)) await cancel(each);
    while (left.size > 0) {
      const claimed = await claimJobs({ db, queue, events }, { workerId: this.#workerId, count: JOBS_A_ROUND });
      await Promise.all(
        claimed.map(async (job) => {
          const each = left.get(job.id);
          if (!each) throw new Error('another job was claimed');
          left.delete(job.id);
          if (each.event === 'job.cancelled') return cancel(each);
          const deps = { db, queue, stores: new Stores({ pdfStore: { kind: 'postgres' } }), retentionMs: 3_600_000 };
          const outcome =
            each.event === 'job.completed'
              ? doneWith(Buffer.from(each.bytes))
              : ({ kind: 'reject', code: 'render_timeout', message: 'too slow' } as const);
          const finish = await finishJob(deps, job, outcome);
          if (`job.${finish}` !== each.event) throw new Error(`${each.id} is ${finish}`);
        }),
      );
    }
  }
}

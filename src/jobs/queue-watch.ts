import { and, eq, gt, sql } from 'drizzle-orm';
import { v4 as uuidv4 } from 'uuid';
import type { Database, Queryable } from '../db/pools.ts';
import { lease } from '../db/schema.ts';
import type { DeliveryFigures } from '../domain/delivery-figures.ts';
import { nextScale, type QueueCount, type ScalePolicy, type ScaleState } from '../domain/desired-workers.ts';
import type { BatchFigures } from '../domain/batch-figures.ts';
import { PRIORITY_NAMES } from '../domain/priority.ts';
import { type QueueFigures, queueFiguresSchema } from '../domain/queue-figures.ts';
import { CodedError } from '../kernel/errors.ts';
import { waitBriefly } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Events } from '../telemetry/events.ts';
import { countBatches } from './count-batches.ts';
import { countDeliveries } from './count-deliveries.ts';
import { type MadeBackup, readLastBackup } from './last-backup.ts';
import { COUNT_PAUSED, COUNT_SCHEDULED, readGroups } from './queue-overview.ts';

interface QueueWatchOptions {
  /** the pool for slow statements: counting a long queue takes time */
  db: Database;
  events: Events;
  policy: ScalePolicy;
  /** milliseconds between two counts */
  everyMs?: number;
}

/** Seconds without a heartbeat after which a worker is marked lost. */
export const SILENCE_SECONDS = 10;
const LEASE = 'queue figures';
const EVERY_MS = 5_000;
/** Intervals without a count after which the lease expires. */
const LEASE_INTERVALS = 3;
/** Counting takes at most this part of the time. */
const MAX_SHARE = 1 / 20;

/**
 * Counts the queue, the open batches, and what is still to be sent, for all processes. Only the process that holds the lease exports the figures, so that sums over
 * instances are right. If it dies, another takes over within four intervals.
 */
export class QueueWatch extends Lifecycle<Required<QueueWatchOptions>> {
  readonly #holder = uuidv4();
  #counted:
    | {
        figures: QueueFigures;
        batches: BatchFigures;
        deliveries: DeliveryFigures;
        backup: MadeBackup | undefined;
        until: number;
      }
    | undefined;

  constructor(options: QueueWatchOptions) {
    super({ everyMs: EVERY_MS, ...options });
  }

  /** The last figures; undefined: another process exports them. */
  get figures(): QueueFigures | undefined {
    return this.#valid?.figures;
  }

  /** The last figures of the open batches, likewise. */
  get batches(): BatchFigures | undefined {
    return this.#valid?.batches;
  }

  /** The last figures of what is sent, likewise. */
  get deliveries(): DeliveryFigures | undefined {
    return this.#valid?.deliveries;
  }

  /** The last backup; undefined too if none was made. */
  get backup(): MadeBackup | undefined {
    return this.#valid?.backup;
  }

  get #valid() {
    return this.#counted && this.#counted.until > performance.now() ? this.#counted : undefined;
  }

  protected async onStart(): Promise<void> {
    const { events, everyMs } = this.options;
    let tookMs = 0;
    void this.repeat(
      () => Math.max(everyMs, tookMs / MAX_SHARE),
      async () => {
        const startedAt = performance.now();
        await this.#count(startedAt).catch((error: unknown) => events.backgroundFailed('counting the queue', error));
        tookMs = performance.now() - startedAt;
      },
    );
  }

  protected override async onStop(): Promise<void> {
    await waitBriefly(this.#releaseLease()); // otherwise it expires
    this.#counted = undefined;
  }

  async #releaseLease(): Promise<void> {
    if (this.figures) await this.options.db.delete(lease).where(this.#isHeld);
  }

  get #isHeld() {
    return and(eq(lease.name, LEASE), eq(lease.holder, this.#holder));
  }

  async #count(startedAt: number): Promise<void> {
    const { db, policy, everyMs } = this.options;
    const leaseMs = LEASE_INTERVALS * everyMs;
    const [held] = await db.execute<{ state: ScaleState | null }>(sql`
      insert into ${lease} as l (name, holder, expires_at)
      values (${LEASE}, ${this.#holder}, now() + ${leaseMs / 1000} * interval '1 second')
      on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
      where l.holder = excluded.holder or l.expires_at < now()
      returning state`);
    if (!held) return void (this.#counted = undefined);
    const previous = held.state ? { ...UNCOUNTED, ...held.state } : undefined;
    const batches = await countBatches(db);
    const figures = nextScale(policy, previous, await count(db, batches, previous?.countedAt));
    await db.update(lease).set({ state: figures }).where(this.#isHeld);
    const deliveries = await countDeliveries(db);
    this.#counted = { figures, batches, deliveries, backup: await readLastBackup(db), until: startedAt + leaseMs };
  }
}

/** What a process of a release without batches, times of jobs or pauses has not counted. */
const UNCOUNTED = { items: 0, itemsProcessing: 0, scheduled: 0, paused: 0, itemsPaused: 0 };

/** @param since time of the last count */
async function count(db: Database, batches: BatchFigures, since = new Date().toISOString()): Promise<QueueCount> {
  const groups = await readGroups(db);
  const [row] = await db.execute<{
    at: string;
    processing: number;
    items_processing: number;
    ended: number;
    items_ended: number;
    scheduled: number;
    paused: number;
    items_paused: number;
    workers: number;
    active: number;
    max: number;
  }>(sql`
    select to_json(now()) as at, running.*, ended.*, paused.*, ${COUNT_SCHEDULED} as scheduled,
      (select count(*)::integer from pdfprompt_worker where ended_at is null
        and seen_at > now() - ${SILENCE_SECONDS} * interval '1 second') as workers,
      (select sum(numbackends)::integer from pg_stat_database) as active,
      current_setting('max_connections')::integer as max
    from (
      select count(*)::integer as processing, count(batch_row)::integer as items_processing
      from pdfprompt_job where worker_id is not null and status = 'processing'
    ) as running, (
      select count(*)::integer as ended, count(batch_row)::integer as items_ended
      from pdfprompt_job where completed_at > ${since}
    ) as ended, ${COUNT_PAUSED} as paused`);
  if (!row) throw new Error('the queue could not be counted');
  const depth = Object.fromEntries(PRIORITY_NAMES.map((name) => [name, 0])) as QueueCount['depth'];
  for (const group of groups) depth[group.priority] += group.depth;
  const { processing, ended, scheduled, paused, workers, active, max } = row;
  return {
    countedAt: new Date(row.at).toISOString(),
    depth,
    oldestSeconds: Math.max(0, ...groups.map(({ oldestSeconds }) => oldestSeconds)),
    items: Math.max(0, batches.items - row.items_processing),
    scheduled,
    paused,
    processing,
    workers,
    serverConnections: { active, max },
    ended,
    ofItems: {
      ended: row.items_ended,
      processing: row.items_processing,
      oldestSeconds: batches.oldestSeconds,
      paused: row.items_paused,
    },
  };
}

/** Seconds that the last figures are valid without a lease: after a kill the next process counts within 20. */
const HANDOVER_SECONDS = 45;

/** The last figures of the process that counts. @throws CodedError `unavailable` if none does */
export async function readQueueFigures(db: Queryable): Promise<QueueFigures> {
  const [row] = await db
    .select({ state: lease.state })
    .from(lease)
    .where(and(eq(lease.name, LEASE), gt(lease.expiresAt, sql`now() - ${HANDOVER_SECONDS} * interval '1 second'`)));
  const figures = queueFiguresSchema.strip().safeParse(row?.state && { ...UNCOUNTED, ...row.state });
  if (figures.success) return figures.data;
  throw new CodedError('unavailable', 'the queue is not counted: no API process and no worker is running', {
    retryAfterSeconds: 5,
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { and, eq, sql } from 'drizzle-orm';
import { v4 as uuidv4 } from 'uuid';
import type { Database } from '../db/pools.ts';
import { lease } from '../db/schema.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Events } from '../telemetry/events.ts';
import type { QueueFigures } from '../telemetry/metrics.ts';

interface QueueWatchOptions {
  /** of slow work: a long queue takes long to count */
  db: Database;
  events: Events;
  /** milliseconds between two looks */
  everyMs?: number;
}

const LEASE = 'queue figures';
const EVERY_MS = 5_000;
/** A lease outlives this many looks that do not come. */
const LEASE_LOOKS = 3;
/** Looking takes no more than this part of the time. */
const MAX_SHARE = 1 / 20;

/**
 * Counts the queue for all processes of the fleet: whichever holds the lease exports the figures, so
 * that sums over instances are right. If it dies, another one follows within four looks.
 */
export class QueueWatch extends Lifecycle {
  readonly #db: Database;
  readonly #events: Events;
  readonly #everyMs: number;
  readonly #holder = uuidv4();
  #seen: { figures: QueueFigures; until: number } | undefined;
  #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor({ db, events, everyMs = EVERY_MS }: QueueWatchOptions) {
    super();
    this.#db = db;
    this.#events = events;
    this.#everyMs = everyMs;
  }

  /** As last seen; undefined: another process tells of them. */
  get figures(): QueueFigures | undefined {
    return this.#seen && this.#seen.until > performance.now() ? this.#seen.figures : undefined;
  }

  protected async onStart(): Promise<void> {
    this.#stopping = new AbortController();
    this.#loop = this.#watch(this.#stopping.signal);
  }

  protected async onStop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    const wasHeld = this.figures !== undefined;
    this.#seen = undefined;
    if (wasHeld)
      await this.#db
        .delete(lease)
        .where(and(eq(lease.name, LEASE), eq(lease.holder, this.#holder)))
        .catch(() => undefined); // then it runs out
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedAt = performance.now();
      await this.#look(startedAt).catch((error: unknown) => this.#events.backgroundFailed('counting the queue', error));
      const tookMs = performance.now() - startedAt;
      await sleep(Math.max(this.#everyMs, tookMs / MAX_SHARE), undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(startedAt: number): Promise<void> {
    const leaseMs = LEASE_LOOKS * this.#everyMs;
    const held = await this.#db.execute(sql`
      insert into ${lease} as l (name, holder, expires_at)
      values (${LEASE}, ${this.#holder}, now() + ${leaseMs / 1000} * interval '1 second')
      on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
      where l.holder = excluded.holder or l.expires_at < now()
      returning 1`);
    this.#seen = held.length > 0 ? { figures: await this.#count(), until: startedAt + leaseMs } : undefined;
  }

  async #count(): Promise<QueueFigures> {
    const rows = await this.#db.execute<{ priority: number; depth: number; oldest_seconds: number | null }>(sql`
      select priority, count(*)::integer as depth,
        (select extract(epoch from now() - created_at)::double precision from pdfprompt_job
          where status = 'queued' order by created_at limit 1) as oldest_seconds
      from pdfprompt_job where is_queued group by priority`);
    return {
      depth: new Map(rows.map(({ priority, depth }) => [priority, depth])),
      oldestSeconds: Math.max(0, rows[0]?.oldest_seconds ?? 0),
    };
  }
}

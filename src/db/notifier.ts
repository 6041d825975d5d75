import { EventEmitter } from 'node:events';
import { type SQL, sql } from 'drizzle-orm';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Queryable } from './pools.ts';
import { Session } from './session.ts';

/**
 * - `queued`: a job was put into the queue
 * - `scheduled`: a job was accepted whose time is a few seconds ahead
 * - `ended`: a job has its final status (payload: its id)
 * - `jobs`: the same, and the ends of batches; sent by triggers, whatever ends them (payload: JSON with `id` of a job or
 *   `batch`, and `user`)
 * - `deliveries`: something is ready to be sent
 * - `accounts`: a user's keys or subscription changed (payload: the user's id; empty: any user's)
 * - `tiers`: a tier changed
 *
 * Triggers on the tables send the last four, so changes made with psql are announced too.
 */
export type NotifierEvent = 'queued' | 'scheduled' | 'ended' | 'jobs' | 'deliveries' | 'accounts' | 'tiers';

type Listened = NotifierEvent | 'lost' | 'missed';

const channelOf = (event: NotifierEvent) => `pdfprompt_${event}`;
/** A vanished server is noticed after this and the time-out of an answer. */
const BEAT_MS = 2_000;

/** Notifies every process when the surrounding transaction commits. */
export async function notify(db: Queryable, event: 'queued' | 'ended', payload = ''): Promise<void> {
  await db.execute(sql`select ${notifySql(event, payload)}`);
}

/** The same as an expression, for use in another statement. */
export function notifySql(event: 'queued' | 'ended', payload: string | SQL = ''): SQL {
  return sql`pg_notify(${channelOf(event)}, ${payload})`;
}

interface NotifierOptions {
  url: string;
  applicationName: string;
  connectTimeoutMs: number;
  /** the events that this process listens for */
  events: NotifierEvent[];
}

/**
 * LISTEN on one connection of its own. Emits `lost` when the connection is lost, and `missed` after every reconnect:
 * notifications sent meanwhile are lost, so listeners must check for themselves what changed.
 */
export class Notifier extends Lifecycle {
  readonly #session: Session;
  readonly #emitter = new EventEmitter<Record<Listened, [payload: string]>>().setMaxListeners(0);

  constructor({ url, applicationName, connectTimeoutMs, events }: NotifierOptions) {
    super();
    const eventOf = new Map(events.map((event) => [channelOf(event), event]));
    this.#session = new Session({
      url,
      applicationName: `${applicationName} notifier`,
      connectTimeoutMs,
      beatMs: BEAT_MS,
      open: async (client) => {
        await client.unsafe([...eventOf.keys()].map((channel) => `listen ${channel}`).join('; '));
        this.#emitter.emit('missed', '');
      },
      beat: async (client) => void (await client`select 1`),
      onLost: () => this.#emitter.emit('lost', ''),
      onNotify: (channel, payload) => {
        const event = eventOf.get(channel);
        if (event) this.#emitter.emit(event, payload);
      },
    });
  }

  /** @param until ends the listening when it aborts */
  on(event: Listened, until: AbortSignal, listener: (payload: string) => void): void {
    this.#emitter.on(event, listener);
    until.addEventListener('abort', () => this.#emitter.off(event, listener));
  }

  protected async onStart(): Promise<void> {
    await this.#session.start();
  }

  protected override async onStop(): Promise<void> {
    await this.#session.stop();
  }
}

import { EventEmitter } from 'node:events';
import { type SQL, sql } from 'drizzle-orm';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Queryable } from './pools.ts';
import { Session } from './session.ts';

/**
 * What the notifier rings for: `queued`: there is work; `ended`: a job has its final status (payload: its id);
 * `accounts`: something of a user's keys or subscription changed (payload: the user's id, or nothing: everybody's); `tiers`: a tier did.
 * The last two are rung by the tables themselves, whoever changes them.
 */
export type NotifierEvent = 'queued' | 'ended' | 'accounts' | 'tiers';

const CHANNELS: Record<NotifierEvent, string> = {
  queued: 'pdfprompt_queued',
  ended: 'pdfprompt_ended',
  accounts: 'pdfprompt_accounts',
  tiers: 'pdfprompt_tiers',
};
/** A peer that vanished is noticed this much, and the time for an answer, later. */
const BEAT_MS = 2_000;

/** Rings for every process when the surrounding transaction commits. */
export async function notify(db: Queryable, event: 'queued' | 'ended', payload = ''): Promise<void> {
  await db.execute(sql`select ${notifySql(event, payload)}`);
}

/** The same, as a part of another statement. */
export function notifySql(event: 'queued' | 'ended', payload: string | SQL = ''): SQL {
  return sql`pg_notify(${CHANNELS[event]}, ${payload})`;
}

interface NotifierOptions {
  url: string;
  applicationName: string;
  connectTimeoutMs: number;
  /** what this process has to hear */
  events: NotifierEvent[];
}

/**
 * LISTEN on one connection of its own. When that is gone `lost` is emitted, and after every reconnect
 * `missed`: what was rung meanwhile is lost, so listeners look for themselves.
 */
export class Notifier extends Lifecycle {
  readonly #session: Session;
  readonly #emitter = new EventEmitter<Record<NotifierEvent | 'lost' | 'missed', [payload: string]>>().setMaxListeners(
    0,
  );

  constructor({ url, applicationName, connectTimeoutMs, events }: NotifierOptions) {
    super();
    const eventOf = new Map(events.map((event) => [CHANNELS[event], event]));
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

  /** @returns the function that stops listening */
  on(event: NotifierEvent | 'lost' | 'missed', listener: (payload: string) => void): () => void {
    this.#emitter.on(event, listener);
    return () => this.#emitter.off(event, listener);
  }

  protected async onStart(): Promise<void> {
    await this.#session.start();
  }

  protected async onStop(): Promise<void> {
    await this.#session.stop();
  }
}

import type { EventType } from '../domain/event-type.ts';
import type { Listener } from './event-hub.ts';
import { positionText } from './event-position.ts';
import { keepLast } from './keep-last.ts';
import type { SentEvent } from './sent-event.ts';

/** Where a listener's events go: a connection. */
export interface Outlet {
  /** Queues bytes; if too many are queued, the connection is closed. */
  write(bytes: Uint8Array): void;
  /** Resolves when everything queued was taken, or the connection is closed. */
  taken(): Promise<void>;
  /** Whether enough is queued, and more should wait. */
  readonly isFull: boolean;
  readonly isOver: boolean;
  /** Ends the answer. */
  end(): void;
  /** Closes the connection at once. */
  cut(): void;
  /** Whether bytes have been queued for too long. */
  readonly isStuck: boolean;
}

interface JobListenerOptions {
  userId: string;
  /** undefined: all */
  types: ReadonlySet<EventType> | undefined;
  /** jobs and batches; undefined: all of the user */
  ids: ReadonlySet<string> | undefined;
  outlet: Outlet;
  isAllowed: () => Promise<boolean>;
  onSent: (type: EventType) => void;
}

/** Bytes of events that happen while earlier ones are being sent, at most. */
const MAX_PENDING_BYTES = 1_048_576;
/** The last events that were read. */
const LAST_READ = 200;

/**
 * One who listens to events of a user's jobs and batches. New events wait until those that happened before are sent, so that there
 * is no gap and, but for what is read again on purpose, nothing twice.
 */
export class JobListener implements Listener {
  readonly userId: string;
  readonly #options: JobListenerOptions;
  /** by id; undefined: all that happened before is sent */
  #pending: Map<string, SentEvent> | undefined = new Map();
  #pendingBytes = 0;
  /** ids of the events that were read last: they may be noticed a moment later */
  readonly #lastRead = new Set<string>();

  constructor(options: JobListenerOptions) {
    this.userId = options.userId;
    this.#options = options;
  }

  /** An event has happened. */
  send(event: SentEvent): void {
    if (!this.#isWanted(event) || this.#lastRead.has(event.id)) return;
    if (!this.#pending) return this.#write(event);
    this.#pending.set(event.id, event);
    this.#pendingBytes += event.bytes.byteLength;
    if (this.#pendingBytes > MAX_PENDING_BYTES) this.#options.outlet.cut();
  }

  /**
   * Sends what happened before, as fast as it is received; then what has happened since, and what will.
   * @param pages end when there is nothing more
   */
  async follow(pages: AsyncIterable<readonly SentEvent[]>): Promise<void> {
    const { outlet } = this.#options;
    const pending = (this.#pending ??= new Map());
    for await (const page of pages) {
      for (const event of page) {
        if (!this.#isWanted(event)) continue;
        pending.delete(event.id);
        keepLast(this.#lastRead, event.id, LAST_READ);
        await this.#writeSlowly(event);
      }
      if (outlet.isOver) return;
    }
    for (const [id, event] of pending) {
      pending.delete(id);
      await this.#writeSlowly(event);
    }
    this.#pending = undefined;
  }

  isAllowed(): Promise<boolean> {
    return this.#options.isAllowed();
  }

  beat(atMs: number | undefined): void {
    const { outlet } = this.#options;
    if (outlet.isStuck) return outlet.cut();
    outlet.write(beatBytes(this.#pending ? undefined : atMs));
    if (!this.#pending) this.#lastRead.clear();
  }

  end(): void {
    this.#options.outlet.end();
  }

  #isWanted({ type, of }: SentEvent): boolean {
    const { types, ids } = this.#options;
    return (types?.has(type) ?? true) && (ids?.has(of) ?? true);
  }

  async #writeSlowly(event: SentEvent): Promise<void> {
    this.#write(event);
    if (this.#options.outlet.isFull) await this.#options.outlet.taken();
  }

  #write({ type, bytes }: SentEvent): void {
    this.#options.outlet.write(bytes);
    this.#options.onSent(type);
  }
}

/** A comment; with a position, from which a client that got no event resumes. */
export const beatBytes = (atMs: number | undefined): Uint8Array =>
  Buffer.from(atMs === undefined ? ':\n\n' : `:\nid: ${positionText({ atMs })}\n\n`);

import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline } from '../kernel/deadline.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { type Client, connect } from './driver.ts';

interface SessionOptions {
  url: string;
  /** shown in pg_stat_activity */
  applicationName: string;
  connectTimeoutMs: number;
  /** milliseconds between two heartbeats */
  beatMs: number;
  /** Sets up the session after each connect. If it throws, it is called again with a new connection. */
  open: (client: Client) => Promise<void>;
  /** Sends a heartbeat. If it throws, the connection is replaced. */
  beat: (client: Client) => Promise<void>;
  /** called when the connection is lost or does not answer, and after each failed attempt to reconnect */
  onLost?: () => void;
  /** called for each notification of a LISTEN */
  onNotify?: (channel: string, payload: string) => void;
}

const RECONNECT_MS = 100;
/** Milliseconds for an answer: a server that vanished never closes its connection. */
const ANSWER_TIMEOUT_MS = 5_000;

/** One permanent connection, replaced when it is lost, for what ends with a session: LISTEN and advisory locks. */
export class Session extends Lifecycle<SessionOptions> {
  #client: Client | undefined;
  #openedAt: number | undefined;
  #wasLost = false;
  #loop: Promise<void> = Promise.resolve();
  /** aborted when the present connection is closed, or the session stops */
  #closed = new AbortController();

  /** Milliseconds since the last reconnect: 0 without a connection, Infinity if it was never lost. */
  get heldMs(): number {
    if (this.#openedAt === undefined) return 0;
    return this.#wasLost ? performance.now() - this.#openedAt : Infinity;
  }

  /** Runs statements on the connection, beside the heartbeats. @throws if there is none, and what `work` throws */
  async run<T>(work: (client: Client) => PromiseLike<T>): Promise<T> {
    if (!this.#client || this.#openedAt === undefined) throw new Error('there is no connection');
    return work(this.#client);
  }

  protected async onStart(): Promise<void> {
    this.#wasLost = false;
    await this.#open();
    this.#loop = this.#keep();
  }

  protected override async onStop(): Promise<void> {
    this.#closed.abort();
    await this.#close(); // fails what the loop waits for
    await this.#loop;
    await this.#close();
  }

  async #open(): Promise<void> {
    const { url, applicationName, connectTimeoutMs, onNotify, open } = this.options;
    const closed = new AbortController();
    const client = connect(url, {
      max: 1,
      idle_timeout: 0,
      max_lifetime: null,
      connect_timeout: connectTimeoutMs / 1000,
      connection: { application_name: applicationName },
      onclose: () => {
        if (this.#client !== client) return;
        this.#openedAt = undefined;
        closed.abort();
      },
      onnotify: onNotify,
    });
    this.#client = client;
    this.#closed = closed;
    try {
      await new Deadline(connectTimeoutMs + ANSWER_TIMEOUT_MS).race('opening a session', open(client));
      this.#openedAt = performance.now();
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async #close(): Promise<void> {
    this.#openedAt = undefined;
    await this.#client?.end({ timeout: 0 }).catch(() => undefined);
    this.#client = undefined;
  }

  async #keep(): Promise<void> {
    const { beat, beatMs } = this.options;
    const signal = this.ending;
    while (!signal.aborted) {
      try {
        if (this.#client === undefined) await this.#open();
        const closed = this.#closed.signal;
        if (!signal.aborted) await sleep(beatMs, undefined, { signal: closed }).catch(() => undefined);
        if (signal.aborted) return;
        if (closed.aborted || !this.#client) throw new Error('the connection was closed');
        await new Deadline(ANSWER_TIMEOUT_MS).race('a heartbeat', beat(this.#client));
      } catch {
        if (signal.aborted) return;
        this.#wasLost = true;
        this.options.onLost?.();
        await this.#close();
        await sleep(RECONNECT_MS);
      }
    }
  }
}

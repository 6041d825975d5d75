import type { Socket } from 'node:net';

export interface HeartbeatLimits {
  /**
   * Milliseconds for the first sign of life after a statement was sent. It is asked for in front of the
   * statement, so it does not depend on what the statement takes. undefined: it is not asked for, as behind
   * a pooler, where a statement may stand in line.
   */
  firstByteMs?: number | undefined;
  /** milliseconds without a byte while an answer is waited for; Infinity: it may take as long as it likes */
  answerMs: number;
}

/** Milliseconds between two looks, at most. */
const CHECK_MS = 1_000;
/** Close of the unnamed portal, which nobody has open, and Flush: answered at once, whatever comes behind it. */
const QUESTION = Buffer.from([0x43, 0, 0, 0, 6, 0x50, 0, 0x48, 0, 0, 0, 4]);

/**
 * Whether the other end of a client's connections is still there. A peer that vanished (a failover, dropped
 * packets, a host without power) closes nothing: Postgres's own timeouts end there, and the operating system's
 * take a quarter of an hour. A connection that is silent for too long is destroyed; the driver does the rest,
 * as for any that is lost.
 *
 * Silence is counted in looks, not read from a clock: when this process itself stood still, what came
 * meanwhile is read before the next look.
 */
export class ConnectionHeartbeat {
  readonly #limits: HeartbeatLimits;
  readonly #checkMs: number;
  readonly #connections = new Set<Connection>();
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: HeartbeatLimits) {
    this.#limits = limits;
    this.#checkMs = Math.min(CHECK_MS, (limits.firstByteMs ?? limits.answerMs) / 5);
  }

  /**
   * @param use what is made of the connection now
   * @returns to be called before each statement: what is to be sent in front of it
   */
  watch(socket: Socket, use: () => Use): () => Buffer | undefined {
    const { firstByteMs } = this.#limits;
    const connection: Connection = { socket, use, isHeard: true, silentChecks: 0 };
    socket.on('data', () => {
      connection.isHeard = true;
      connection.silentChecks = 0;
    });
    this.#connections.add(connection);
    this.#timer ??= setInterval(() => this.#check(), this.#checkMs).unref();
    return () => {
      connection.isHeard = firstByteMs === undefined;
      connection.silentChecks = 0;
      return firstByteMs === undefined ? undefined : QUESTION;
    };
  }

  #check(): void {
    let isAnySilent = false;
    for (const connection of this.#connections) {
      const { socket, use, isHeard } = connection;
      if (socket.destroyed) this.#connections.delete(connection);
      else if (use() === 'waiting') {
        const limitMs = (isHeard ? undefined : this.#limits.firstByteMs) ?? this.#limits.answerMs;
        connection.silentChecks++;
        if (connection.silentChecks * this.#checkMs < limitMs) continue;
        isAnySilent = true;
        // Once the idle ones are closed: who hears of this shall not try again with one of them.
        setTimeout(() => socket.destroy(new PeerSilent(limitMs)), 1);
      }
    }
    // Those that nobody uses may be as dead. To find out would cost somebody's patience each, a new one costs nothing.
    if (isAnySilent) for (const { socket, use } of this.#connections) if (use() === 'idle') socket.destroy();
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** `waiting`: for an answer; `held`: it is being opened, or in a transaction between two statements. */
type Use = 'waiting' | 'held' | 'idle';

interface Connection {
  socket: Socket;
  use: () => Use;
  /** since the last statement was sent */
  isHeard: boolean;
  silentChecks: number;
}

class PeerSilent extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(ms: number) {
    super(`the database has been silent for ${ms} ms`);
    this.name = 'PeerSilent';
  }
}

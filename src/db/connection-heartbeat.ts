import type { Socket } from 'node:net';

export interface HeartbeatLimits {
  /**
   * Milliseconds until the first byte after a statement was sent. A small request goes ahead of each statement and is
   * answered at once, however long the statement takes. undefined: no such request, as behind a pooler, which may
   * queue statements.
   */
  firstByteMs?: number | undefined;
  /** milliseconds without a byte while an answer is awaited; Infinity: no limit */
  answerMs: number;
}

/** Maximum milliseconds between two checks. */
const CHECK_MS = 1_000;
/** Close of the unnamed portal, which is never open, and Flush: Postgres answers at once, before it runs the statement. */
const PING = Buffer.from([0x43, 0, 0, 0, 6, 0x50, 0, 0x48, 0, 0, 0, 4]);

/**
 * Detects that the server of a client's connections has vanished. After a failover, dropped packets or a power cut
 * no connection is closed: Postgres's own timeouts run on the lost server, and the operating system's take 15
 * minutes. A connection that is silent for too long is destroyed; the driver handles it like any lost connection.
 *
 * Silence is counted in checks, not read from a clock: if this process itself was stopped, the data that arrived
 * meanwhile is read before the next check.
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
   * @param use returns the connection's present use
   * @returns to be called before each statement; it returns the bytes to send ahead of the statement
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
      return firstByteMs === undefined ? undefined : PING;
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
        // Only after the idle connections below are closed: a caller that retries must not get one of them.
        setTimeout(() => socket.destroy(new PeerSilent(limitMs)), 1);
      }
    }
    // Idle connections may be dead as well. A new connection costs less than the time-out of a caller.
    if (isAnySilent) for (const { socket, use } of this.#connections) if (use() === 'idle') socket.destroy();
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** `waiting` for an answer; `held`: opening, or in a transaction between two statements. */
type Use = 'waiting' | 'held' | 'idle';

interface Connection {
  socket: Socket;
  use: () => Use;
  /** whether data came since the last statement was sent */
  isHeard: boolean;
  silentChecks: number;
}

class PeerSilent extends Error {
  override name = 'PeerSilent';
  readonly code = 'ETIMEDOUT';

  constructor(ms: number) {
    super(`the database has been silent for ${ms} ms`);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { Refusal, type ServiceClient, type ServiceRequest, Unreachable } from '../kernel/service-client.ts';

/** Milliseconds without an answer after which it is given up. */
const PATIENCE_MS = 600_000;
/** Milliseconds: doubled with each attempt, up to the last. */
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 15_000;
/** Seconds that a limit may ask to wait for. */
const LONGEST_LIMIT = 90;

/** Statuses of a service that is restarted, of a proxy without it, and of limits of the moment. */
const PASSING = new Set([408, 429, 502, 503, 504]);

interface PatientOptions {
  /** ends everything */
  signal: AbortSignal;
  /** is called with what is waited for, and with undefined when that is over */
  onWait: (reason: string | undefined) => void;
  patienceMs?: number;
}

/**
 * Asks a service again that does not answer now, because it is restarted or a connection was lost: for everything that
 * may be asked twice.
 */
export class PatientClient {
  readonly url: string;
  readonly signal: AbortSignal;
  readonly #client: ServiceClient;
  readonly #onWait: PatientOptions['onWait'];
  readonly #patienceMs: number;
  #silentSince: number | undefined;

  constructor(client: ServiceClient, { signal, onWait, patienceMs = PATIENCE_MS }: PatientOptions) {
    this.#client = client;
    this.url = client.url;
    this.signal = signal;
    this.#onWait = onWait;
    this.#patienceMs = patienceMs;
  }

  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal }).catch(() => this.signal.throwIfAborted());
  }

  /** Asks once: within {@link attempt}. */
  once(request: ServiceRequest): Promise<Response> {
    return this.#client.send({ signal: this.signal, ...request });
  }

  async json<T>(request: ServiceRequest): Promise<T> {
    return this.attempt(() => this.#client.json<T>({ signal: this.signal, ...request }));
  }

  /**
   * Does something until the service lets it happen.
   * @throws OperatorError if it refuses, or has not answered for ten minutes
   */
  async attempt<T>(work: () => Promise<T>): Promise<T> {
    for (let count = 0; ; count++) {
      this.signal.throwIfAborted();
      try {
        const result = await work();
        if (this.#silentSince !== undefined) this.#onWait(undefined);
        this.#silentSince = undefined;
        return result;
      } catch (error) {
        this.signal.throwIfAborted();
        const pauseMs = pauseAfter(error, count);
        if (pauseMs === undefined) throw error;
        this.#silentSince ??= performance.now();
        if (performance.now() + pauseMs - this.#silentSince > this.#patienceMs) throw givenUp(error, this.#patienceMs);
        this.#onWait(shortReason(error));
        await this.pause(pauseMs);
      }
    }
  }
}

/** Milliseconds; undefined if it would not help. */
function pauseAfter(error: unknown, count: number): number | undefined {
  const growing = Math.min(FIRST_PAUSE_MS * 2 ** count, LAST_PAUSE_MS);
  if (error instanceof Unreachable) return growing;
  if (!(error instanceof Refusal) || !PASSING.has(error.status)) return undefined;
  const { retryAfter = 0 } = error;
  return retryAfter > LONGEST_LIMIT ? undefined : Math.max(growing, retryAfter * 1_000);
}

function shortReason(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  return `no answer${systemCodeOf(error) === undefined ? '' : ` (${systemCodeOf(error)})`}`;
}

function givenUp(error: unknown, patienceMs: number): OperatorError {
  const { message } = error as Error;
  return new OperatorError(`gave up after ${Math.round(patienceMs / 60_000)} minutes: ${message}`, { cause: error });
}

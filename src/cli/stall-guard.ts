import { Unreachable } from '../kernel/service-client.ts';

/** Milliseconds in which something has to move. */
const STALL_MS = 60_000;

/** Ends a transfer in which nothing has moved for a minute, however long the whole of it takes. */
export class StallGuard {
  readonly signal: AbortSignal;
  readonly #aborter = new AbortController();
  readonly #timer: NodeJS.Timeout;

  /** @param end ends it too */
  constructor(end: AbortSignal) {
    this.signal = AbortSignal.any([end, this.#aborter.signal]);
    this.#timer = setTimeout(() => this.#aborter.abort(new Unreachable('nothing came for a minute')), STALL_MS);
  }

  moved(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

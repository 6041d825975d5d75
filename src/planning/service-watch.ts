import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpClient } from './http-client.ts';

/** Milliseconds of silence after which a service is gone, between two questions, for one answer. */
const GONE_AFTER_MS = 5_000;
const PAUSE_MS = 250;
const ANSWER_MS = 2_000;

/** Finds out whether a service that left a request unanswered is still there. */
export class ServiceWatch {
  readonly #client: HttpClient;
  readonly #onGone: (since: Date) => void;
  #answeredAt = new Date();
  #isAsking = false;

  /** @param onGone told once, with the time of the last answer */
  constructor(client: HttpClient, onGone: (since: Date) => void) {
    this.#client = client;
    this.#onGone = onGone;
  }

  answered(): void {
    this.#answeredAt = new Date();
  }

  /** A request was left without an answer: asks until somebody answers, for 5 seconds. */
  async suspect(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const until = performance.now() + GONE_AFTER_MS;
    const before = this.#answeredAt;
    while (this.#answeredAt === before) {
      if (performance.now() > until) return this.#onGone(before);
      const isThere = await this.#client.ask({ method: 'GET', path: '/livez', timeoutMs: ANSWER_MS }).then(
        () => true,
        () => false,
      );
      if (isThere) this.answered();
      else await sleep(PAUSE_MS);
    }
    this.#isAsking = false;
  }
}

import type { ClaimedJob } from '../jobs/claim.ts';
import type { Database } from '../db/pools.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';
import type { ClaimTime } from './attempt-span.ts';

/** After so many milliseconds a claim is renewed before its job may begin, so that the job has all of the claim's time. */
const RENEW_MS = 2_000;

interface SuspectOptions {
  db: Database;
  queue: JobQueue;
  events: Pick<Events, 'backgroundFailed'>;
  /** called when the database has answered */
  onAnswer: () => void;
}

/**
 * A suspect that this worker has claimed and keeps until it can run alone. The time of a claim is meant for one
 * document, not for a wait until others have ended, so the claim is renewed until the suspect begins.
 *
 * The database is asked in the background: nobody waits for its answer. What fails is tried again.
 */
export class Suspect {
  readonly job: ClaimedJob;
  readonly claimedAt: ClaimTime;
  readonly #options: SuspectOptions;
  #renewedAt: number;
  #isAsking = false;
  #isRunning = false;
  #isGone = false;

  constructor(options: SuspectOptions, job: ClaimedJob, claimedAt: ClaimTime) {
    this.#options = options;
    this.job = job;
    this.claimedAt = claimedAt;
    this.#renewedAt = claimedAt.until;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** No longer this worker's: its claim was found stale. It has not begun and must not. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /**
   * To be called about once a second. Renews the claim if it is time.
   * @returns true once: the job is to be started now
   */
  begins({ isAlone, hasRoom }: { isAlone: boolean; hasRoom: boolean }): boolean {
    if (this.#isRunning || this.#isGone || this.#isAsking) return false;
    if (performance.now() - this.#renewedAt >= RENEW_MS) void this.#renew();
    else this.#isRunning = isAlone && hasRoom;
    return this.#isRunning;
  }

  async #renew(): Promise<void> {
    const { db, queue, events, onAnswer } = this.#options;
    this.#isAsking = true;
    try {
      this.#isGone = !(await queue.renew(db, this.job.claim));
      this.#renewedAt = performance.now();
      onAnswer();
    } catch (error) {
      events.backgroundFailed('renewing a claim', error);
    } finally {
      this.#isAsking = false;
    }
  }
}

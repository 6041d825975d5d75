import type { ClaimedJob } from '../jobs/claim.ts';
import { finishJob, type FinishDeps } from '../jobs/finish.ts';
import type { Events } from '../telemetry/events.ts';
import type { ClaimTime } from './attempt-span.ts';

/** After so many milliseconds a claim is renewed before its job may begin, so that the job has all of the claim's time. */
const RENEW_MS = 2_000;

interface SuspectOptions extends FinishDeps {
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

  /** No longer this worker's: its claim was found stale, or it was requeued. It has not begun and must not. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /**
   * To be called about once a second. Renews the claim if it is time, and requeues the job if only room is missing:
   * another worker may have it.
   * @returns true once: the job is to be started now
   */
  begins({ isAlone, hasRoom }: { isAlone: boolean; hasRoom: boolean }): boolean {
    if (this.#isRunning || this.#isGone || this.#isAsking) return false;
    if (isAlone && !hasRoom) void this.#ask('requeuing a job', () => this.#requeue());
    else if (performance.now() - this.#renewedAt >= RENEW_MS) void this.#ask('renewing a claim', () => this.#renew());
    else this.#isRunning = isAlone;
    return this.#isRunning;
  }

  async #ask(what: string, ask: () => Promise<void>): Promise<void> {
    const { events, onAnswer } = this.#options;
    this.#isAsking = true;
    try {
      await ask();
      onAnswer();
    } catch (error) {
      events.backgroundFailed(what, error);
    } finally {
      this.#isAsking = false;
    }
  }

  async #renew(): Promise<void> {
    const { db, queue } = this.#options;
    this.#isGone = !(await queue.renew(db, this.job.claim));
    this.#renewedAt = performance.now();
  }

  async #requeue(): Promise<void> {
    await finishJob(this.#options, this.job, { kind: 'interrupted', reason: 'memory' });
    this.#isGone = true; // if the claim was stale too
  }
}

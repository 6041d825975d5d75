import { setTimeout as sleep } from 'node:timers/promises';
import type { PrintSettings } from '../domain/pdf-request.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import type { WarmPage } from './warm-page.ts';

/** What is left of the time limit for printing, at most. */
const RESERVE_MS = 10_000;
/** For a step that begins when the time is up, since it may be done already. */
const GRACE_MS = 250;
const STOP_TIMEOUT_MS = 1_000;
/** Connections may be tried again once. */
const MAX_ROUNDS = 2;
const ROUND_MS = 100;

/** How long loading a document and waiting for it may take, and what becomes of a step that takes longer. */
export class Patience {
  readonly #isBestAttempt: boolean;
  readonly #warm: WarmPage;
  /** for all steps together; with `bestAttempt` there is time left after it to print */
  readonly deadline: Deadline;
  /** the steps that the document is printed without, as sentences; empty without `bestAttempt` */
  readonly incomplete: string[] = [];

  constructor({ bestAttempt, timeoutMs }: PrintSettings, deadline: Deadline, warm: WarmPage) {
    this.#isBestAttempt = bestAttempt;
    this.#warm = warm;
    const reserveMs = Math.min(timeoutMs / 4, RESERVE_MS);
    this.deadline = bestAttempt ? deadline.within(Math.max(0, deadline.remainingMs - reserveMs)) : deadline;
  }

  get isIncomplete(): boolean {
    return this.incomplete.length > 0;
  }

  /** Whether the document is printed as it is now. */
  get isOver(): boolean {
    return this.#isBestAttempt && this.deadline.remainingMs === 0;
  }

  /** A deadline for one step. */
  within(limitMs: number): Deadline {
    const { remainingMs } = this.deadline;
    return new Deadline(Math.min(limitMs, this.#isBestAttempt ? Math.max(remainingMs, GRACE_MS) : remainingMs));
  }

  /**
   * Does a step. With `bestAttempt` one that takes too long is noted and whatever still loads or runs is stopped,
   * unless `mayGiveUp` says that nothing is there to be printed.
   * @throws the error of the step
   */
  async attempt(step: () => Promise<void>, mayGiveUp = () => true): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!this.#isBestAttempt || !isTimeUp(error) || !mayGiveUp()) throw error;
      this.incomplete.push((error as Error).message);
      await this.#stop();
    }
  }

  async #stop(): Promise<void> {
    const { session } = this.#warm.tab;
    const isParsing = async () => {
      const { result } = await session.send('Runtime.evaluate', { expression: 'document.readyState === "loading"' });
      return result.value === true;
    };
    const stop = async () => {
      await session.send('Runtime.terminateExecution');
      // The rest of a document may wait for a script or a style sheet. These fail with their connections.
      for (
        let rounds = 1;
        rounds <= MAX_ROUNDS && !this.#warm.navigation.isNavigating && (await isParsing());
        rounds++
      ) {
        this.#warm.channel?.dropConnections();
        await sleep(ROUND_MS, undefined, { ref: false });
      }
      await session.send('Page.stopLoading');
    };
    await new Deadline(STOP_TIMEOUT_MS).race('stopping', stop()).catch(() => undefined);
  }
}

/** Whether an error, or its cause, is that there was no more time. */
function isTimeUp(error: unknown): boolean {
  return error instanceof DeadlineExceeded || (error instanceof Error && error.cause instanceof DeadlineExceeded);
}

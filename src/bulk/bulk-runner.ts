import { v4 as uuidv4 } from 'uuid';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { Events } from '../telemetry/events.ts';
import { type HeldAction, holdAction, type PieceDeps, runPiece } from './run-piece.ts';

type RunnerOptions = PieceDeps & { events: Events };

/** Milliseconds until an action is seen that was begun, or that its process left. */
const EVERY_MS = 1_000;

/** Goes on with what operators do to many jobs. Of any number of processes one does each action. */
export class BulkRunner extends Lifecycle<RunnerOptions> {
  readonly #holder = uuidv4();

  protected async onStart(): Promise<void> {
    void this.repeat(EVERY_MS, async () => {
      try {
        await this.#run();
      } catch (error) {
        this.options.events.backgroundFailed('going on with an action', error); // tried again from its last piece
      }
    });
  }

  async #run(): Promise<void> {
    const { adminDb } = this.options;
    for (let held = await holdAction(adminDb, this.#holder); held; held = await holdAction(adminDb, this.#holder)) {
      for (let next: HeldAction | undefined = held; next;) {
        if (this.ending.aborted) return;
        next = await runPiece(this.options, this.#holder, next);
      }
    }
  }
}

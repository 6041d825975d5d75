import { Condition } from '../kernel/health.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { repeat } from '../kernel/repeat.ts';
import { missingSpace, temporaryDirectories } from '../render/temporary-space.ts';
import type { Events } from '../telemetry/events.ts';

const CHECK_MS = 1_000;

/** Whether Chromium has room for its temporary files. While it has none, no job is claimed. */
export class RoomWatch extends Lifecycle {
  readonly condition = new Condition('temporary files');
  readonly #events: Pick<Events, 'temporarySpaceLow' | 'temporarySpaceRecovered'>;
  readonly #directories = temporaryDirectories();
  #stopChecking = async () => {};

  constructor(events: Pick<Events, 'temporarySpaceLow' | 'temporarySpaceRecovered'>) {
    super();
    this.#events = events;
  }

  protected async onStart(): Promise<void> {
    this.#stopChecking = repeat(CHECK_MS, () => this.#check());
  }

  protected async onStop(): Promise<void> {
    await this.#stopChecking();
  }

  #check(): void {
    const wasOk = this.condition.isOk;
    const reason = missingSpace(this.#directories);
    this.condition.set(reason);
    if (wasOk && reason !== undefined) this.#events.temporarySpaceLow({ reason });
    if (!wasOk && reason === undefined) this.#events.temporarySpaceRecovered();
  }
}

import { Condition } from '../kernel/health.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { missingSpace, temporaryDirectories } from '../render/temporary-space.ts';
import type { Events } from '../telemetry/events.ts';

const CHECK_MS = 1_000;

interface RoomWatchOptions {
  events: Pick<Events, 'temporarySpaceLow' | 'temporarySpaceRecovered'>;
}

/** Whether Chromium has room for its temporary files. While it has none, no job is claimed. */
export class RoomWatch extends Lifecycle<RoomWatchOptions> {
  readonly condition = new Condition('temporary files');
  readonly #directories = temporaryDirectories();

  protected async onStart(): Promise<void> {
    void this.repeat(CHECK_MS, () => this.#check());
  }

  #check(): void {
    const wasOk = this.condition.isOk;
    const reason = missingSpace(this.#directories);
    this.condition.set(reason);
    if (wasOk && reason !== undefined) this.options.events.temporarySpaceLow({ reason });
    if (!wasOk && reason === undefined) this.options.events.temporarySpaceRecovered();
  }
}

import { Condition } from '../kernel/health.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { missingSpace, temporaryDirectories } from '../render/temporary-space.ts';
import type { Events } from '../telemetry/events.ts';

const CHECK_MS = 1_000;

/** Whether there is room for what Chromium writes while it renders. While there is none, nothing is claimed. */
export class RoomWatch extends Lifecycle {
  readonly condition = new Condition('temporary files');
  readonly #events: Pick<Events, 'temporaryRoomShort' | 'temporaryRoomBack'>;
  readonly #directories = temporaryDirectories();
  #timer: NodeJS.Timeout | undefined;

  constructor(events: Pick<Events, 'temporaryRoomShort' | 'temporaryRoomBack'>) {
    super();
    this.#events = events;
  }

  protected async onStart(): Promise<void> {
    this.#check();
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
  }

  protected async onStop(): Promise<void> {
    clearInterval(this.#timer);
  }

  #check(): void {
    const wasOk = this.condition.isOk;
    const reason = missingSpace(this.#directories);
    this.condition.set(reason);
    if (wasOk && reason !== undefined) this.#events.temporaryRoomShort({ reason });
    if (!wasOk && reason === undefined) this.#events.temporaryRoomBack();
  }
}

import { type DiskRoom, readDiskRoom } from '../kernel/disk.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';

interface DiskWatchOptions {
  /** directories by what they are for */
  places: Record<string, string>;
  /** milliseconds between two readings */
  everyMs?: number;
}

const EVERY_MS = 15_000;
/** Milliseconds after which a reading says nothing any longer: the file system hangs. */
const VALID_MS = 60_000;

/** Reads how much room the directories have that this process writes to, for the metrics. */
export class DiskWatch extends Lifecycle<DiskWatchOptions> {
  readonly #read = new Map<string, { room: DiskRoom; at: number }>();
  readonly #places: Map<string, string>;

  constructor(options: DiskWatchOptions) {
    super(options);
    this.#places = new Map(Object.entries(options.places));
  }

  /** By place, without those that cannot be read. */
  get states(): ReadonlyMap<string, DiskRoom> {
    const now = performance.now();
    const valid = [...this.#read].filter(([, { at }]) => now - at < VALID_MS);
    return new Map(valid.map(([place, { room }]) => [place, room]));
  }

  /** To be called before the start. */
  add(place: string, directory: string): void {
    this.#places.set(place, directory);
  }

  protected async onStart(): Promise<void> {
    const { everyMs = EVERY_MS } = this.options;
    // One for each: a file system that hangs keeps the others from nothing.
    for (const [place, directory] of this.#places)
      void this.repeat(everyMs, async () => {
        const room = await readDiskRoom(directory);
        if (room) this.#read.set(place, { room, at: performance.now() });
      });
  }
}

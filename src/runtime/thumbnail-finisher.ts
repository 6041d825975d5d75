import { Finisher } from '../finishing/finisher.ts';
import { STEPS } from '../finishing/thumbnail-steps.ts';
import { MEGABYTE } from '../kernel/units.ts';
import type { Events } from '../telemetry/events.ts';

const MEMORY_BYTES = 256 * MEGABYTE;
/** Of a picture. */
const MAX_BYTES = 2 * MEGABYTE;
const WAIT_MS = 1_000;

/** What makes the console's small pictures: one process, started for the first of them, and a new one for each. */
export function buildThumbnailFinisher(events: Events): Finisher {
  return new Finisher({
    steps: STEPS,
    caps: { maxBytes: MAX_BYTES, maxPages: 1, memoryBytes: MEMORY_BYTES },
    isolation: 'job',
    processes: 1,
    waitMs: WAIT_MS,
    events: {
      // They are no job's: the figures of jobs' steps stay what they are.
      stepEnded: () => undefined,
      documentEvicted: () => undefined,
      stepsNetworked: (about) => events.stepsNetworked(about),
    },
  });
}

import { seededRandom } from './seeded-random.ts';

/** One PDF to be requested. */
export interface Arrival {
  /** its scheduled time: milliseconds since the start of the run */
  atMs: number;
  /** index of the user who requests it */
  user: number;
  /** from 0 up to 1: which document it is */
  document: number;
}

interface ArrivalsOptions {
  /** PDFs a second of each user, once the ramp is over */
  rates: readonly number[];
  /** the rate rises linearly from zero during this time, which is part of the duration */
  rampMs: number;
  durationMs: number;
  seed: number;
}

/**
 * Which user requests a PDF when: a Poisson process for each user, merged and in order of time. It depends on the
 * options alone, and is generated as it is read, so a long run takes no memory.
 */
export function* arrivals({ rates, rampMs, durationMs, seed }: ArrivalsOptions): Generator<Arrival> {
  const random = seededRandom(seed);
  let sum = 0;
  const cumulated = rates.map((rate) => (sum += rate));
  const perMs = sum / 1000;
  if (perMs === 0) return;
  for (let expected = 0; ;) {
    expected -= Math.log(1 - random());
    const atMs = timeOf(expected, perMs, rampMs);
    if (atMs >= durationMs) return;
    yield { atMs, user: pick(cumulated, random() * sum), document: random() };
  }
}

/** The time by which so many are expected: the inverse of the rate's integral, a parabola and then a line. */
function timeOf(expected: number, perMs: number, rampMs: number): number {
  const inRamp = (perMs * rampMs) / 2;
  return expected < inRamp ? Math.sqrt((2 * rampMs * expected) / perMs) : rampMs + (expected - inRamp) / perMs;
}

/** The index of the first value above `wanted`. */
function pick(cumulated: readonly number[], wanted: number): number {
  let [low, high] = [0, cumulated.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cumulated[middle] ?? 0) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}

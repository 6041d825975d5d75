import { seededRandom } from './seeded-random.ts';

/** One PDF that somebody is to ask for. */
export interface Arrival {
  /** milliseconds from the beginning at which it is to be sent, however the service is doing */
  atMs: number;
  /** index of who sends it */
  user: number;
  /** from 0 up to 1: which document it is */
  document: number;
}

interface ArrivalsOptions {
  /** PDFs a second of each user, once the ramp is over */
  rates: readonly number[];
  /** the rate rises evenly from nothing in so many milliseconds, which are part of the duration */
  rampMs: number;
  durationMs: number;
  seed: number;
}

/**
 * Who sends when: a Poisson process for each user, all of them merged, in the order of time. It
 * depends on the options alone, and is made as it is read, so a long run takes no memory.
 */
export function* arrivals({ rates, rampMs, durationMs, seed }: ArrivalsOptions): Generator<Arrival> {
  const random = seededRandom(seed);
  const cumulated = cumulate(rates);
  const perMs = (cumulated.at(-1) ?? 0) / 1000;
  if (perMs === 0) return;
  for (let expected = 0; ;) {
    expected -= Math.log(1 - random());
    const atMs = timeOf(expected, perMs, rampMs);
    if (atMs >= durationMs) return;
    yield { atMs, user: pick(cumulated, random()), document: random() };
  }
}

/** When so many are expected to have come: the inverse of the rate's integral, a parabola and then a line. */
function timeOf(expected: number, perMs: number, rampMs: number): number {
  const inRamp = (perMs * rampMs) / 2;
  return expected < inRamp ? Math.sqrt((2 * rampMs * expected) / perMs) : rampMs + (expected - inRamp) / perMs;
}

function cumulate(rates: readonly number[]): number[] {
  let sum = 0;
  return rates.map((rate) => (sum += rate));
}

/** The first whose cumulated rate is beyond this part of the whole. */
function pick(cumulated: readonly number[], part: number): number {
  const wanted = part * (cumulated.at(-1) ?? 0);
  let [low, high] = [0, cumulated.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cumulated[middle] ?? 0) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Seconds between the tries of a delivery: after the first, the second, … After the last one it has failed. */
export const LADDER: readonly number[] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** A receiver may ask for a later try, up to this. */
const LONGEST_RETRY_AFTER = 86_400;
/** Added at random, at most this part: what failed together does not come back together. */
const JITTER = 0.1;

interface Failed {
  /** tries so far, since it was made or replayed */
  round: number;
  /** what the receiver asked for */
  retryAfterSeconds?: number | undefined;
  ladder: readonly number[];
  /** 0 to 1 */
  random: number;
}

/** Seconds until the next try; undefined: there is none. */
export function secondsToNextTry({ round, retryAfterSeconds = 0, ladder, random }: Failed): number | undefined {
  const step = ladder[round - 1];
  if (step === undefined) return undefined;
  return Math.max(step * (1 + JITTER * random), Math.min(retryAfterSeconds, LONGEST_RETRY_AFTER));
}

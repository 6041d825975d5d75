import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/kernel/errors.ts';
import { arrivals } from '../../src/planning/arrivals.ts';

/** What came of some documents that were asked for. */
export interface LoadResult {
  /** milliseconds of each that came */
  times: number[];
  seconds: number;
  failures: number;
  firstFailure?: string;
}

type Print = () => Promise<unknown>;

/** After a failure: what refuses at once is not to be asked a thousand times a second. */
const PAUSE_MS = 100;

/** So many clients, each with one document under way. */
export async function closedLoop(
  print: Print,
  { clients, seconds }: { clients: number; seconds: number },
): Promise<LoadResult> {
  const startedAt = performance.now();
  const result = nothingYet();
  const client = async () => {
    for (;;) {
      const sentAt = performance.now();
      if (sentAt - startedAt >= seconds * 1000) return;
      if (!(await measure(print, sentAt, result))) await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { ...result, seconds: (performance.now() - startedAt) / 1000 };
}

/**
 * Each document at its moment, whatever became of those before. Its time counts from the planned moment: of a printer
 * that stalls, all that would have come meanwhile have waited too.
 * @param moments milliseconds from now
 */
export async function openLoop(print: Print, moments: readonly number[], seconds: number): Promise<LoadResult> {
  const startedAt = performance.now();
  const result = nothingYet();
  const one = async (moment: number) => {
    const plannedAt = startedAt + moment;
    await sleep(Math.max(0, plannedAt - performance.now()));
    await measure(print, plannedAt, result);
  };
  await Promise.all(moments.map(one));
  return { ...result, seconds: Math.max(seconds, (performance.now() - startedAt) / 1000) };
}

/** Moments in milliseconds, as of many who know nothing of each other. The same ones each time, closer or wider. */
export function poisson(rate: number, seconds: number): number[] {
  const options = { rates: [rate], rampMs: 0, durationMs: seconds * 1000, seed: 1 };
  return [...arrivals(options)].map(({ atMs }) => atMs);
}

/** Two measurements as one. */
export function together(one: LoadResult, other: LoadResult): LoadResult {
  const firstFailure = one.firstFailure ?? other.firstFailure;
  return {
    times: [...one.times, ...other.times],
    seconds: one.seconds + other.seconds,
    failures: one.failures + other.failures,
    ...(firstFailure !== undefined && { firstFailure }),
  };
}

export const nothingYet = (): LoadResult => ({ times: [], seconds: 0, failures: 0 });

/** @returns whether it came */
async function measure(print: Print, since: number, result: LoadResult): Promise<boolean> {
  try {
    await print();
    result.times.push(performance.now() - since);
    return true;
  } catch (error) {
    result.failures++;
    result.firstFailure ??= messageOf(error);
    return false;
  }
}

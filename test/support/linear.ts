/** Milliseconds below which a difference says nothing, and which a clock of ticks may leave out. */
const NOISE_MS = 20;
const TICK_MS = 4;
/** Of the time for a fourfold input; quadratic is 16. */
const MAX_RATIO = 9;
/** After this nothing that happens beside it matters, and it is not measured again. */
const LONG_MS = 200;
/** What is slow only while the machine has others to serve is not slow each time. */
const ROUNDS = 3;

/**
 * Whether the time of `work` grows faster than its input: measured for n and for 4n, the best of some.
 * @param n large enough for a quadratic one to be seen
 * @returns what it took, if it does
 */
export function growsFaster(n: number, work: (n: number) => () => unknown): string | undefined {
  let found: string | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const large = best(work(4 * n));
    if (large < NOISE_MS) return undefined;
    const small = Math.max(TICK_MS, best(work(n)));
    if (large <= MAX_RATIO * small) return undefined;
    found = `${small.toFixed(1)} ms for ${n}, ${large.toFixed(1)} ms for ${4 * n}`;
  }
  return found;
}

function best(run: () => unknown): number {
  let shortest = Infinity;
  for (let turn = 0; turn < 3; turn++) {
    const startedAt = now();
    run();
    shortest = Math.min(shortest, now() - startedAt);
    if (shortest < 1 || shortest > LONG_MS) break;
  }
  return shortest;
}

/** Milliseconds that this thread has computed, where Node (23.9) tells: on a busy machine the clock runs on meanwhile. */
function now(): number {
  if (!('threadCpuUsage' in process)) return performance.now();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

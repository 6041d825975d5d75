import { setTimeout as sleep } from 'node:timers/promises';
import { waitBriefly } from './deadline.ts';

/**
 * Runs `work` now, and again `everyMs` after each run has ended. `work` must not throw.
 * @returns a function that ends this, and waits a moment for a run that is under way
 */
export function repeat(everyMs: number, work: () => Promise<void> | void): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = async () => {
    while (!signal.aborted) {
      await work();
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const running = loop();
  return async () => {
    stopping.abort();
    await waitBriefly(running);
  };
}

import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { SparePages } from '../../src/render/spare-pages.ts';

it('Pages that do not open are not tried again and again', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  let opened = 0;
  const open = async () => {
    opened++;
    throw new Error('no page opens');
  };
  const spare = new SparePages({ max: 2, open, close: () => undefined, onOpened: () => undefined });
  /** As the worker does, each second. */
  const fillFor = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      spare.fill();
      await turn();
      vi.advanceTimersByTime(1_000);
    }
  };
  await fillFor(11);
  expect([opened, spare.total]).toEqual([2, 0]);
  await fillFor(1);
  expect(opened).toBe(3);
});

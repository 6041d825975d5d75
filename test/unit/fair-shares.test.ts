import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Semaphore } from '../../src/kernel/semaphore.ts';
import { FairShares } from '../../src/kernel/fair-shares.ts';

/** Work that ends when it is told to. */
function work(log: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const begin = () => {
    log.push(name);
    return promise;
  };
  return { begin, end: resolve };
}
const settle = () => sleep(0);

describe('a semaphore', () => {
  it('lets in as many as there are places, then in the order in which they came, large ones too', async () => {
    const semaphore = new Semaphore(3, 10_000);
    const log: string[] = [];
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => work(log, name));
    const running = [
      semaphore.run(a!.begin),
      semaphore.run(b!.begin),
      semaphore.run(c!.begin, 2),
      semaphore.run(d!.begin),
    ];
    await settle();
    expect(log).toEqual(['a', 'b']);
    a!.end();
    await settle();
    expect(log).toEqual(['a', 'b', 'c']); // and not d, which would have had a place all along
    for (const each of [b, c, d]) each!.end();
    await Promise.all(running);
    expect(log).toEqual(['a', 'b', 'c', 'd']);
    expect([semaphore.taken, semaphore.isIdle]).toEqual([0, true]);
  });

  it('gives all its places to who wants more, and lets others by when that one gives up', async () => {
    const semaphore = new Semaphore(2, 30);
    const log: string[] = [];
    const first = work(log, 'first');
    const running = semaphore.run(first.begin);
    const all = semaphore.run(async () => void log.push('all'), 100);
    const small = semaphore.run(async () => void log.push('small'));
    await expect(all).rejects.toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
    await small;
    expect(log).toEqual(['first', 'small']);
    first.end();
    await running;
    await semaphore.run(async () => void log.push('all'), 100);
    expect(log.at(-1)).toBe('all');
    expect(semaphore.isIdle).toBe(true);
  });

  it('gives a place back when the work fails', async () => {
    const semaphore = new Semaphore(1, 10_000);
    await expect(semaphore.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await semaphore.run(async () => undefined);
    expect(semaphore.isIdle).toBe(true);
  });
});

describe('shares', () => {
  it('make a party wait for itself, and for nobody else; nothing is kept of who is done', async () => {
    const shares = new FairShares(1, 10_000);
    const log: string[] = [];
    const [first, second, other] = ['first', 'second', 'other'].map((name) => work(log, name));
    const running = [shares.run('a', first!.begin), shares.run('a', second!.begin), shares.run('b', other!.begin)];
    await settle();
    expect(log).toEqual(['first', 'other']);
    expect(shares.parties).toBe(2);
    for (const each of [first, second, other]) each!.end();
    await Promise.all(running);
    expect(log).toEqual(['first', 'other', 'second']);
    expect(shares.parties).toBe(0);
  });

  it('are held for what goes on elsewhere', async () => {
    const shares = new FairShares(2, 50);
    const { promise, resolve } = Promise.withResolvers<void>();
    await shares.hold('a', () => promise, 2);
    await expect(shares.hold('a', () => promise)).rejects.toMatchObject({ code: 'ACQUIRE_TIMEOUT' });
    const waiting = shares.run('a', async () => 'in');
    resolve();
    expect(await waiting).toBe('in');
    expect(shares.parties).toBe(0);
  });

  it('stay exact for a party that goes and comes back all the time', async () => {
    const shares = new FairShares(2, 10_000);
    let most = 0;
    let now = 0;
    const once = () =>
      shares.run('a', async () => {
        most = Math.max(most, ++now);
        await settle();
        now--;
      });
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        for (let time = 0; time < 20; time++) await once();
      }),
    );
    expect([most, shares.parties]).toEqual([2, 0]);
  });
});

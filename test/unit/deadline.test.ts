import { describe, expect, it } from 'vitest';
import { Deadline, DeadlineExceeded } from '../../src/kernel/deadline.ts';

const never = () => new Promise<never>(() => undefined);

describe('a deadline', () => {
  it('ends the wait for what never answers, and says what was waited for', async () => {
    const startedAt = performance.now();
    const error = await new Deadline(50).race('loading', never()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeadlineExceeded);
    expect(error).toMatchObject({ step: 'loading', limitMs: 50, message: 'loading took longer than 50 ms' });
    expect(performance.now() - startedAt).toBeLessThan(500);
  });

  it('gives what came in time, errors too', async () => {
    await expect(new Deadline(1_000).race('work', Promise.resolve(7))).resolves.toBe(7);
    await expect(new Deadline(1_000).race('work', Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  it('never gives a step more than it has itself', () => {
    expect(new Deadline(100).within(5_000).limitMs).toBeLessThanOrEqual(100);
    expect(new Deadline(5_000).within(100).limitMs).toBe(100);
  });
});

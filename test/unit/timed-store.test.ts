import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/storage/store.ts';
import { TimedStore } from '../../src/storage/timed-store.ts';

const NONE = undefined as never;
const never = new Promise<never>(() => undefined);
const which = { userId: '', fileId: 'x', size: 4 };
const chunks = Array.from({ length: 4 }, () => new Uint8Array(1));
const bytes = { chunks, size: 4, sha256: '' };
const PROGRESS_MS = 100;

/** A server that hangs, or takes its time for each chunk. */
function timed(own: Partial<Store>, seen: string[] = []): TimedStore {
  const store = { kind: 'file', location: 'file:///x', isInDatabase: false, fullReason: 'full', ...own } as Store;
  return new TimedStore(store, (operation, kind) => seen.push(`${operation} ${kind}`), PROGRESS_MS);
}

describe('a store that hangs', () => {
  it.each<[string, Partial<Store>, (store: TimedStore) => Promise<unknown>]>([
    ['put', { put: () => never }, (store) => store.put(NONE, 'x', bytes)],
    ['remove', { remove: () => never }, (store) => store.remove(NONE, ['x'])],
    ['probe', { probe: () => never }, (store) => store.probe(NONE, 1)],
  ])('fails at %s, and as slow', async (_, own, call) => {
    await expect(call(timed(own))).rejects.toMatchObject({ name: 'StoreFailure', reason: 'slow' });
  });

  it('is unavailable to a reader, and is not waited for', async () => {
    const hanging = { next: () => never, return: () => never, [Symbol.asyncIterator]: () => hanging };
    const reading = async () => {
      for await (const _ of timed({ open: () => hanging as never }).open(NONE, which)) return;
    };
    await expect(reading()).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 5 });
  });

  it('keeps no process from starting for ever', async () => {
    await expect(timed({ check: () => never }).check()).rejects.toMatchObject({ name: 'OperatorError' });
  });
});

describe('a put', () => {
  it('that goes on slowly is not given up, and is measured', async () => {
    const seen: string[] = [];
    const taken: number[] = [];
    const put: Store['put'] = async (_, __, { chunks: given }) => {
      for (const chunk of given) {
        taken.push(chunk.byteLength);
        await sleep(PROGRESS_MS * 0.7);
      }
    };
    await timed({ put }, seen).put(NONE, 'x', bytes);
    expect(taken).toEqual([1, 1, 1, 1]);
    expect(seen).toEqual(['put file']);
  });

  it('learns that it was given up, for its own reason or for the caller’s', async () => {
    const reasons: unknown[] = [];
    const put: Store['put'] = async (_, __, ___, signal) => {
      signal?.addEventListener('abort', () => reasons.push(signal.reason));
      await never;
    };
    await expect(timed({ put }).put(NONE, 'x', bytes)).rejects.toMatchObject({ reason: 'slow' });
    const caller = new AbortController();
    const putting = timed({ put }).put(NONE, 'x', bytes, caller.signal);
    caller.abort('cancelled');
    await expect(putting).rejects.toBe('cancelled');
    expect(reasons).toEqual([expect.objectContaining({ reason: 'slow' }), 'cancelled']);
  });

  it('in the database is a part of a transaction, which has limits of its own', async () => {
    let hasEnded = false;
    const put = async () => {
      await sleep(PROGRESS_MS * 2);
      hasEnded = true;
    };
    await timed({ put, isInDatabase: true }).put(NONE, 'x', bytes);
    expect(hasEnded).toBe(true);
  });
});

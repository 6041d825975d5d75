import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import { CHUNK_BYTES, type StoreFileBytes, type WhichFile } from '../../src/storage/store.ts';
import { Stores } from '../../src/storage/stores.ts';
import { eventually } from '../support/processes.ts';
import { fileOf, putInto, storeSubjects } from '../support/store-subjects.ts';

const random = seededRandom(11);
const bytesOf = (size: number) => Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 10)) % 251);
/** In chunks of any size, as a browser gives them. */
const chunked = (bytes: Uint8Array) => {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + Math.floor(random() * 2_000_000);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return fileOf(chunks);
};
const LARGE = 20_000_000;
const large = bytesOf(LARGE);

describe.each(await storeSubjects())('the store $kind', (subject) => {
  const { store, db, newId, names, resize, leave, opened, unreached, wrong: misconfigured } = subject;

  const stored = async (bytes: StoreFileBytes): Promise<WhichFile> => {
    const fileId = await newId();
    await putInto(subject, fileId, bytes);
    return { userId: '', fileId, size: bytes.size };
  };
  const read = async (which: WhichFile, range?: { first: number; last: number }) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of store.open(db, which, range)) {
      expect(piece.byteLength).toBeLessThanOrEqual(CHUNK_BYTES);
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  };

  it.each([1, 50_000, CHUNK_BYTES, CHUNK_BYTES + 1, LARGE])('gives back %i bytes', async (size) => {
    const bytes = large.subarray(0, size);
    expect((await read(await stored(chunked(bytes)))).equals(bytes)).toBe(true);
  });

  it('gives back any range', async () => {
    const size = 2 * CHUNK_BYTES + 5;
    const which = await stored(chunked(large.subarray(0, size)));
    const edges = [0, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES, size - 1];
    const ranges = edges.flatMap((first) => edges.filter((last) => last >= first).map((last) => ({ first, last })));
    for (let count = 0; count < 20; count++) {
      const [first = 0, last = 0] = [random(), random()].map((at) => Math.floor(at * size)).toSorted((a, b) => a - b);
      ranges.push({ first, last });
    }
    for (const range of ranges) {
      const found = (await read(which, range)).equals(large.subarray(range.first, range.last + 1));
      expect({ range, found }).toEqual({ range, found: true });
    }
  });

  it('refuses bytes that are not those that were rendered, and keeps nothing of them', async () => {
    const before = await names();
    for (const size of [50_000, ...(store.isInDatabase ? [] : [LARGE])]) {
      const bytes = chunked(large.subarray(0, size));
      for (const wrong of [{ sha256: '00'.repeat(32) }, { size: size + 1 }])
        await expect(putInto(subject, await newId(), { ...bytes, ...wrong })).rejects.toMatchObject({
          name: 'StoreFailure',
          reason: 'altered',
        });
    }
    expect((await names()).toSorted()).toEqual(before.toSorted());
  });

  it.each([-1, 1])('does not pass on a file that has %i byte too many', async (bytes) => {
    const which = await stored(chunked(large.subarray(0, 50_000)));
    await resize(which.fileId, bytes);
    await expect(read(which)).rejects.toMatchObject({ name: 'PdfDamaged' });
    await expect(read(which, { first: 0, last: 9 })).rejects.toMatchObject({ name: 'PdfDamaged' });
  });

  it('replaces a file that is put again', async () => {
    const which = await stored(chunked(large.subarray(0, 3_000_000)));
    const other = large.subarray(1, 2_000_000);
    await putInto(subject, which.fileId, chunked(other));
    expect((await read({ ...which, size: other.length })).equals(other)).toBe(true);
  });

  it('has nothing to give of what it never had, or has removed, also twice', async () => {
    const gone = { code: 'file_expired' };
    const never = { userId: '', fileId: await newId(), size: 5 };
    await expect(read(never)).rejects.toMatchObject(gone);
    const kept = await stored(chunked(large.subarray(0, 10)));
    const removed = await Promise.all(Array.from({ length: 20 }, () => stored(chunked(large.subarray(0, 10)))));
    const ids = [never, ...removed].map(({ fileId }) => fileId);
    await store.remove(db, ids);
    await store.remove(db, ids);
    for (const which of removed) await expect(read(which)).rejects.toMatchObject(gone);
    await expect(read(removed[0] as WhichFile, { first: 3, last: 3 })).rejects.toMatchObject(gone);
    expect((await read(kept)).length).toBe(10);
  });

  it('removes what unfinished puts have left, when it is old, and nothing else', async () => {
    const which = await stored(chunked(large.subarray(0, 10)));
    const before = await names();
    for (let count = 0; count < 3; count++) await leave?.(await newId());
    expect((await names()).length).toBe(before.length + (leave ? 3 : 0));
    expect(await store.sweep(7_200_000)).toBe(0);
    expect(await store.sweep(1_800_000)).toBe(leave ? 3 : 0);
    expect((await names()).toSorted()).toEqual(before.toSorted());
    expect((await read(which)).length).toBe(10);
  });

  it('is probed without a trace', async () => {
    const before = await names();
    for (const bytes of [1, CHUNK_BYTES, CHUNK_BYTES + 1, 9_000_000]) await store.probe(db, bytes);
    await store.check();
    expect((await names()).toSorted()).toEqual(before.toSorted());
  });

  it('takes many files at a time', async () => {
    const files = Array.from({ length: 40 }, (_, at) => large.subarray(at * 1_000, 100_000 + at * 2_000));
    const which = await Promise.all(files.map((bytes) => stored(chunked(bytes))));
    const found = await Promise.all(which.map((each) => read(each)));
    expect(found.map((bytes, at) => bytes.equals(files[at] ?? bytes.subarray(1)))).toEqual(files.map(() => true));
  });

  // A put into the database ends with its transaction.
  it.each(store.isInDatabase ? [] : [50_000, LARGE])(
    'keeps nothing of %i bytes whose put nobody waits for any longer',
    async (size) => {
      const before = await names();
      const left = new AbortController();
      const whole = chunked(large.subarray(0, size));
      const chunks = function* () {
        for (const [index, chunk] of whole.chunks.entries()) {
          if (index === whole.chunks.length - 1) left.abort(new Error('nobody waits'));
          yield chunk;
        }
      };
      const fileId = await newId();
      const bytes = { ...whole, chunks: { [Symbol.iterator]: chunks } };
      await expect(store.put(db, fileId, bytes, left.signal)).rejects.toThrow('nobody waits');
      await eventually(async () => (await names()).length === before.length, 10_000, 'nothing of it is left');
      await expect(read({ userId: '', fileId, size })).rejects.toMatchObject({ code: 'file_expired' });
    },
  );

  it('leaves nothing open behind readers that stop', async () => {
    const which = await stored(chunked(large.subarray(0, 2 * CHUNK_BYTES)));
    const stop = async () => {
      for await (const piece of store.open(db, which)) {
        expect(piece.byteLength).toBeGreaterThan(0);
        return;
      }
    };
    for (let count = 0; count < 20; count++) await Promise.all(Array.from({ length: 10 }, stop));
    await eventually(
      async () => {
        const { open, most } = await opened();
        return open <= most;
      },
      10_000,
      'all is closed',
    );
  });

  it.each(unreached ? [unreached] : [])('says that it cannot be reached', async (openLost) => {
    const lost = await openLost();
    const failure = { name: 'StoreFailure', reason: expect.stringMatching(/^E[A-Z]+$/) };
    const bytes = chunked(large.subarray(0, 10));
    const fileId = await newId();
    const calls = [lost.put(db, fileId, bytes), lost.probe(db, 10), lost.remove(db, [fileId]), lost.sweep(0)];
    await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(failure)));
    const reading = async () => {
      for await (const piece of lost.open(db, { userId: '', fileId, size: 10 })) expect(piece).toBe('nothing');
    };
    await expect(reading()).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 5 });
  });

  it.each(misconfigured)('names the setting that is wrong: $named', async ({ settings, named }) => {
    const { current } = new Stores(settings);
    await expect(current.check()).rejects.toMatchObject({
      name: 'OperatorError',
      message: expect.stringMatching(named),
    });
  });

  it('is the one that its rows name', () => {
    if (store.location === null) return expect(store.isInDatabase).toBe(true);
    const at = { store: store.kind, location: store.location };
    const settings = misconfigured[0]?.settings;
    if (!settings) throw new Error('it has no settings');
    const elsewhere = new Stores({ ...settings, pdfStore: { kind: 'postgres' } });
    expect(elsewhere.of(at)).toMatchObject({ kind: store.kind, location: store.location });
    expect(elsewhere.of(at)).toBe(elsewhere.of(at));
  });
});

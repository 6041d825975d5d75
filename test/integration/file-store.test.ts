import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileStore } from '../../src/storage/file-store.ts';
import { temporaryDirectory } from '../support/files.ts';

const directory = await temporaryDirectory('files');
const store = new FileStore(directory);
const fileId = '01a20b1c-7e0d-7435-94b8-0000000000aa';
const path = join(directory, 'aa', `${fileId}.pdf`);
const chunks = Array.from({ length: 40 }, (_, index) => new Uint8Array(100_000).fill(index));
const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);

/** A store outside the database has no use for a transaction. */
const NONE = undefined as never;

/** What all file handles have: the calls still do what they do. */
const handle = await open(join(directory, '.probe'), 'w');
const prototype = Object.getPrototypeOf(handle) as FileHandle;
await handle.close();
afterEach(() => vi.restoreAllMocks());

describe('a PDF in a directory', () => {
  it('has its name only when all of its bytes are on the disk', async () => {
    const synced: { draft: number; isNamed: boolean }[] = [];
    const sync: unknown = Reflect.get(prototype, 'sync');
    vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
      await (sync as (this: FileHandle) => Promise<void>).call(this);
      const names = await readdir(join(directory, 'aa'));
      synced.push({ draft: (await this.stat()).size, isNamed: names.includes(`${fileId}.pdf`) });
    });
    await store.save(NONE, fileId, chunks);
    expect(synced).toEqual([{ draft: size, isNamed: false }]);
    expect(await readdir(join(directory, 'aa'))).toEqual([`${fileId}.pdf`]); // no draft is left
    expect((await readFile(path)).equals(Buffer.concat(chunks))).toBe(true);
  });

  it('is read in pieces, and is what it was', async () => {
    await store.save(NONE, fileId, chunks);
    const pieces: Uint8Array[] = [];
    for await (const piece of store.open(NONE, { fileId })) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).equals(Buffer.concat(chunks))).toBe(true);
    expect((await stat(path)).mode & 0o007).toBe(0);
  });
});

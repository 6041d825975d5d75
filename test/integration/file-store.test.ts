import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rmdir,
  stat,
  truncate,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileStore } from '../../src/storage/file-store.ts';
import { temporaryDirectory } from '../support/files.ts';

const directory = await temporaryDirectory('files');
const store = new FileStore(directory);
await store.check();
const fileId = '01a20b1c-7e0d-7435-94b8-0000000000aa';
const path = join(directory, 'aa', `${fileId}.pdf`);
const chunks = Array.from({ length: 40 }, (_, index) => new Uint8Array(100_000).fill(index));
const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
const pdf = { chunks, size, sha256: createHash('sha256').update(Buffer.concat(chunks)).digest('hex') };
const which = { userId: '', fileId, size };

/** A store outside the database has no use for a transaction. */
const NONE = undefined as never;

/** What all file handles have: the calls still do what they do. */
const handle = await open(join(directory, '.probe'), 'w');
const prototype = Object.getPrototypeOf(handle) as FileHandle;
await handle.close();
afterEach(() => vi.restoreAllMocks());

const read = async () => {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.open(NONE, which)) pieces.push(piece);
  return pieces;
};

describe('a PDF in a directory', () => {
  it('has its name only when all of its bytes are on the disk', async () => {
    const synced: { draft: number; isNamed: boolean }[] = [];
    const sync: unknown = Reflect.get(prototype, 'sync');
    vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
      await (sync as (this: FileHandle) => Promise<void>).call(this);
      const names = await readdir(join(directory, 'aa'));
      const state = await this.stat();
      if (state.isFile()) synced.push({ draft: state.size, isNamed: names.includes(`${fileId}.pdf`) });
      else expect(names).toEqual([`${fileId}.pdf`]); // and the name is on the disk before it is reported
    });
    await store.put(NONE, fileId, pdf);
    expect(synced).toEqual([{ draft: size, isNamed: false }]);
    expect(await readdir(join(directory, 'aa'))).toEqual([`${fileId}.pdf`]); // no draft is left
    expect((await readFile(path)).equals(Buffer.concat(chunks))).toBe(true);
  });

  it('is read in pieces, and is what it was', async () => {
    await store.put(NONE, fileId, pdf);
    const pieces = await read();
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).equals(Buffer.concat(chunks))).toBe(true);
    expect((await stat(path)).mode & 0o007).toBe(0);
  });

  it('that was damaged in its directory is refused before its first byte', async () => {
    await store.put(NONE, fileId, pdf);
    await truncate(path, size - 1);
    await expect(read()).rejects.toMatchObject({ name: 'PdfDamaged' });
    await appendFile(path, 'xx');
    await expect(read()).rejects.toMatchObject({ name: 'PdfDamaged' });
  });

  it('that becomes shorter while it is read ends with an error, not with its bytes', async () => {
    await store.put(NONE, fileId, pdf);
    let sent = 0;
    const reading = async () => {
      for await (const piece of store.open(NONE, which)) {
        if (sent === 0) await truncate(path, piece.byteLength + 1);
        sent += piece.byteLength;
      }
    };
    await expect(reading()).rejects.toMatchObject({ name: 'PdfDamaged' });
    expect(sent).toBeLessThan(size);
  });

  it('has expired if its file is missing, is unavailable if the directory is, and nothing is written there', async () => {
    await store.put(NONE, fileId, pdf);
    const elsewhere = `${directory}.elsewhere`;
    await rename(directory, elsewhere);
    const other = new FileStore(directory);
    await expect(read()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.put(NONE, fileId, pdf)).rejects.toMatchObject({ name: 'StoreFailure', reason: 'ENOENT' });
    await expect(store.probe(NONE, 1)).rejects.toMatchObject({ name: 'StoreFailure', reason: 'ENOENT' });
    for (const each of [store, other]) {
      const failure = { name: 'StoreFailure', reason: 'ENOENT' };
      await expect(each.remove(NONE, [fileId])).rejects.toMatchObject(failure);
      await expect(each.sweep(0)).rejects.toMatchObject(failure);
    }
    await expect(stat(directory)).rejects.toMatchObject({ code: 'ENOENT' });
    await mkdir(directory); // as it is where nothing is mounted
    await expect(read()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(other.remove(NONE, [fileId])).rejects.toMatchObject({ name: 'StoreFailure', reason: 'ENOENT' });
    expect(await readdir(directory)).toEqual([]);
    await rmdir(directory);
    await rename(elsewhere, directory);
    await store.probe(NONE, 1);
    expect(Buffer.concat(await read())).toHaveLength(size);
    await other.remove(NONE, [fileId]);
    await expect(read()).rejects.toMatchObject({ code: 'file_expired' });
  });
});

describe('a disk that takes only a part of a write', () => {
  /** The kernel writes as much as the limit allows, as on a disk that is nearly full, and says how much that was. */
  const saving = `
    const { FileStore } = await import(${JSON.stringify(new URL('../../src/storage/file-store.ts', import.meta.url).href)});
    const { createHash } = await import('node:crypto');
    const bytes = Buffer.alloc(77_509, 7);
    const pdf = { chunks: [bytes], size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    const store = new FileStore(process.argv[1]);
    for (const work of [() => store.put(undefined, process.argv[2], pdf), () => store.probe(undefined, pdf.size)])
      console.log(await work().then(() => 'kept', (error) => error.name + ' ' + error.reason));`;
  const limited = async (bytes: number, id: string) => {
    const arguments_ = [`--fsize=${bytes}`, process.execPath, '--input-type=module', '-e', saving, directory, id];
    return (await promisify(execFile)('prlimit', arguments_)).stdout.trim().split('\n');
  };

  it.each([0, 1, 24_576, 77_508])('keeps nothing, and says why: %i of 77,509 bytes', async (bytes) => {
    expect(await limited(bytes, fileId.replace('aa', 'bb'))).toEqual(['StoreFailure EFBIG', 'StoreFailure EFBIG']);
    const names = await readdir(directory, { recursive: true });
    expect(names.filter((name) => name.includes('bb.pdf') || name.endsWith('.tmp'))).toEqual([]);
  });

  it('keeps what just fits', async () => {
    expect(await limited(77_509, fileId.replace('aa', 'cc'))).toEqual(['kept', 'kept']);
  });
});

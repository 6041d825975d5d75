import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { fromBufferPromise, openPromise } from 'yauzl';
import { uniqueName } from '../../src/domain/unique-name.ts';
import { type ZippedFile, zipSize, zipStream } from '../../src/kernel/zip-stream.ts';

const root = mkdtempSync(join(tmpdir(), 'pdfprompt-test-large-zip-'));
afterAll(() => rmSync(root, { recursive: true }));
const AT = new Date('2026-03-04T05:06:08Z');
const MEGABYTE = 1024 * 1024;
const GIGABYTE = 1024 * MEGABYTE;
const ZEROS = Buffer.alloc(4 * MEGABYTE);

const textFile = (name: string, content: string): ZippedFile => ({
  name,
  size: Buffer.byteLength(content),
  async *read() {
    yield Buffer.from(content);
  },
});

/** A file of zeros. */
const zeros = (name: string, size: number): ZippedFile => ({
  name,
  size,
  async *read() {
    for (let left = size; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
  },
});

interface Found {
  size: number;
  text: string | undefined;
}

/** What a reader of zips finds; the contents of small files. The zeros are holes on the disk. */
async function readBack(files: ZippedFile[]): Promise<{ found: Map<string, Found>; bytes: number }> {
  const path = join(root, `${files.length}.zip`);
  const file = openSync(path, 'w');
  let bytes = 0;
  let kept: Uint8Array[] = [];
  // A write for each of a hundred thousand pieces would take seconds.
  const flush = () => {
    const together = Buffer.concat(kept);
    writeSync(file, together, 0, together.length, bytes - together.length);
    kept = [];
  };
  for await (const piece of zipStream(files, AT)) {
    if (piece.buffer === ZEROS.buffer) flush();
    else kept.push(piece);
    bytes += piece.length;
  }
  flush();
  ftruncateSync(file, bytes);
  closeSync(file);
  // What fits is read from memory: a read of the disk for each entry takes seconds.
  const zip = await (bytes < GIGABYTE
    ? fromBufferPromise(readFileSync(path))
    : openPromise(path, { autoClose: false }));
  const found = new Map<string, Found>();
  for await (const entry of zip.eachEntry()) {
    const isSmall = entry.uncompressedSize < 1_000 && (files.length < 1_000 || found.size > files.length - 10);
    const content = isSmall ? await text(await zip.openReadStreamPromise(entry)) : undefined;
    found.set(entry.fileName, { size: entry.uncompressedSize, text: content });
  }
  zip.close();
  return { found, bytes };
}

describe('a zip that is large', () => {
  it.each([
    [
      'one file of more than four gigabytes, between others',
      [textFile('a.pdf', 'first'), zeros('huge.pdf', 4 * GIGABYTE + 5), textFile('b.pdf', 'last')],
    ],
    [
      'files of more than four gigabytes together',
      [...Array.from({ length: 9 }, (_, n) => zeros(`${n}.pdf`, 512 * MEGABYTE)), textFile('b.pdf', 'last')],
    ],
    ['a file as large as zip32 just cannot say', [zeros('edge.pdf', 0xffff_ffff), textFile('b.pdf', 'last')]],
    ['a file as large as zip32 can say', [zeros('edge.pdf', 0xffff_fffe), textFile('b.pdf', 'last')]],
  ])(
    'is read again: %s',
    async (_, files: ZippedFile[]) => {
      const { found, bytes } = await readBack(files);
      expect(bytes).toBe(zipSize(files));
      expect([...found].map(([name, { size }]) => [name, size])).toEqual(files.map(({ name, size }) => [name, size]));
      expect(found.get('b.pdf')?.text).toBe('last');
    },
    60_000,
  );

  it.each([65_534, 65_535])(
    'is read again: %i files',
    async (count) => {
      const files = Array.from({ length: count }, (_, n) => ({ ...textFile(`${n}.pdf`, 'x'), n }));
      const { found, bytes } = await readBack(files);
      expect(bytes).toBe(zipSize(files));
      expect(found.size).toBe(count);
      expect(found.get(`${count - 1}.pdf`)?.text).toBe('x');
    },
    60_000,
  );

  it('changes nothing of those that are not', async () => {
    const hash = createHash('sha256');
    const files = [textFile('a.pdf', 'one two'), textFile('Grüße 日本.pdf', '')];
    for await (const piece of zipStream(files, AT)) hash.update(piece);
    // As the release made it that knew no others.
    expect(hash.digest('hex')).toBe('2db34d600d4fa2fefada854ca1afeefd45271ac70e139ea6bfb4b8d399b29421');
  });
});

describe('the names of files of several rows', () => {
  it('are different ones, in any case, however they are meant to clash', () => {
    const parts = ['a', 'A', 'é', 'e\u0301', 'a (2)', 'a (3)', 'A (3-2)', '', '.pdf', 'a.b'];
    for (let seed = 1; seed < 200; seed++) {
      const names = new Set<string>();
      const made = Array.from({ length: 30 }, (_, row) =>
        uniqueName(`${parts[(row * seed + ((row * row) % seed)) % parts.length]}.pdf`, row, names),
      );
      expect(new Set(made.map((name) => name.normalize('NFC').toLowerCase())).size).toBe(30);
      expect(names.size).toBe(30);
    }
  });

  it('stay as they are if they are the first', () => {
    const names = new Set<string>();
    expect(['a.pdf', 'b', 'a.pdf', 'B', 'A.PDF'].map((name, index) => uniqueName(name, index + 1, names))).toEqual([
      'a.pdf',
      'b',
      'a (3).pdf',
      'B (4)',
      'A (5).PDF',
    ]);
  });
});

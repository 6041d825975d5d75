import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FILE_TYPES } from '../../src/domain/media-type.ts';
import { resultName, zipName } from '../../src/domain/result-name.ts';
import { type ZippedFile, zipSize, zipStream } from '../../src/kernel/zip-stream.ts';
import { unzip } from '../../src/sources/unzip.ts';

const root = mkdtempSync(join(tmpdir(), 'pdfprompt-test-zip-'));
afterAll(() => rmSync(root, { recursive: true }));
const AT = new Date('2026-03-04T05:06:08Z');
let count = 0;

const fileOf = (name: string, ...pieces: string[]): ZippedFile => ({
  name,
  size: Buffer.byteLength(pieces.join('')),
  async *read() {
    for (const piece of pieces) yield Buffer.from(piece);
  },
});

async function bytesOf(files: ZippedFile[], at = AT): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of zipStream(files, at)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What the reader of uploads finds in it. */
async function unpacked(bytes: Buffer): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(root, 'one-'));
  const path = join(root, `${count++}.zip`);
  writeFileSync(path, bytes);
  const place = (_: string, index: number) => join(folder, String(index));
  const files = await unzip(path, { maxFiles: 2_000, maxBytes: 10_000_000, place });
  return Object.fromEntries(files.map((file) => [file.name, readFileSync(file.path, 'utf8')]));
}

describe('a zip that is made', () => {
  it.each([
    ['one file', { 'a.pdf': ['one ', 'two'] }],
    ['an empty one, and one of empty pieces', { 'a.pdf': [], 'b.png': ['', 'x', ''] }],
    ['names of any language', { 'Grüße 日本.pdf': ['1'], '😀.webp': ['2'] }],
    ['a thousand files', Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`n-${n}.pdf`, [String(n)]]))],
  ])('is read again: %s', async (_, content: Record<string, string[]>) => {
    const files = Object.entries(content).map(([name, pieces]) => fileOf(name, ...pieces));
    const bytes = await bytesOf(files);
    expect(bytes.length).toBe(zipSize(files));
    expect(await unpacked(bytes)).toEqual(
      Object.fromEntries(Object.entries(content).map(([name, pieces]) => [name, pieces.join('')])),
    );
  });

  it('is the same again, with the time in UTC, which is never before 1980', async () => {
    const bytes = await bytesOf([fileOf('a.pdf', 'x')]);
    expect(await bytesOf([fileOf('a.pdf', 'x')])).toEqual(bytes);
    expect(bytes.readUInt16LE(12)).toBe(((2026 - 1980) << 9) | (3 << 5) | 4);
    expect(bytes.readUInt16LE(10)).toBe((5 << 11) | (6 << 5) | 4);
    const early = await bytesOf([fileOf('a.pdf', 'x')], new Date(0));
    expect(early.readUInt16LE(12)).toBe((1 << 5) | 1);
  });

  it('says nothing before its first file can be read, and closes the file that it is at', async () => {
    const failing = { next: () => Promise.reject(new Error('gone')) };
    const broken: ZippedFile = { ...fileOf('a.pdf'), read: () => ({ [Symbol.asyncIterator]: () => failing }) };
    await expect(zipStream([broken], AT).next()).rejects.toThrow('gone');
    let isClosed = false;
    const open: ZippedFile = {
      name: 'a.pdf',
      size: 2,
      async *read() {
        try {
          yield Buffer.from('x');
          yield Buffer.from('y');
        } finally {
          isClosed = true;
        }
      },
    };
    const zip = zipStream([open], AT);
    await zip.next();
    await zip.return();
    expect(isClosed).toBe(true);
  });
});

describe('the names in it', () => {
  it('are different ones, whatever the request says and the types are', () => {
    const stems = ['a', 'a-2', 'a.pdf-2', 'a-2.png', '', '-2', '.pdf-2'];
    const endings = ['', '.pdf', '.PDF', '.png', '.jpg', '.jpeg', '.webp', '.zip', '.pdf.png', '.png.pdf'];
    for (const name of stems.flatMap((stem) => endings.map((ending) => stem + ending)))
      for (const first of FILE_TYPES)
        for (const second of FILE_TYPES) {
          const types = [first, second, first];
          const names = types.map((type, position) => resultName(name, { position, type }).toLowerCase());
          expect([...new Set(names)]).toEqual(names);
        }
  });

  it.each([
    ['invoice', 'invoice.zip'],
    ['invoice.pdf', 'invoice.zip'],
    ['Page.JPEG', 'Page.zip'],
    ['all.zip', 'all.zip'],
    ['v1.2', 'v1.2.zip'],
  ])('and its own is of the request too: %s', (name, expected) => {
    expect(zipName(name)).toBe(expected);
  });
});

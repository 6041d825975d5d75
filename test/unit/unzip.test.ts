import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, crc32, deflateRawSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { unzip, type UnzipOptions } from '../../src/sources/unzip.ts';
import { ZipRefused } from '../../src/sources/zip-entries.ts';
import { mutated } from '../fuzz/mutate.ts';
import { unicodePath, type ZipItem, zipOf } from '../support/zip-writer.ts';

const root = mkdtempSync(join(tmpdir(), 'pdfprompt-test-unzip-'));
afterAll(() => rmSync(root, { recursive: true }));
const MEGABYTE = 1024 * 1024;
const NO_MODE = 0;
const NO_FLAGS = 0;
let count = 0;

/** @returns what was unpacked by name, or the message of the refusal */
async function unpack(bytes: Buffer, options: Partial<UnzipOptions> = {}): Promise<Map<string, string> | string> {
  const folder = mkdtempSync(join(root, 'one-'));
  const path = join(root, `${count++}.zip`);
  writeFileSync(path, bytes);
  try {
    const place = (_: string, index: number) => join(folder, String(index));
    const files = await unzip(path, { maxFiles: 1_000, maxBytes: 100 * MEGABYTE, place, ...options });
    const unpacked = files.map(({ name, path: at, size, sha256 }): [string, string] => {
      const content = readFileSync(at);
      expect([content.length, createHash('sha256').update(content).digest('hex')]).toEqual([size, sha256]);
      return [name, content.toString('latin1')];
    });
    return new Map(unpacked);
  } catch (error) {
    if (error instanceof ZipRefused) return error.message;
    throw error;
  } finally {
    rmSync(path);
    rmSync(folder, { recursive: true });
  }
}

const html = { name: 'index.html', content: '<p>x' };
const beside = (...items: ZipItem[]) => zipOf([html, ...items]);
/** What deflates to so many megabytes of zeros, made in no time. */
function zeros(megabytes: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(MEGABYTE), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([...Array.from({ length: megabytes }, () => block), Buffer.from([3, 0])]);
}

describe('a zip', () => {
  it.each<[string, ZipItem[], Record<string, string>]>([
    ['with folders', [html, { name: 'css/', mode: 0o40_755 }, { name: 'css/a.css', content: 'p{}' }], { 'index.html': '<p>x', 'css/a.css': 'p{}' }],
    ['in one folder', [{ name: 'top/' }, { name: 'top/index.html', content: '1' }, { name: 'top/a/b', content: '2' }], { 'index.html': '1', 'a/b': '2' }],
    ['in one folder, and macOS beside it', [{ name: 'top/index.html', content: '1' }, { name: '__MACOSX/top/._index.html' }, { name: 'top/.DS_Store' }], { 'index.html': '1' }],
    ['with hidden files', [html, { name: '.env', content: 'secret' }, { name: 'a/.git/config', content: 'secret' }], { 'index.html': '<p>x' }],
    ['with stored and empty files', [{ ...html, isStored: true }, { name: 'e' }, { name: 'f', isStored: true }], { 'index.html': '<p>x', e: '', f: '' }],
    ['with names of macOS', [html, { name: 'Gru\u0308\u00dfe a\u0308.css'.normalize('NFD'), content: '1' }], { 'index.html': '<p>x', 'Gr\u00fc\u00dfe \u00e4.css': '1' }],
    ['with names in UTF-8 that does not say so', [html, { name: 'ä.css', flags: NO_FLAGS }], { 'index.html': '<p>x', 'ä.css': '' }],
    ['with names in the code page 437', [html, { name: Buffer.from([0x84, 0x2e, 0x63, 0x73, 0x73]), flags: NO_FLAGS }], { 'index.html': '<p>x', 'ä.css': '' }],
    ['with names in the extra field of Info-ZIP', [html, { name: Buffer.from('?.css'), flags: NO_FLAGS, extra: unicodePath(Buffer.from('?.css'), '日本.css') }], { 'index.html': '<p>x', '日本.css': '' }],
    ['with a zip in it', [html, { name: 'inner.zip', content: zipOf([html]), isStored: true }], { 'index.html': '<p>x', 'inner.zip': zipOf([html]).toString('latin1') }],
    ['without types of files', [{ ...html, mode: NO_MODE }], { 'index.html': '<p>x' }],
    ['with names that differ in case', [html, { name: 'A.css', content: '1' }, { name: 'a.css', content: '2' }], { 'index.html': '<p>x', 'A.css': '1', 'a.css': '2' }],
  ])('%s is unpacked', async (_, items, files) => {
    expect(await unpack(zipOf(items))).toEqual(new Map(Object.entries(files)));
  }); // prettier-ignore

  it('has a comment, or none of the entries', async () => {
    expect(await unpack(zipOf([html], { comment: Buffer.from('made today') }))).toEqual(new Map([['index.html', '<p>x']]));
    expect(await unpack(zipOf([]))).toEqual(new Map());
  }); // prettier-ignore

  it('ends when nobody waits for it', async () => {
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(unpack(beside(), { signal })).rejects.toThrow('gone');
    const packed = zeros(50);
    const late = { signal: AbortSignal.timeout(1) };
    const big = { name: 'big', packed, size: 50 * MEGABYTE };
    await expect(unpack(zipOf(Array.from({ length: 9 }, (_, index) => ({ ...big, name: `${index}` }))), late)).rejects.toThrow(/timeout/); // prettier-ignore
  });
});

const PATHS = [
  '../x', '..', 'a/../x', 'a/..', '../../../etc/passwd', '/etc/passwd', '//server/x', 'a//x', './x', 'a/./x', '..\\x',
  'a\\x', '\\x', '\\\\server\\share', 'C:/x', 'c:x', 'C:\\x', 'a/C:/x', '.git/../../x', '__MACOSX/../x', 'a\u0000b',
  'a\nb', 'a\u007fb', '\u0001', '../', '/', 'a/../', 'x'.repeat(501), `${'a/'.repeat(300)}x`, '', ' /../x', 'a/ /../../x',
]; // prettier-ignore

const titled = (paths: string[]) => paths.map((path): [string, string] => [path.slice(0, 30), path]);

const TYPES: [string, number][] = [
  ['a symbolic link', 0o120_777],
  ['a device', 0o060_644],
  ['a terminal', 0o020_644],
  ['a pipe', 0o010_644],
  ['a socket', 0o140_644],
];

describe('a hostile zip is refused by name:', () => {
  it.each(titled(PATHS))('%j as a path', async (_, name) => {
    const shown = name.replace(/\/$/, '');
    const message = await unpack(beside({ name, content: 'x' }));
    expect(message).toMatch(/: allowed: /);
    expect((message as string).startsWith(JSON.stringify(shown.length > 200 ? `${shown.slice(0, 200)}…` : shown))).toBe(true);
  }); // prettier-ignore

  it.each(titled(PATHS.filter((path) => path !== '')))('%j as a path in one folder', async (_, name) => {
    expect(await unpack(zipOf([{ name: 'top/index.html' }, { name: `top/${name}` }]))).toMatch(/allowed/);
  });

  it.each(TYPES)('%s', async (_, mode) => {
    expect(await unpack(beside({ name: 'a', content: '/etc/passwd', mode }))).toBe(
      '"a": allowed: files and folders, no links or devices',
    );
  });

  it.each<[string, Buffer, RegExp]>([
    ['no zip', Buffer.from('%PDF-1.7 and so on, and so on'), /^it is no zip/],
    ['nothing', Buffer.alloc(0), /^it is no zip/],
    ['a few bytes', Buffer.from('PK'), /^it is no zip/],
    ['a name twice', beside({ name: 'a' }, { name: 'a' }), /^"a": it is there twice/],
    ['a name twice, composed and not', beside({ name: '\u00e4' }, { name: 'a\u0308' }), /^"ä": it is there twice/],
    ['a name twice, in two encodings', beside({ name: 'ä' }, { name: Buffer.from([0x84]), flags: NO_FLAGS }), /^"ä": it is there twice/],
    ['a file that is a folder', beside({ name: 'a' }, { name: 'a/b' }), /^"a": it is a file and a folder/],
    ['a name that is not what it says', beside({ name: Buffer.from([0xff, 0xfe]) }), /not valid UTF-8/],
    ['a password', beside({ name: 'a', content: 'x', flags: 0x801 }), /^"a": it is encrypted/],
    ['strong encryption', beside({ name: 'a', content: 'x', flags: 0x841 }), /^it is no zip that can be read: strong/],
    ['another compression', beside({ name: 'a', content: 'x', method: 14 }), /^"a": compression method 14; allowed/],
    ['another checksum', beside({ name: 'a', content: 'x', sum: 7 }), /^"a": its bytes are damaged/],
    ['damaged bytes', beside({ name: 'a', content: 'x', packed: Buffer.from([0xff, 0xff, 0xff]) }), /^"a": its bytes are damaged/],
    ['bytes that end early', beside({ name: 'a', content: 'x'.repeat(100), packed: deflateRawSync('x'.repeat(100)).subarray(0, 3) }), /^"a": its bytes are damaged/],
    ['more than it says', beside({ name: 'a', content: 'x'.repeat(100), size: 99 }), /^"a": it has more bytes than it says/],
    ['less than it says', beside({ name: 'a', content: 'x'.repeat(100), size: 101 }), /^"a": it has fewer bytes than it says/],
    ['stored, and of two sizes', beside({ name: 'a', content: 'xyz', isStored: true, size: 4 }), /mismatch for stored file/],
    ['bytes beyond the end', beside({ name: 'a', content: 'x', packedSize: 10_000 }), /^"a": .*overflows file bounds/],
    ['a header beyond the end', beside({ name: 'a', content: 'x', offset: 1_000_000 }), /^it is cut off, or points outside/],
    ['a header that is none', beside({ name: 'a', content: 'x', offset: 3 }), /^"a": .*invalid local file header/],
    ['the bytes of another', beside({ name: 'a', content: '<p>x', offset: 0 }), /^"a": its bytes are those of another entry/],
    ['a directory beyond the end', zipOf([html], { directoryOffset: 1_000_000 }), /^it is cut off, or points outside/],
    ['a directory that is none', zipOf([html], { directoryOffset: 2 }), /invalid central directory file header/],
    ['more entries than there are', zipOf([html], { count: 9 }), /^it is cut off|invalid central directory/],
    ['a comment that is too long', Buffer.concat([zipOf([html]), Buffer.from('more')]), /Invalid comment length/],
    ['zip64: entries without end', zipOf([html], { zip64: { count: 2n ** 64n - 1n, offset: 0n } }), /invalid central directory/],
    ['zip64: a directory at 2^64 - 1', zipOf([html], { zip64: { count: 1n, offset: 2n ** 64n - 1n } }), /^it is cut off, or points outside/],
    ['zip64: an end at 2^64 - 1', zipOf([html], { zip64: { count: 1n, offset: 0n, recordOffset: 2n ** 64n - 1n } }), /^it is cut off, or points outside/],
    ['zip64: an end that is none', zipOf([html], { zip64: { count: 1n, offset: 0n, recordOffset: 1n } }), /invalid zip64/],
    ['an extra field beyond the end', beside({ name: 'a', extra: Buffer.from([1, 0, 99, 0]) }), /extra field length exceeds/],
    ['10,000 files', zipOf(Array.from({ length: 10_000 }, (_, index) => ({ name: `${index}` }))), /^it has too many files; allowed: 1000/],
    ['100,000 folders', zipOf(Array.from({ length: 65_000 }, (_, index) => ({ name: `${index}/` }))), /^it has too many files; allowed: 1000/],
    ['20 GB of zeros, honest', beside({ name: 'a', packed: zeros(20_000), size: 0xffffffff - 1 }), /^"a": with it the zip has more than 104857600 bytes/],
    ['1 GB of zeros that says 1 byte', beside({ name: 'a', packed: zeros(1_000), size: 1 }), /^"a": it has more bytes than it says/],
    ['30 MB in 30 KB', beside({ name: 'a', packed: zeros(30), size: 30 * MEGABYTE }), /^"a": with it the zip is more than 200 times its size/],
    ['110 MB in 110 KB, 5 MB each', zipOf(Array.from({ length: 22 }, (_, index) => fiveOf(`${index}`))), /^"4": with it the zip is more than 200 times its size/],
    ['the same bytes 500 times', overlapping(500), /its bytes are those of another entry/],
  ])('%s', async (_, bytes, message) => {
    const before = process.memoryUsage().rss;
    expect(await unpack(bytes)).toMatch(message);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * MEGABYTE);
  }); // prettier-ignore

  it('more than is allowed, of files that are each allowed', async () => {
    expect(await unpack(zipOf([fiveOf('0'), fiveOf('1'), fiveOf('2')]), { maxBytes: 14 * MEGABYTE })).toBe(
      '"2": with it the zip has more than 14680064 bytes',
    );
  });

  it('cut off anywhere', async () => {
    const whole = zipOf([html, { name: 'a/b.css', content: 'p{}'.repeat(20) }, { name: 'c', content: 'c', isStored: true }]);
    for (let length = 0; length < whole.length; length++) expect([length, typeof (await unpack(whole.subarray(0, length)))]).toEqual([length, 'string']);
  }); // prettier-ignore

  it('one of whose bits is another: refused, or with the bytes that were packed', async () => {
    const contents = ['<p>x', 'p{}'.repeat(20), 'c'];
    const whole = zipOf([html, { name: 'a/b.css', content: contents[1] }, { name: 'c', content: 'c', isStored: true }]);
    let refusals = 0;
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] as number) ^ (1 << at % 8);
      const unpacked = await unpack(flipped);
      if (typeof unpacked === 'string') refusals++;
      else for (const content of unpacked.values()) expect([at, contents]).toEqual([at, expect.arrayContaining([content])]);
    }
    expect(refusals).toBeGreaterThan(whole.length / 3);
  }); // prettier-ignore

  it('broken in any way: refused, or with the bytes that were packed', async () => {
    const contents = ['<p>x', 'p{}'.repeat(20), 'c'];
    const whole = zipOf([html, { name: 'a/b.css', content: contents[1] }, { name: 'c', content: 'c', isStored: true }]);
    for (let seed = 0; seed < 2_000; seed++) {
      const unpacked = await unpack(mutated(whole, seed));
      if (typeof unpacked === 'string') continue;
      for (const content of unpacked.values()) expect([seed, contents]).toEqual([seed, expect.arrayContaining([content])]);
    }
  }); // prettier-ignore
});

function fiveOf(name: string): ZipItem {
  return { name, packed: zeros(5), size: 5 * MEGABYTE, sum: crc32(Buffer.alloc(5 * MEGABYTE)) };
}

/** Each entry has the bytes of all after it: a quadratic bomb. */
function overlapping(entries: number): Buffer {
  const packed = zeros(10);
  const first = { name: '0', packed, size: 10 * MEGABYTE };
  return zipOf([first, ...Array.from({ length: entries - 1 }, (_, index) => ({ name: `${index + 1}`, packed: Buffer.alloc(0), packedSize: packed.length, size: 10 * MEGABYTE, offset: 0 }))]);
} // prettier-ignore

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import { coverageOf } from '../../src/render/fonts/coverage.ts';
import { BrokenFont, readFontFile } from '../../src/render/fonts/font-file.ts';
import { temporaryDirectory } from '../support/files.ts';
import { FONT_FILES, fontNamed } from '../support/fonts.ts';

const folder = await temporaryDirectory('fonts');
let count = 0;
/** What is read from a file with these bytes: the font, or the problem. */
async function read(bytes: Uint8Array) {
  const path = join(folder, `${count++}.ttf`);
  writeFileSync(path, bytes);
  return readFontFile(path).catch((error: unknown) => {
    if (error instanceof BrokenFont) return error.message;
    throw error;
  });
}

const font = readFileSync(FONT_FILES.carlito);
/** Bytes of a record of the table directory. */
const recordOf = (tag: string) => font.indexOf(tag, 12, 'latin1');
function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(font);
  change(bytes);
  return bytes;
}

/** Two fonts in one file, the way fonts for several languages come. */
function collection(...fonts: Buffer[]): Buffer {
  const header = Buffer.alloc(12 + 4 * fonts.length);
  header.write('ttcf');
  header.writeUInt32BE(0x1_0000, 4);
  header.writeUInt32BE(fonts.length, 8);
  let at = header.length;
  const moved = fonts.map((bytes, index) => {
    const copy = Buffer.from(bytes);
    header.writeUInt32BE(at, 12 + 4 * index);
    for (let table = 0; table < copy.readUInt16BE(4); table++) {
      const offset = 12 + table * 16 + 8;
      copy.writeUInt32BE(copy.readUInt32BE(offset) + at, offset);
    }
    at += copy.length;
    return copy;
  });
  return Buffer.concat([header, ...moved]);
}

describe('a font file', () => {
  it.each([
    ['carlito', ['Carlito'], ['Latin']],
    ['japanese', ['Sawarabi Gothic'], ['Japanese']],
    ['emoji', ['Noto Color Emoji'], ['emoji']],
  ] as const)('says its families and scripts: %s', async (name, families, scripts) => {
    expect(await readFontFile(FONT_FILES[name])).toEqual({ families, scripts });
  });

  it('may be a collection', async () => {
    const bytes = collection(font, fontNamed('Zephyra'));
    expect(await read(bytes)).toEqual({ families: ['Carlito', 'Zephyra'], scripts: ['Latin'] });
  });

  it.each([
    ['an empty file', Buffer.alloc(0), 'it is cut off'],
    ['a text', Buffer.from('<!doctype html><title>not found</title>'), 'it is no TrueType or OpenType font'],
    ['WOFF2', Buffer.from(`wOF2${'\0'.repeat(60)}`), 'it is compressed for the web (WOFF), which only documents can'],
    ['half of one', font.subarray(0, font.length / 2), 'it is cut off'],
    ['a directory that is too long', changed((bytes) => bytes.writeUInt16BE(0xff_ff, 4)), 'it has 65535 tables'],
    ['a table outside of it', changed((b) => b.writeUInt32BE(0xff_ff_ff_ff, recordOf('name') + 8)), 'it is cut off'],
    ['no table of characters', changed((b) => b.write('cmaq', recordOf('cmap'), 'latin1')), 'it has no table cmap'],
    ['no shapes', changed((b) => b.write('glyg', recordOf('glyf'), 'latin1')), 'it has no shapes of characters'],
    ['a name of nothing', changed((b) => b.writeUInt32BE(6, recordOf('name') + 12)), 'it has no family name'],
    ['too many fonts', changed((b) => b.fill('ttcf\0\u0001\0\0\xff\xff\xff\xff', 0, 12, 'latin1')), '4294967295 fonts'],
  ])('is refused: %s', async (_, bytes, problem) => {
    expect(await read(bytes)).toContain(problem);
  });

  it('with any bytes changed is read or refused, never anything else', async () => {
    const random = seededRandom(18);
    const at = (below: number) => Math.floor(random() * below);
    const small = font.subarray(0, 400_000);
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(small);
      // Most of them where the offsets and counts are.
      for (let change = 0; change <= at(6); change++)
        bytes[at(2) === 0 ? at(400) : recordStart(bytes, at(2) === 0 ? 'name' : 'cmap') + at(300)] = at(256);
      const result = await read(bytes);
      expect(typeof result === 'string' || result.families.every((family) => family.length <= 200)).toBe(true);
    }
  });
});

function recordStart(bytes: Buffer, tag: string): number {
  const record = bytes.indexOf(tag, 12, 'latin1');
  return record === -1 ? 0 : Math.min(bytes.readUInt32BE(record + 8), bytes.length - 400);
}

describe('the characters of a font', () => {
  it('are none where the table ends too early', () => {
    expect([Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(11)].map((cmap) => coverageOf(cmap)(65))).toEqual(
      Array(3).fill(false),
    );
  });

  it('are found in a table that says it has 4 thousand million groups', () => {
    const cmap = Buffer.alloc(12 + 16 + 12);
    cmap.writeUInt16BE(1, 2);
    cmap.writeUInt16BE(3, 4);
    cmap.writeUInt16BE(10, 6);
    cmap.writeUInt32BE(12, 8);
    cmap.writeUInt16BE(12, 12);
    cmap.writeUInt32BE(0xff_ff_ff_ff, 24);
    cmap.writeUInt32BE(0x1_f6_00, 28);
    cmap.writeUInt32BE(0x1_f6_4f, 32);
    const covers = coverageOf(cmap);
    expect([0x1_f5_ff, 0x1_f6_00, 0x1_f6_4f, 0x1_f6_50].map(covers)).toEqual([false, true, true, false]);
  });
});

import { type FileHandle, open } from 'node:fs/promises';
import { type Script, SCRIPTS } from './scripts.ts';
import { coverageOf } from './coverage.ts';

/** What is known of a font file: under which family names it is found, and which scripts it can write. */
export interface FontFile {
  families: string[];
  scripts: Script[];
}

/** Why a file cannot be used. The message is for the operator and names no path. */
export class BrokenFont extends Error {
  override name = 'BrokenFont';
}

interface Table {
  offset: number;
  length: number;
}

const HEADER_BYTES = 12;
const RECORD_BYTES = 16;
const MAX_TABLES = 256;
/** Of a collection; the largest that there is, Noto Sans CJK, has 45. */
const MAX_FONTS = 128;
const MAX_NAME_BYTES = 512 * 1024;
const MAX_CMAP_BYTES = 8 * 1024 * 1024;
const MAX_FAMILIES = 64;

const SFNT_TYPES = new Set(['\0\u0001\0\0', 'OTTO', 'true']);
const NEEDED = ['cmap', 'head', 'hhea', 'hmtx', 'maxp', 'name'];
const COLOURS = ['COLR', 'CBDT', 'sbix', 'SVG '];
/** One of them has the shapes of the characters. */
const SHAPES = ['glyf', 'CFF ', 'CFF2', ...COLOURS];

/** Family, typographic family, and the one for programs that know only weight and slope. */
const FAMILY_IDS = new Set([1, 16, 21]);

/**
 * Reads the names and the characters of a TrueType or OpenType font, or of a collection of them. It reads at most some
 * megabytes, however large the file is.
 * @throws BrokenFont if it is not one, or is cut off
 */
export async function readFontFile(path: string): Promise<FontFile> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const families = new Set<string>();
    const scripts = new Set<Script>();
    for (const offset of await fontOffsets(file, size)) {
      const tables = await readTables(file, offset, size);
      for (const family of familiesOf(await readTable(file, tables, 'name', MAX_NAME_BYTES)))
        if (families.size < MAX_FAMILIES) families.add(family);
      const covers = coverageOf(await readTable(file, tables, 'cmap', MAX_CMAP_BYTES));
      const hasColours = COLOURS.some((tag) => tables.has(tag));
      for (const { name, sample } of SCRIPTS)
        if (sample.every(covers) && (name !== 'emoji' || hasColours)) scripts.add(name);
    }
    if (families.size === 0) throw new BrokenFont('it has no family name');
    return { families: [...families], scripts: [...scripts] };
  } finally {
    await file.close();
  }
}

async function fontOffsets(file: FileHandle, size: number): Promise<number[]> {
  const header = await read(file, 0, HEADER_BYTES, size);
  const type = header.toString('latin1', 0, 4);
  if (SFNT_TYPES.has(type)) return [0];
  if (type === 'wOFF' || type === 'wOF2')
    throw new BrokenFont(
      'it is compressed for the web (WOFF), which only documents can bring; allowed: .ttf, .otf, .ttc',
    );
  if (type !== 'ttcf') throw new BrokenFont('it is no TrueType or OpenType font');
  const count = header.readUInt32BE(8);
  if (count === 0 || count > MAX_FONTS) throw new BrokenFont(`it is a collection of ${count} fonts`);
  const offsets = await read(file, HEADER_BYTES, 4 * count, size);
  return Array.from({ length: count }, (_, index) => offsets.readUInt32BE(4 * index));
}

async function readTables(file: FileHandle, at: number, size: number): Promise<Map<string, Table>> {
  const header = await read(file, at, HEADER_BYTES, size);
  const count = header.readUInt16BE(4);
  if (count > MAX_TABLES) throw new BrokenFont(`it has ${count} tables`);
  const records = await read(file, at + HEADER_BYTES, count * RECORD_BYTES, size);
  const tables = new Map<string, Table>();
  for (let index = 0; index < count; index++) {
    const record = index * RECORD_BYTES;
    const tag = records.toString('latin1', record, record + 4);
    const table = { offset: records.readUInt32BE(record + 8), length: records.readUInt32BE(record + 12) };
    if (table.offset + table.length > size) throw new BrokenFont('it is cut off');
    tables.set(tag, table);
  }
  const missing = NEEDED.find((tag) => !tables.has(tag));
  if (missing !== undefined) throw new BrokenFont(`it has no table ${missing}`);
  if (!SHAPES.some((tag) => tables.has(tag))) throw new BrokenFont('it has no shapes of characters');
  return tables;
}

async function readTable(file: FileHandle, tables: Map<string, Table>, tag: string, most: number): Promise<Buffer> {
  const { offset, length } = tables.get(tag) as Table;
  if (length > most) throw new BrokenFont(`its table ${tag} has ${length} bytes`);
  return read(file, offset, length, offset + length);
}

async function read(file: FileHandle, position: number, length: number, size: number): Promise<Buffer> {
  if (position + length > size) throw new BrokenFont('it is cut off');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new BrokenFont('it is cut off');
  return buffer;
}

/** In every language that the font has a name in: a document may use any of them. */
function familiesOf(table: Buffer): string[] {
  if (table.length < 6) throw new BrokenFont('its table name is too short');
  const strings = table.readUInt16BE(4);
  const count = Math.min(table.readUInt16BE(2), Math.floor((table.length - 6) / 12));
  const families: string[] = [];
  for (let index = 0; index < count; index++) {
    const at = 6 + index * 12;
    if (!FAMILY_IDS.has(table.readUInt16BE(at + 6))) continue;
    const start = strings + table.readUInt16BE(at + 10);
    const bytes = table.subarray(start, start + table.readUInt16BE(at + 8));
    const isMacintosh = table.readUInt16BE(at) === 1;
    const name = (isMacintosh ? bytes.toString('latin1') : utf16(bytes)).trim();
    // The other Macintosh encodings have these names in Unicode too.
    if (name !== '' && (!isMacintosh || /^[ -~]+$/.test(name))) families.push(name.slice(0, 200));
  }
  return families;
}

const utf16 = (bytes: Buffer) =>
  Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString('utf16le');

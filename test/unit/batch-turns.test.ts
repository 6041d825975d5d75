import { describe, expect, it } from 'vitest';
import { cellTypes } from '../../src/batches/cell-types.ts';
import { csvRows } from '../../src/batches/csv-rows.ts';
import { jsonRows, ndjsonRows } from '../../src/batches/json-rows.ts';
import type { SentRows } from '../../src/batches/sent-row.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

// While rows are read, other requests have their turns on the thread. That is counted, so that it does not depend on the
// speed of the machine: each turn has a bounded number of bytes and rows, whatever they are.

/** Bytes that come at a time, as from a file. */
const CHUNK = 64 * 1024;

interface Read {
  /** that were asked for */
  bytes: number;
  turns: number;
  pieces: { rows: number; bytes: number }[];
  /** undefined: it was read to its end */
  refusal: string | undefined;
}

async function readAll(reader: (chunks: AsyncIterable<Buffer>) => SentRows, file: Buffer): Promise<Read> {
  const read: Read = { bytes: 0, turns: 0, pieces: [], refusal: undefined };
  let isOver = false;
  const count = () => {
    read.turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  async function* chunks() {
    for (let at = 0; at < file.length; at += CHUNK) {
      read.bytes = Math.min(file.length, at + CHUNK);
      yield file.subarray(at, at + CHUNK);
    }
  }
  try {
    for await (const piece of reader(chunks()))
      read.pieces.push({ rows: piece.length, bytes: JSON.stringify(piece.map(({ item }) => item ?? null)).length });
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    read.refusal = error.message;
  }
  isOver = true;
  return read;
}

const READERS = { csv: csvRows, ndjson: ndjsonRows, json: jsonRows };
const random = seededRandom(46);
const PIECES = [',', ';', '"', '""', '\n', '\r\n', '\n\n', 'a', '1', ' ', 'a,b\n', '"a,b"\n', '{"a":1}', '{"data":{"a":[1]}}\n', '[', ']', '[]', '{', '}', '{},', '1,', ':', '\\', '\\"', 'ü']; // prettier-ignore
const shapes = Array.from({ length: 15 }, () =>
  Array.from({ length: 1 + Math.floor(random() * 4) }, () => PIECES[Math.floor(random() * PIECES.length)]).join(''),
);
const fileOf = (unit: string, bytes = 150_000) => Buffer.from(unit.repeat(Math.ceil(bytes / Buffer.byteLength(unit))));

describe.each(Object.entries(READERS))('a file of rows (%s)', (name, reader) => {
  it.each([...PIECES, ...shapes])('leaves the thread to others, whatever is in it: %j', async (unit) => {
    const file = Buffer.concat([Buffer.from(name === 'json' ? '[' : name === 'csv' ? 'a,b\n' : ''), fileOf(unit)]);
    const { bytes, turns, pieces, refusal } = await readAll(reader, file);
    const rows = pieces.reduce((sum, piece) => sum + piece.rows, 0);
    // What is refused was refused in the chunk that was the last to be asked for.
    const read = refusal === undefined ? bytes : bytes - CHUNK;
    expect(turns).toBeGreaterThanOrEqual(Math.floor(Math.max(read / 33_000, rows / 600)));
    for (const piece of pieces) {
      expect(piece.rows).toBeLessThanOrEqual(2_000);
      if (piece.rows > 1) expect(piece.bytes).toBeLessThan(2_000_000);
    }
  });
});

describe('a row of a CSV', () => {
  it.each([
    ['with too many cells', 'a,b\n1,2\n', ',', 'line 3: allowed: at most 1000 columns'],
    ['with too many quoted cells', 'a,b\r\n"1\r\n",2\r\n', '"",', 'line 4: allowed: at most 1000 columns'],
    ['with too many names of columns', '', 'a,', 'line 1: allowed: at most 1000 columns'],
    ['with too many empty names', '\n\n', ';', 'line 3: allowed: at most 1000 columns'],
  ])('%s is refused before it is read', async (_, head, unit, refusal) => {
    const { bytes, refusal: found } = await readAll(
      csvRows,
      Buffer.concat([Buffer.from(head), fileOf(unit, 4_000_000)]),
    );
    expect(found).toBe(`items: ${refusal}`);
    expect(bytes).toBe(CHUNK);
  });

  it('may have as many cells as there may be columns, and any number of separators within quotes', async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `c${index}`).join(',');
    const file = Buffer.from(`${names}\n${',1'.repeat(999)}\n"${',\n'.repeat(5_000)}"\n`);
    const { pieces, refusal } = await readAll(csvRows, file);
    expect([pieces.map(({ rows }) => rows), refusal]).toEqual([[2], undefined]);
  });

  it('has a bounded amount of JSON in its cells', () => {
    const list = { type: 'array' };
    const toTypes = cellTypes(JSON.stringify({ properties: { a: list, b: { properties: { c: list } } } }));
    const cell = `[${'1,'.repeat(300_000)}1]`;
    expect(toTypes({ a: '[1]', b: { c: '[2]' } })).toBeUndefined();
    expect(toTypes({ a: cell, b: { c: cell } })).toEqual({
      field: 'data.b.c',
      message: 'allowed: at most 1000000 characters of JSON in the cells of a row; NDJSON may have more',
    });
  });
});

it('a row of JSON has a bounded number of values, and one that is nested deeply is a row with a problem', async () => {
  const many = `{"data":{"a":[${'1,'.repeat(100_000)}1]}}\n`;
  const deep = `${'['.repeat(8_000)}${']'.repeat(8_000)}\n`;
  const rows = [];
  for await (const piece of ndjsonRows((async function* () { yield Buffer.from(many + deep); })())) rows.push(...piece); // prettier-ignore
  expect(rows.map(({ problem }) => problem?.message)).toEqual([
    'allowed: at most 100000 values',
    'allowed: at most 32 levels of nesting',
  ]);
});

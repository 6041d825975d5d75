import { finished } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { ITEM_SOURCES } from '../domain/batch-request.ts';
import { MAX_DEPTH } from '../domain/check-input.ts';
import { invalidFields } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { cellGuard } from './cell-guard.ts';
import { inPieces, type ReadRow, ROW_BYTES, type SentRow, type SentRows } from './sent-row.ts';

/** Columns of a CSV, and so cells of a row, at most. */
const MAX_COLUMNS = 1_000;
/** What columns of the item itself begin with; others are fields of its data. */
const OWN = '$';
const OWN_COLUMNS = ['filename', 'title', ...ITEM_SOURCES];
const METADATA = 'metadata.';
const LINE_ENDS = ['\r\n', '\n', '\r'];
const SEPARATORS = [',', ';', '\t'];
/** Bytes in which the end of the header is looked for. */
const HEADER_BYTES = 65_536;
/** Characters that a cell counts as beside its own: its name is written with it. */
const CELL_COST = 8;

/**
 * The rows of a CSV (RFC 4180), in UTF-8, with a header. An empty cell is a field that is not there; every other one is a
 * string. `;` and tabs separate too, if the header has more of them than commas.
 * @throws CodedError `invalid_request` that names the line, or the column, that is wrong
 */
export function csvRows(chunks: AsyncIterable<Buffer>): SentRows {
  async function* read() {
    const text = asUtf8(chunks)[Symbol.asyncIterator]();
    let start = Buffer.alloc(0);
    for (let isWhole = false; !isWhole && start.length < HEADER_BYTES;) {
      const next = await text.next();
      if (next.done) break;
      start = Buffer.concat([start, next.value]);
      isWhole = hasLine(start);
    }
    const separator = separatorOf(start);
    const records = parse({
      bom: true,
      delimiter: separator,
      record_delimiter: LINE_ENDS,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      max_record_size: ROW_BYTES,
    });
    let failed: unknown;
    records.on('error', (error) => (failed ??= error));
    let columns: Column[] | undefined;
    let count = 0;
    function* parsed(): Iterable<ReadRow> {
      for (let record = next(); record; record = next()) {
        const bytes = record.reduce((sum, cell) => sum + cell.length, CELL_COST * record.length);
        if (columns) yield { row: toRow(columns, record, ++count), bytes };
        else columns = columnsOf(record);
      }
    }
    const next = () => {
      if (failed !== undefined) throw failed instanceof CsvError ? malformed(failed) : failed;
      return records.read() as string[] | null;
    };
    for await (const slice of cellGuard(joined(start, text), { separator, most: MAX_COLUMNS })) {
      records.write(slice);
      yield parsed();
    }
    records.end();
    await finished(records, { readable: false }).catch(() => undefined); // next() says why
    yield parsed();
    if (!columns) throw refuse('the CSV is empty; its first line has the names of the columns');
  }
  return inPieces(read());
}

interface Column {
  name: string;
  /** where in the item its cells are; undefined: it has no name */
  path: readonly string[] | undefined;
}

function columnsOf(names: string[]): Column[] {
  const columns = names.map((text): Column => {
    const name = text.trim();
    return { name, path: name === '' ? undefined : pathOf(name) };
  });
  const taken = new Set<string>();
  for (const { name, path } of columns) {
    if (!path) continue;
    const key = JSON.stringify(path);
    if (taken.has(key)) throw refuse(`column ${shown(name)}: it is there twice`);
    taken.add(key);
  }
  for (const { name, path = [] } of columns) {
    const above = path.findIndex((_, length) => length > 0 && taken.has(JSON.stringify(path.slice(0, length))));
    if (above !== -1) throw refuse(`column ${shown(name)}: ${shown(path.slice(1, above).join('.'))} is a column too`);
  }
  return columns;
}

function pathOf(name: string): string[] {
  const path = name.startsWith(OWN) ? ownPath(name) : ['data', ...name.split('.')];
  if (path.includes('__proto__') || path.includes('')) throw refuse(`column ${shown(name)}: allowed: names, with a dot between two`); // prettier-ignore
  if (path.length > MAX_DEPTH) throw refuse(`column ${shown(name)}: allowed: at most ${MAX_DEPTH} levels of nesting`);
  return path;
}

function ownPath(name: string): string[] {
  const own = name.slice(OWN.length);
  if (own.startsWith(METADATA)) return ['metadata', own.slice(METADATA.length)];
  if (OWN_COLUMNS.includes(own)) return [own];
  const near = nearest(own, OWN_COLUMNS);
  const all = [...OWN_COLUMNS, `${METADATA}NAME`].map((each) => `${OWN}${each}`).join(', ');
  throw refuse(
    `column ${shown(name)}: unknown; ${near === undefined ? `allowed: ${all}` : `did you mean ${OWN}${near}?`}`,
  );
}

function toRow(columns: readonly Column[], cells: readonly string[], row: number): SentRow {
  const item: Record<string, unknown> = {};
  for (const [index, cell] of cells.entries()) {
    if (cell === '') continue;
    const path = columns[index]?.path;
    if (!path) return { row, item, problem: { field: '', message: `column ${index + 1} has no name` } };
    put(item, path, cell);
  }
  return { row, item, isText: true };
}

function put(item: Record<string, unknown>, path: readonly string[], cell: string): void {
  let at = item;
  for (const name of path.slice(0, -1)) {
    if (!Object.hasOwn(at, name)) at[name] = {};
    at = at[name] as Record<string, unknown>;
  }
  at[path.at(-1) ?? ''] = cell;
}

/** Whether what is there of a CSV has the end of its first line that is not empty. */
const hasLine = (start: Buffer) => /[^\r\n][\r\n]/.test(withoutQuoted(start));

/** What is not quoted, as far as it matters where lines and columns end. */
function withoutQuoted(start: Buffer): string {
  const pieces = start.subarray(0, HEADER_BYTES).toString('latin1').split('"');
  return pieces.map((piece, index) => (index % 2 === 0 ? piece : 'q')).join('');
}

/** By the first line, quotes left out. */
function separatorOf(start: Buffer): string {
  const counts = new Map(SEPARATORS.map((each) => [each, 0]));
  const [line = ''] = withoutQuoted(start)
    .trimStart()
    .split(/[\r\n]/, 1);
  for (const character of line) if (counts.has(character)) counts.set(character, (counts.get(character) ?? 0) + 1);
  const [[most] = [',']] = [...counts].toSorted(([, a], [, b]) => b - a);
  return most;
}

async function* joined(start: Buffer, rest: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  yield start;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** @throws CodedError if it is something else */
async function* asUtf8(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let at = 0;
  const check = (chunk?: Buffer) => {
    try {
      decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw refuse(`the CSV is not UTF-8, from about byte ${at} on; save it as “CSV UTF-8”`);
    }
  };
  for await (const chunk of chunks) {
    check(chunk);
    at += chunk.length;
    yield chunk;
  }
  check();
}

const WHY: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted field is not closed',
  CSV_INVALID_CLOSING_QUOTE: 'a quote within a quoted field; it is written twice there: ""',
  INVALID_OPENING_QUOTE: 'a quote within a field; such a field is quoted, and the quote written twice: "a ""b"""',
  CSV_MAX_RECORD_SIZE: `a row is larger than ${ROW_BYTES} bytes, which is the most that is allowed`,
};

function malformed(error: CsvError) {
  const line = typeof error.lines === 'number' ? `line ${error.lines}: ` : '';
  return refuse(`${line}${WHY[error.code] ?? 'the CSV is malformed'}`);
}

const shown = (name: string) => JSON.stringify(name.slice(0, 100));
const refuse = (message: string) => invalidFields([{ field: 'items', message }]);

import { MAX_DATA_VALUES, MAX_DEPTH } from '../domain/check-input.ts';
import { CodedError, type FieldProblem } from '../kernel/errors.ts';
import { parseJson } from '../jobs/parse-json.ts';
import { inPieces, inSlices, type ReadRow, ROW_BYTES, ROW_TOO_LARGE, type SentRow, type SentRows } from './sent-row.ts';
import { JsonSplitter } from './split-json.ts';

const NEWLINE = 0x0a;
/** Bytes of a row that is parsed at once: how much is in it is looked at afterwards. */
const SMALL = 16_384;
/** Values in the data of a row: of a single job there may be more, but a batch has many rows, one after the other. */
const MAX_ROW_VALUES = 100_000;
/** Bytes that are taken apart at a time. */
const SLICE_BYTES = 32 * 1024;

/**
 * The rows of a JSON array.
 * @param within the member of an object that is the array
 * @throws CodedError `invalid_json` that names the first row that is none
 */
export function jsonRows(chunks: AsyncIterable<Buffer>, { within }: { within?: string } = {}): SentRows {
  const splitter = new JsonSplitter(within === undefined ? {} : { within });
  let count = 0;
  function* parsedRows(elements: Buffer[]): Iterable<ReadRow> {
    for (const element of elements) {
      const row = { ...parsed(element, { isRefused: true, row: count + 1 }), row: ++count };
      yield { row, bytes: element.length };
    }
  }
  async function* read() {
    for await (const slice of inSlices(chunks, SLICE_BYTES)) yield parsedRows(splitter.push(slice));
    checkRest(splitter, within);
  }
  return inPieces(read());
}

/** The rest of a body with items: all but them. @throws CodedError `invalid_json` */
export async function jsonHead(chunks: AsyncIterable<Buffer>, within: string): Promise<unknown> {
  const splitter = new JsonSplitter({ within });
  for await (const chunk of chunks) splitter.push(chunk);
  return checkRest(splitter, within);
}

function checkRest(splitter: JsonSplitter, within: string | undefined): unknown {
  const rest = parseJson(splitter.rest(), { maxData: MAX_DATA_VALUES });
  if (splitter.lists > 1) throw new CodedError('invalid_json', `${within}: it is there twice`);
  if (within === undefined && !Array.isArray(rest))
    throw new CodedError('invalid_json', 'items: a JSON file is an array of items: [{"data": {…}}, …]');
  return rest;
}

/** The rows of a file with JSON in each line; empty lines do not count. A line that is none is a row with a problem. */
export function ndjsonRows(chunks: AsyncIterable<Buffer>): SentRows {
  let count = 0;
  async function* read() {
    let begun: Buffer[] = [];
    let begunBytes = 0;
    function* end(line: Buffer): Iterable<ReadRow> {
      const bytes = begunBytes + line.length;
      const whole = begun.length > 0 ? Buffer.concat([...begun, line]) : line;
      begun = [];
      begunBytes = 0;
      if (bytes > ROW_BYTES) yield { row: { row: ++count, item: undefined, problem: { field: '', message: ROW_TOO_LARGE } }, bytes }; // prettier-ignore
      else if (!isBlank(whole)) yield { row: { ...parsed(whole, { isRefused: false, row: count + 1 }), row: ++count }, bytes }; // prettier-ignore
    }
    function* linesOf(chunk: Buffer): Iterable<ReadRow> {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        yield* end(chunk.subarray(from, at));
        from = at + 1;
      }
      const left = chunk.subarray(from);
      begunBytes += left.length;
      if (begunBytes <= ROW_BYTES) begun.push(left); // of a longer one only the length matters
    }
    for await (const slice of inSlices(chunks, SLICE_BYTES)) yield linesOf(slice);
    yield end(Buffer.alloc(0));
  }
  return inPieces(read());
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

const isBlank = (line: Buffer) => line.length < 10 && line.toString().replace('\uFEFF', '').trim() === '';

/** Whether it may be nested deeper than JSON may be: brackets in strings count too. */
function mayBeDeep(bytes: Buffer): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x5b || byte === 0x7b) depth++;
    else if (byte === 0x5d || byte === 0x7d) depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** @param isRefused whether what is not JSON is an error, instead of a row with a problem */
function parsed(bytes: Buffer, { isRefused, row }: { isRefused: boolean; row: number }): Omit<SentRow, 'row'> {
  if (bytes.length <= SMALL && !mayBeDeep(bytes)) {
    try {
      return { item: JSON.parse(utf8.decode(bytes)) };
    } catch {
      // What is wrong is said below.
    }
  }
  try {
    return { item: parseJson(bytes, { maxData: MAX_ROW_VALUES }) };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const [problem] = error.fields ?? [];
    const found: FieldProblem = problem ?? {
      field: '',
      message: `it is not JSON: ${error.message.replace('(body): ', '')}`,
    };
    if (isRefused && !problem) throw new CodedError('invalid_json', `items[${row - 1}]: ${found.message}`, { cause: error }); // prettier-ignore
    return { item: bytes.toString(), problem: found };
  }
}

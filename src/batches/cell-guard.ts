import { invalidFields } from '../kernel/errors.ts';
import { inSlices } from './sent-row.ts';

const QUOTE = 0x22;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Bytes that are parsed at a time: of two bytes each, a row that is shorter than the header takes 16 microseconds. */
const SLICE_BYTES = 4 * 1024;

/**
 * Passes a CSV on in slices, as long as no line of it has more cells than that: a parser would make each of them, however
 * many, before anybody could count.
 * @param chunks UTF-8
 * @throws CodedError `invalid_request` that names the line
 */
export async function* cellGuard(
  chunks: AsyncIterable<Buffer>,
  { separator, most }: { separator: string; most: number },
): AsyncIterable<Buffer> {
  const between = separator.charCodeAt(0);
  let isQuoted = false;
  let cells = 1;
  let newlines = 0;
  let returns = 0;
  for await (const chunk of inSlices(chunks, SLICE_BYTES)) {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte === QUOTE) isQuoted = !isQuoted;
      else if (byte === NEWLINE || byte === RETURN) {
        if (byte === NEWLINE) newlines++;
        else returns++;
        if (!isQuoted) cells = 1;
      } else if (byte === between && !isQuoted && ++cells > most) {
        const message = `line ${1 + (newlines || returns)}: allowed: at most ${most} columns`;
        throw invalidFields([{ field: 'items', message }]);
      }
    }
    yield chunk;
  }
}

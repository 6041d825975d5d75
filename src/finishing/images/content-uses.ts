import { eachOperation } from '../archive/content-operations.ts';
import { decodedContent } from '../overlay/page-content.ts';
import { type PdfDict, PdfNumber, PdfStream } from '../libpdf.ts';
import type { Source } from '../merge/source.ts';

type Matrix = readonly [number, number, number, number, number, number];

export const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0];
/** States of graphics that are saved in one another; more are hostile. */
const MAX_STATES = 10_000;

/** An image or form that a content stream draws, and where. */
export interface Use {
  name: string;
  matrix: Matrix;
}

/** What a content stream draws by name. */
export function usesOf(content: Uint8Array): Use[] {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const uses: Use[] = [];
  const saved: Matrix[] = [];
  let matrix = IDENTITY;
  eachOperation(content, ({ operator, start, at }) => {
    if (operator === 'q' && saved.length < MAX_STATES) saved.push(matrix);
    else if (operator === 'Q') matrix = saved.pop() ?? matrix;
    else if (operator === 'cm')
      matrix = times(matrixOf(text.toString('latin1', start, at).trim().split(/\s+/).map(Number)), matrix); // prettier-ignore
    else if (operator === 'Do') uses.push({ name: text.toString('latin1', start, at).trim().slice(1), matrix });
  });
  return uses;
}

/** The content of a page or form; of what is damaged nothing. */
export function contentOf(source: Source, dict: PdfDict): Uint8Array {
  if (dict instanceof PdfStream) return decodedContent(dict);
  const given = source.get(dict, 'Contents');
  const parts = given instanceof PdfStream ? [given] : source.items(dict, 'Contents').map((item) => source.look(item));
  const streams = parts.filter((part) => part instanceof PdfStream);
  return Buffer.concat(streams.flatMap((stream) => [decodedContent(stream), Buffer.from('\n')]));
}

export const formMatrix = (source: Source, form: PdfDict): Matrix =>
  matrixOf(source.items(form, 'Matrix').map((item) => numberOf(source, item)));

/** First `inner`, and then `outer`. */
export function times(inner: Matrix, outer: Matrix): Matrix {
  const [a, b, c, d, e, f] = inner;
  const [A, B, C, D, E, F] = outer;
  return [a * A + b * C, a * B + b * D, c * A + d * C, c * B + d * D, e * A + f * C + E, e * B + f * D + F];
}

const matrixOf = (values: readonly number[]): Matrix =>
  values.length === 6 && values.every(Number.isFinite) ? (values as unknown as Matrix) : IDENTITY;

function numberOf(source: Source, item: Parameters<Source['look']>[0]): number {
  const found = source.look(item);
  return found instanceof PdfNumber ? found.value : NaN;
}

import type { Findings } from './findings.ts';
import { latin1 } from './pdf-lexer.ts';
import type { PdfStream } from './pdf-value.ts';

const CIE_JAB = 19;
const MAX_BOXES = 1_000;

interface Box {
  kind: string;
  content: Uint8Array;
}

/** The rules about JPEG 2000. */
export function readJpeg2000(image: PdfStream, page: number | undefined, findings: Findings): void {
  const outer = boxesOf(image.data);
  const boxes = boxesOf(outer.find(({ kind }) => kind === 'jp2h')?.content ?? new Uint8Array());
  const header = boxes.find(({ kind }) => kind === 'ihdr')?.content;
  if (!header) return;
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const colours = header.length >= 14 ? view(header).getUint16(8) : 0;
  if (![1, 3, 4].includes(colours)) findings.report('6.2.8.3-1', `a JPEG 2000 image has ${colours} colours`, page);
  const spaces = boxes.filter(({ kind }) => kind === 'colr').map(({ content }) => content);
  const hasOwn = image.has('ColorSpace');
  const best = spaces.filter((space) => space[2] === 1);
  if (!hasOwn && spaces.length > 1 && best.length !== 1)
    findings.report('6.2.8.3-2', 'a JPEG 2000 image has several colour spaces and marks none as the best', page);
  const used = spaces.length === 1 ? spaces[0] : (best[0] ?? spaces[0]);
  if (!hasOwn && used && ![1, 2, 3].includes(used[0] ?? 0))
    findings.report('6.2.8.3-3', `a JPEG 2000 image describes its colours by method ${used[0]}`, page);
  if (!hasOwn && used?.[0] === 1 && used.length >= 7 && view(used).getUint32(3) === CIE_JAB)
    findings.report('6.2.8.3-4', 'a JPEG 2000 image has colours of CIEJab', page);
  const bits = header[10] ?? 0;
  const depth = (bits & 0x7f) + 1;
  if (bits === 255 || boxes.some(({ kind }) => kind === 'bpcc') || depth > 38)
    findings.report('6.2.8.3-5', 'a JPEG 2000 image has different numbers of bits for its colours, or more than 38', page); // prettier-ignore
}

function boxesOf(bytes: Uint8Array): Box[] {
  const boxes: Box[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = 0; position + 8 <= bytes.length && boxes.length < MAX_BOXES;) {
    const length = view.getUint32(position) || bytes.length - position;
    if (length < 8) break;
    boxes.push({ kind: latin1(bytes, position + 4, position + 8), content: bytes.subarray(position + 8, position + length) }); // prettier-ignore
    position += length;
  }
  return boxes;
}

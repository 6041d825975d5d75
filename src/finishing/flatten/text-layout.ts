import { measureText } from '../libpdf.ts';

/** The fonts that every reader has. */
export type StandardFont = 'Helvetica' | 'Helvetica-Bold' | 'Times-Roman' | 'Times-Bold' | 'Courier' | 'Courier-Bold';

/** Of a line, and of the letters above it, to the size of the font. */
export const LINE_HEIGHT = 1.15;
const SMALLEST = 4;
const LARGEST = 12;
/** Lines of a field, at most. */
const MAX_LINES = 5_000;

export const widthOf = (text: string, font: StandardFont, size: number): number => measureText(text, font, size);

/** Lines that are no wider than `width`; words that are wider are cut. */
export function wrapped(text: string, font: StandardFont, size: number, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    let used = 0;
    const words = paragraph.split(' ').map((word, index) => (index === 0 ? word : ` ${word}`));
    for (const word of words) {
      let rest = word;
      let length = widthOf(rest, font, size);
      if (line !== '' && used + length > width) {
        lines.push(line);
        [line, used, rest] = ['', 0, rest.trimStart()];
        length = widthOf(rest, font, size);
      }
      while (length > width && rest.length > 1 && lines.length < MAX_LINES) {
        const fitting = fittingLength(rest, font, size, width);
        lines.push(rest.slice(0, fitting));
        rest = rest.slice(fitting);
        length = widthOf(rest, font, size);
      }
      line += rest;
      used += length;
    }
    lines.push(line);
    if (lines.length >= MAX_LINES) break;
  }
  return lines.slice(0, MAX_LINES);
}

function fittingLength(text: string, font: StandardFont, size: number, width: number): number {
  let used = 0;
  for (let index = 0; index < text.length; index++) {
    used += widthOf(text[index] ?? '', font, size);
    if (used > width) return Math.max(1, index);
  }
  return text.length;
}

/** The size of text whose field leaves it to the reader: as large as it fits. */
export function fittingSize(
  text: string,
  { font, isMultiline, width, height }: { font: StandardFont; isMultiline: boolean; width: number; height: number },
): number {
  if (!isMultiline) {
    const most = Math.min(LARGEST, height / LINE_HEIGHT);
    return Math.max(SMALLEST, Math.min(most, (most * width) / Math.max(1e-3, widthOf(text, font, most))));
  }
  for (let size = LARGEST; size > SMALLEST; size--)
    if (wrapped(text, font, size, width).length * size * LINE_HEIGHT <= height) return size;
  return SMALLEST;
}

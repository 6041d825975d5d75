import { PdfArray, PdfDict, PdfName, PdfNumber, PdfStream } from '../libpdf.ts';
import { normalAngle, type Source } from '../merge/source.ts';
import type { FormField } from './form-field.ts';
import { fittingSize, LINE_HEIGHT, type StandardFont, widthOf, wrapped } from './text-layout.ts';
import { winAnsi } from './win-ansi.ts';

/** What a widget's frame leaves for its text, and how that is written. */
interface Place {
  width: number;
  height: number;
  /** of the frame, on each side */
  padding: number;
  font: StandardFont;
  /** 0: as it fits */
  size: number;
  color: string;
}

const FONT = 'F';
const ASCENT = 0.72;
const DESCENT = 0.22;

/** A drawing of a text field, choice or button with its value, as large as the widget; it replaces what there was. */
export function drawWidget(source: Source, field: FormField, widget: PdfDict): PdfStream {
  const looks = source.dict(widget, 'MK');
  const turn = normalAngle(source.number(looks ?? new PdfDict(), 'R') ?? 0);
  const [left = 0, bottom = 0, right = 0, top = 0] = source.items(widget, 'Rect').map((item) => numberOf(source, item));
  const across = [Math.abs(right - left), Math.abs(top - bottom)] as const;
  const [width, height] = turn % 180 === 0 ? across : [across[1], across[0]];
  const { frame, border } = frameOf(source, widget, looks, width, height);
  const place = { ...styleOf(field), width, height, padding: border * 2 || 2 };
  const drawing = new PdfStream([], Buffer.concat([Buffer.from(frame), contentOf(source, field, widget, place)]));
  drawing.set('Type', PdfName.of('XObject'));
  drawing.set('Subtype', PdfName.of('Form'));
  drawing.set('BBox', numbers([0, 0, width, height]));
  if (turn !== 0) drawing.set('Matrix', numbers(matrixOf(turn, width, height)));
  const font = PdfDict.of({
    Type: PdfName.of('Font'),
    Subtype: PdfName.of('Type1'),
    BaseFont: PdfName.of(place.font),
    Encoding: PdfName.of('WinAnsiEncoding'),
  });
  drawing.set('Resources', PdfDict.of({ Font: PdfDict.of({ [FONT]: font }) }));
  return drawing;
}

function contentOf(source: Source, field: FormField, widget: PdfDict, place: Place): Uint8Array {
  if (field.kind === 'Btn') {
    if (field.has('pushButton')) return text([source.string(source.dict(widget, 'MK') ?? widget, 'CA')?.asString() ?? ''], { ...place, alignment: 1, isMultiline: false }); // prettier-ignore
    return Buffer.from(mark(field, place));
  }
  if (field.kind === 'Ch' && !field.has('combo')) return list(field, place);
  const [value = ''] = field.values;
  const written = field.has('password') ? '*'.repeat(value.length) : value;
  const isMultiline = field.kind === 'Tx' && field.has('multiline');
  if (field.kind === 'Tx' && field.has('comb') && field.maxLength && !isMultiline) return comb(written, field.maxLength, place); // prettier-ignore
  return text([written], { ...place, alignment: field.alignment, isMultiline });
}

/** A cross in a box, a dot in a circle. */
function mark(field: FormField, { width, height }: Place): string {
  const [x, y] = [width / 2, height / 2];
  const r = Math.min(width, height) / 4;
  if (!field.has('radio')) return `q ${n(r / 3)} w ${n(x - r)} ${n(y - r)} m ${n(x + r)} ${n(y + r)} l ${n(x - r)} ${n(y + r)} m ${n(x + r)} ${n(y - r)} l S Q\n`; // prettier-ignore
  return `q 1 J ${n(2 * r)} w ${n(x)} ${n(y)} m ${n(x)} ${n(y)} l S Q\n`;
}

function text(values: string[], options: Place & { alignment: number; isMultiline: boolean }): Uint8Array {
  const { width, height, padding, font, alignment, isMultiline } = options;
  const [across, high] = [Math.max(1, width - 2 * padding), Math.max(1, height - 2 * padding)];
  const value = values.join('\n');
  const size = options.size || fittingSize(value, { font, isMultiline, width: across, height: high });
  const lines = isMultiline ? wrapped(value, font, size, across) : [value.replaceAll('\n', ' ')];
  const first = isMultiline ? height - padding - ASCENT * size : (height - (ASCENT - DESCENT) * size) / 2;
  const shown = lines.slice(0, Math.ceil(height / (size * LINE_HEIGHT)) + 1); // more are below the field
  return inside(options, size, shown.map((line, index) => {
    const free = across - widthOf(line, font, size);
    const x = padding + (alignment === 1 ? free / 2 : alignment === 2 ? free : 0);
    return { text: line, x, y: first - index * size * LINE_HEIGHT };
  })); // prettier-ignore
}

function comb(value: string, cells: number, place: Place): Uint8Array {
  const { font, width, height } = place;
  const cell = width / cells;
  const size = place.size || Math.min(12, height / LINE_HEIGHT);
  const y = (height - (ASCENT - DESCENT) * size) / 2;
  const characters = Array.from(value).slice(0, cells);
  return inside(place, size, characters.map((character, index) => ({ text: character, x: index * cell + (cell - widthOf(character, font, size)) / 2, y }))); // prettier-ignore
}

/** Options from the first that is shown; those that are chosen on blue. */
function list(field: FormField, place: Place): Uint8Array {
  const { height, width, padding } = place;
  const size = place.size || 12;
  const line = size * LINE_HEIGHT;
  const chosen = new Set(field.values);
  const rows = field.options.slice(field.firstOption, field.firstOption + Math.ceil(height / line)).map((option, index) => ({ text: option.text, top: height - padding - index * line })); // prettier-ignore
  const marks = rows.filter((row) => chosen.has(row.text)).map(({ top }) => `0.6 0.76 0.86 rg ${n(padding)} ${n(top - line)} ${n(width - 2 * padding)} ${n(line)} re f\n`); // prettier-ignore
  const texts = rows.map((row) => ({ text: row.text, x: padding + 1, y: row.top - (ASCENT + 0.1) * size }));
  return Buffer.concat([Buffer.from(`q ${marks.join('')}Q\n`), inside(place, size, texts)]);
}

function inside(place: Place, size: number, lines: readonly { text: string; x: number; y: number }[]): Uint8Array {
  const { width, height, padding, color } = place;
  const edge = padding / 2;
  const clip = [edge, edge, width - 2 * edge, height - 2 * edge].map(n).join(' ');
  const texts = lines.map((line) => `1 0 0 1 ${n(line.x)} ${n(line.y)} Tm <${Buffer.from(winAnsi(line.text)).toString('hex')}> Tj\n`); // prettier-ignore
  return Buffer.from(`/Tx BMC q ${clip} re W n BT /${FONT} ${n(size)} Tf ${color}\n${texts.join('')}ET Q EMC\n`);
}

function styleOf(field: FormField): Pick<Place, 'font' | 'size' | 'color'> {
  const words = field.defaultAppearance.slice(0, 1_000).split(/\s+/);
  const before = (operator: string, count: number) => {
    const at = words.lastIndexOf(operator);
    return at < count ? undefined : words.slice(at - count, at);
  };
  const [name = '', size = '0'] = before('Tf', 2) ?? [];
  const colors = ([['g', 1], ['rg', 3], ['k', 4]] as const).flatMap(([operator, count]) => {
    const values = before(operator, count)?.map(Number);
    return values?.every(Number.isFinite) ? [`${values.map(n).join(' ')} ${operator}`] : [];
  }); // prettier-ignore
  const points = Number(size);
  return {
    font: standardFont(`${name} ${field.baseFont(name.slice(1)) ?? ''}`),
    size: points > 0 && points <= 1_000 ? points : 0,
    color: colors[0] ?? '0 g',
  };
}

function standardFont(name: string): StandardFont {
  const isBold = /bold/i.test(name);
  if (/cour|mono/i.test(name)) return isBold ? 'Courier-Bold' : 'Courier';
  if (/\/Ti|times|serif\b/i.test(name) && !/sans/i.test(name)) return isBold ? 'Times-Bold' : 'Times-Roman';
  return isBold ? 'Helvetica-Bold' : 'Helvetica';
}

/** Background and border. */
function frameOf(source: Source, widget: PdfDict, looks: PdfDict | undefined, width: number, height: number) {
  const color = (key: string, operators: readonly string[]) => {
    const values = source.items(looks, key).map((item) => numberOf(source, item));
    const operator = operators[[1, 3, 4].indexOf(values.length)];
    return operator === undefined ? undefined : `${values.map(n).join(' ')} ${operator}`;
  };
  const [fill, stroke] = [color('BG', ['g', 'rg', 'k']), color('BC', ['G', 'RG', 'K'])];
  const border = stroke ? Math.min(20, Math.max(0, source.number(source.dict(widget, 'BS') ?? new PdfDict(), 'W') ?? 1)) : 0; // prettier-ignore
  const box = (inset: number) => [inset, inset, width - 2 * inset, height - 2 * inset].map(n).join(' ');
  const frame = `q ${fill ? `${fill} ${box(0)} re f ` : ''}${border ? `${stroke} ${n(border)} w ${box(border / 2)} re S ` : ''}Q\n`; // prettier-ignore
  return { frame, border };
}

function matrixOf(turn: number, width: number, height: number): number[] {
  if (turn === 90) return [0, 1, -1, 0, height, 0];
  return turn === 180 ? [-1, 0, 0, -1, width, height] : [0, -1, 1, 0, 0, width];
}

const numberOf = (source: Source, item: Parameters<Source['look']>[0]): number => {
  const found = source.look(item);
  return found instanceof PdfNumber && Number.isFinite(found.value) ? found.value : 0;
};
const numbers = (values: readonly number[]) => new PdfArray(values.map((value) => PdfNumber.of(value)));
/** As content streams have numbers. */
const n = (value: number): string => String(Math.round(value * 1e3) / 1e3);

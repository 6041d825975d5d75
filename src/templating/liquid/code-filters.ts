import { toSVG } from 'bwip-js/node';
import { toText } from './compose-context.ts';
import type { FilterArguments } from './filter-arguments.ts';
import type { OwnFilter } from './filter.ts';
import { Mistake, suggestion } from './template-failure.ts';

/** Our names, and the library's. */
const TYPES: Record<string, string> = {
  code128: 'code128',
  code39: 'code39',
  code93: 'code93',
  codabar: 'rationalizedCodabar',
  itf: 'interleaved2of5',
  itf14: 'itf14',
  ean13: 'ean13',
  ean8: 'ean8',
  upca: 'upca',
  upce: 'upce',
  isbn: 'isbn',
  'gs1-128': 'gs1-128',
  sscc18: 'sscc18',
  datamatrix: 'datamatrix',
  'gs1-datamatrix': 'gs1datamatrix',
  pdf417: 'pdf417',
  aztec: 'azteccode',
  qr: 'qrcode',
};
/** Codes in two dimensions, which must not be stretched. */
const GRIDS = new Set(['datamatrix', 'gs1datamatrix', 'pdf417', 'azteccode', 'qrcode']);
/** Codes of which the library draws a module two units wide. */
const TWO_UNITS = new Set(['datamatrix', 'gs1datamatrix', 'azteccode', 'qrcode']);
/** Modules around a QR code that its standard wants to be empty. */
const QR_MARGIN = 4;
/** Heights of bars in millimetres: one to begin with, and the least. */
const SOME_BARS = 25;
const LEAST_BARS = 1;
const INCHES: Record<string, number> = { mm: 1 / 25.4, cm: 1 / 2.54, in: 1, pt: 1 / 72, px: 1 / 96 };
/** More than the largest of them holds. */
const MAX_LENGTH = 8_000;
/** Of CSS. */
const LENGTH = /^\d{1,4}(?:\.\d{1,4})?(?:mm|cm|in|pt|px|em|rem|%)$/;

function lengthOf(filter: string, given: FilterArguments, name: string): string | undefined {
  const value = given.text(name);
  if (value === undefined || LENGTH.test(value)) return value;
  throw new Mistake(`${filter}: ${name} must be a length such as "30mm"`);
}

function colorOf(filter: string, given: FilterArguments): string {
  const value = given.text('color') ?? '#000000';
  if (/^#[0-9a-f]{6}$/i.test(value)) return value.slice(1);
  throw new Mistake(`${filter}: color must be one such as "#1a2b3c"`);
}

/** With text the library rounds the places of the digits to units, so they get more of them. */
const UNITS_WITH_TEXT = 3;
const POINTS_OF_MM = 72 / 25.4;

interface Code {
  filter: string;
  /** of the library */
  bcid: string;
  /** quiet zone, in modules */
  margin: number | undefined;
  /** modules of it are this many times as large, unless the size is given */
  scale?: number | undefined;
  width?: string | undefined;
  height?: string | undefined;
  /** what the library shall do besides */
  options: { barcolor: string; eclevel?: string; includetext?: boolean };
}

/** The code as an SVG of the size that is given, or of its own. */
function draw(value: unknown, code: Code): string {
  const { filter, bcid, width, height, scale = 1 } = code;
  const text = toText(value);
  if (text === '') throw new Mistake(`${filter}: needs text`);
  if (text.length > MAX_LENGTH) throw new Mistake(`${filter}: the text is longer than ${MAX_LENGTH} characters`);
  const hasText = code.options.includetext === true && !GRIDS.has(bcid);
  const units = hasText ? UNITS_WITH_TEXT : 1;
  const padding = (code.margin ?? (bcid === 'qrcode' ? QR_MARGIN : 0)) * (TWO_UNITS.has(bcid) ? 2 : 1);
  const options = { ...code.options, bcid, text, padding, scale: units };
  const ratio = hasText ? ratioOf(width, height) : undefined;
  let svg = toSvg(filter, ratio === undefined ? options : { ...options, height: SOME_BARS });
  const own = sizeOf(svg);
  if (ratio !== undefined) {
    const missing = (own.width * ratio - own.height) / units / POINTS_OF_MM;
    svg = toSvg(filter, { ...options, height: Math.max(LEAST_BARS, SOME_BARS + missing) });
  }
  const points = (length: number) => `${Number(((length / units) * scale).toFixed(2))}pt`;
  const isSized = width !== undefined || height !== undefined;
  const attributes = Object.entries({
    width: isSized ? width : points(own.width),
    height: isSized ? height : points(own.height),
    // Bars may have any height.
    preserveAspectRatio: hasText || GRIDS.has(bcid) || width === undefined || height === undefined ? undefined : 'none',
  }).flatMap(([name, set]) => (set === undefined ? [] : [` ${name}="${set}"`]));
  return svg
    .replace('<svg', `<svg role="img"${attributes.join('')}`)
    .replaceAll('\n', ' ')
    .trim();
}

function sizeOf(svg: string): { width: number; height: number } {
  const [, width = '0', height = '0'] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? [];
  return { width: Number(width), height: Number(height) };
}

/** Height by width, if that is known without the page. */
function ratioOf(width = '', height = ''): number | undefined {
  const [across, down] = [width, height].map((length) => {
    const number = Number.parseFloat(length);
    const unit = length.replace(/^[\d.]+/, '');
    return { unit, number: number * (INCHES[unit] ?? 1), isFixed: unit in INCHES };
  });
  if (!across || !down || !(across.number > 0 && down.number > 0)) return undefined;
  const areAlike = (across.isFixed && down.isFixed) || (across.unit === down.unit && across.unit !== '%');
  return areAlike ? down.number / across.number : undefined;
}

function toSvg(filter: string, options: Parameters<typeof toSVG>[0]): string {
  try {
    return toSVG(options);
  } catch (error) {
    // "bwipp.ean13badLength#3274: EAN-13 must be 12 or 13 digits"
    const problem = error instanceof Error ? error.message : String(error);
    throw new Mistake(`${filter}: ${problem.replace(/^bwipp?\S{0,100}: /, '').slice(0, 150)}`);
  }
}

export const codeFilters: Record<string, OwnFilter> = {
  qr: {
    known: ['size', 'level', 'color', 'margin'],
    raw: true,
    apply(value, given) {
      const size = lengthOf('qr', given, 'size');
      return draw(value, {
        filter: 'qr',
        bcid: 'qrcode',
        margin: given.integer('margin', [0, 20]),
        width: size,
        height: size,
        options: { eclevel: given.choice('level', ['L', 'M', 'Q', 'H']) ?? 'M', barcolor: colorOf('qr', given) },
      });
    },
  },
  barcode: {
    most: 1,
    known: ['type', 'width', 'height', 'scale', 'text', 'color', 'margin'],
    raw: true,
    apply(value, given) {
      const type = given.first() ?? given.get('type') ?? 'code128';
      const known = Object.keys(TYPES);
      if (typeof type !== 'string' || !Object.hasOwn(TYPES, type))
        throw new Mistake(`barcode: the type must be one of ${known.join(', ')}${typeof type === 'string' ? suggestion(type, known) : ''}`); // prettier-ignore
      return draw(value, {
        filter: 'barcode',
        bcid: TYPES[type] ?? '',
        margin: given.integer('margin', [0, 20]),
        scale: given.integer('scale', [1, 10]),
        width: lengthOf('barcode', given, 'width'),
        height: lengthOf('barcode', given, 'height'),
        options: { includetext: given.get('text') === true, barcolor: colorOf('barcode', given) },
      });
    },
  },
};

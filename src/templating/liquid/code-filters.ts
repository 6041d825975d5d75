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

/** An SVG without the sizes that the library leaves out, or with these. */
function draw(
  filter: string,
  value: unknown,
  options: Omit<Parameters<typeof toSVG>[0], 'text'>,
  size: { width?: string | undefined; height?: string | undefined },
): string {
  const text = toText(value);
  if (text === '') throw new Mistake(`${filter}: needs text`);
  if (text.length > MAX_LENGTH) throw new Mistake(`${filter}: the text is longer than ${MAX_LENGTH} characters`);
  const svg = toSvg(filter, { ...options, text });
  const [, width = '0', height = '0'] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? [];
  const natural =
    size.width === undefined && size.height === undefined ? { width: `${width}pt`, height: `${height}pt` } : size;
  const attributes = Object.entries(natural).flatMap(([name, length]) =>
    length === undefined ? [] : [` ${name}="${length}"`],
  );
  return svg
    .replace('<svg', `<svg role="img"${attributes.join('')}`)
    .replaceAll('\n', ' ')
    .trim();
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
      const eclevel = given.choice('level', ['L', 'M', 'Q', 'H']) ?? 'M';
      const padding = given.integer('margin', [0, 20]) ?? 0;
      const options = { bcid: 'qrcode', eclevel, scale: 1, padding, barcolor: colorOf('qr', given) };
      return draw('qr', value, options, { width: size, height: size });
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
      const options = {
        bcid: TYPES[type] ?? '',
        scale: given.integer('scale', [1, 10]) ?? 1,
        includetext: given.get('text') === true,
        padding: given.integer('margin', [0, 20]) ?? 0,
        barcolor: colorOf('barcode', given),
      };
      const size = { width: lengthOf('barcode', given, 'width'), height: lengthOf('barcode', given, 'height') };
      return draw('barcode', value, options, size);
    },
  },
};

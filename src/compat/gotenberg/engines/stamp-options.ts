import { nearest } from '../../../kernel/nearest.ts';
import { parseFormJson } from '../parse-form-json.ts';
import { type JsonObject, objectOf } from './json-object.ts';
import { colorOf, numberOf, numbersOf, scaleOf } from './stamp-values.ts';

// pdfcpu's description of a watermark or stamp. Its defaults: half as wide as the page, in the middle, along the
// diagonal, in grey.

/** How something is put on a page: in our words, lengths in points. */
export interface StampOptions {
  fontFamily: string;
  bold: boolean;
  italic: boolean;
  /** points; means something with `scale` only */
  fontSize: number;
  color: string;
  background?: string;
  padding?: number;
  align?: string;
  opacity: number;
  position: string;
  /** to the right and down */
  offset?: { x: number; y: number };
  /** degrees, clockwise, or along which diagonal */
  rotate: number | 'diagonal-up' | 'diagonal-down';
  /** share of the page, if there is no `scale` */
  fit?: number;
  /** of its own size */
  scale?: number;
}

const DEFAULTS: StampOptions = {
  fontFamily: 'Helvetica',
  bold: false,
  italic: false,
  fontSize: 24,
  color: '#808080',
  opacity: 1,
  position: 'center',
  rotate: 'diagonal-up',
  fit: 0.5,
};

const POSITIONS: Readonly<Record<string, string>> = {
  tl: 'top-left', tc: 'top', tr: 'top-right', l: 'left', c: 'center', r: 'right', bl: 'bottom-left', bc: 'bottom', br: 'bottom-right',
  topleft: 'top-left', topcenter: 'top', topright: 'top-right', left: 'left', center: 'center', right: 'right',
  bottomleft: 'bottom-left', bottomcenter: 'bottom', bottomright: 'bottom-right',
}; // prettier-ignore

const ALIGNMENTS: Readonly<Record<string, string>> = { l: 'left', c: 'center', r: 'right', j: 'left' };

/** Options of one text, at most: more than there are names for. */
const MAX_OPTIONS = 100;

/** What an option adds, or undefined if its value is not allowed. */
type Read = (value: string) => Partial<StampOptions> | undefined;

interface Option {
  read: Read;
  allowed: string;
}

const color = (name: 'color' | 'background'): Option => ({
  read: (value) => mapped(colorOf(value), (hex) => ({ [name]: hex })),
  allowed: 'a colour such as #d00000, or three numbers from 0 to 1',
});

const OPTIONS: Readonly<Record<string, Option>> = {
  fontname: { read: fontOf, allowed: 'the name of a font such as Helvetica-Bold' },
  points: { read: (value) => mapped(numberOf(value, 1, 1_000), (fontSize) => ({ fontSize })), allowed: '1 to 1000' },
  color: color('color'),
  fillcolor: color('color'),
  bgcolor: color('background'),
  backgroundcolor: color('background'),
  opacity: { read: (value) => mapped(numberOf(value, 0, 1), (opacity) => ({ opacity })), allowed: '0 to 1' },
  rotation: {
    read: (value) => mapped(numberOf(value, -180, 180), (degrees) => ({ rotate: degrees === 0 ? 0 : -degrees })),
    allowed: '-180 to 180',
  },
  diagonal: {
    read: (value) => ({ '1': { rotate: 'diagonal-up' }, '2': { rotate: 'diagonal-down' } }) [value] as Partial<StampOptions>, // prettier-ignore
    allowed: '1, 2',
  },
  scalefactor: { read: scaleOf, allowed: 'a number above 0, with rel (at most 1) or abs' },
  position: {
    read: (value) => mapped(POSITIONS[value.toLowerCase().replaceAll('-', '')], (position) => ({ position })),
    allowed: 'tl, tc, tr, l, c, r, bl, bc, br',
  },
  offset: {
    read: (value) => mapped(numbersOf(value, 2), ([x = 0, y = 0]) => ({ offset: { x, y: y === 0 ? 0 : -y } })),
    allowed: 'two numbers, to the right and up',
  },
  margins: {
    read: (value) => mapped(numberOf(value.split(' ')[0] ?? '', 0, 14_400), (padding) => ({ padding })),
    allowed: 'a number of points',
  },
  aligntext: {
    read: (value) => mapped(ALIGNMENTS[value[0]?.toLowerCase() ?? ''], (align) => ({ align })),
    allowed: 'l, c, r, j',
  },
  mode: { read: fillOnly, allowed: '0: text is filled' },
  rendermode: { read: fillOnly, allowed: '0: text is filled' },
  rtl: { read: () => ({}), allowed: '' }, // the direction of text follows from its letters
  strokecolor: { read: () => ({}), allowed: '' }, // text has no stroke
};

/** What pdfcpu can and we cannot. */
const MISSING: Readonly<Record<string, string>> = {
  border: 'borders are not made here; use bgcolor, or an image',
  url: 'links are not made here',
  scriptname: 'fonts are found by the letters of the text; leave it out',
};

/**
 * Options as a JSON object, or as pdfcpu's own text `scale:0.5 abs, rot:45`. Names may be cut short as long as they are
 * clear: `rot`, `pos`, `op`.
 * @param refuse called with what is wrong
 */
export function readStampOptions(text: string, refuse: (message: string) => void): StampOptions {
  const { sent = {}, problem } = sentOptions(text);
  if (problem !== undefined) refuse(problem);
  const read: Partial<StampOptions> = {};
  const names = new Set<string>();
  for (const [short, value] of Object.entries(sent)) {
    const name = fullName(short, refuse);
    const option = OPTIONS[name ?? ''];
    if (name === undefined || !option) continue;
    names.add(name);
    const options =
      typeof value === 'string' || typeof value === 'number' ? option.read(String(value).trim()) : undefined;
    if (options) Object.assign(read, options);
    else refuse(`${short}: allowed: ${option.allowed}`);
  }
  if (names.has('rotation') && names.has('diagonal')) refuse('allowed: only one of rotation, diagonal');
  const { fit, ...others } = DEFAULTS;
  if (read.background === undefined) delete read.padding;
  return { ...others, ...(read.scale === undefined && { fit }), ...read };
}

/** The options by the names that they were sent with, or what is wrong with all of them. */
function sentOptions(text: string): { sent?: JsonObject; problem?: string } {
  if (text.trim() === '') return {};
  const { json, problem } = parseFormJson(text);
  if (problem) return { problem };
  const sent = problem === undefined ? objectOf(json) : describedOptions(text);
  if (!sent) return { problem: 'allowed: a JSON object such as {"points": 48, "opacity": 0.5}' };
  return Object.keys(sent).length > MAX_OPTIONS ? { problem: `allowed: at most ${MAX_OPTIONS} options` } : { sent };
}

/** pdfcpu's own text. @returns undefined if it is none */
function describedOptions(text: string): JsonObject | undefined {
  const pairs = text.split(',').map((pair) => pair.split(':').map((side) => side.trim()));
  const isDescription = pairs.every(([name = '', ...value]) => /^[a-z]+$/i.test(name) && value.length === 1);
  return isDescription ? Object.fromEntries(pairs) : undefined;
}

function fullName(short: string, refuse: (message: string) => void): string | undefined {
  const known = [...Object.keys(OPTIONS), ...Object.keys(MISSING)];
  const lower = short.toLowerCase();
  const fitting = lower === '' ? [] : known.filter((name) => name.startsWith(lower));
  const name = known.includes(lower) ? lower : fitting[0];
  if (name === undefined) {
    const near = nearest(lower, known);
    refuse(`${short}: no option${near === undefined ? '' : ` (did you mean ${near}?)`}; allowed: ${known.join(', ')}`);
    return undefined;
  }
  if (name !== lower && fitting.length > 1) {
    refuse(`${short}: it may be ${fitting.join(' or ')}; write more letters of it`);
    return undefined;
  }
  if (MISSING[name] !== undefined) refuse(`${short}: ${MISSING[name]}`);
  return name;
}

/** A font by its PostScript name: `Times-BoldItalic`. */
function fontOf(value: string): Partial<StampOptions> | undefined {
  const [, family = '', style = ''] = /^(.*?)(?:-(Roman|Regular|(?:Bold)?(?:Italic|Oblique)?))?$/i.exec(value) ?? [];
  if (!/^[\p{L}\p{N}][\p{L}\p{N} _-]{0,99}$/u.test(family)) return undefined;
  return { fontFamily: family, bold: /bold/i.test(style), italic: /italic|oblique/i.test(style) };
}

function fillOnly(value: string): Partial<StampOptions> | undefined {
  return value === '0' ? {} : undefined;
}

function mapped<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}

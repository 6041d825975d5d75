import { z } from 'zod';
import { checkedText, PRINTABLE } from './check-input.ts';
import { fileNameProblem } from './file-name.ts';
import { pageSelectionField } from './page-selection-field.ts';

// What is put over or under the pages of a PDF, as the request says it.

/** Characters of the HTML of a layer. */
const MAX_HTML = 1_000_000;

const POSITIONS = [
  'top-left', 'top', 'top-right', 'left', 'center', 'right', 'bottom-left', 'bottom', 'bottom-right',
] as const; // prettier-ignore

/** A path among the request's `files`. */
const file = checkedText(fileNameProblem);

const LENGTH = 'allowed: a number of points, or a number with pt, px, in, cm or mm';
const POINTS = { pt: 1, px: 0.75, in: 72, cm: 72 / 2.54, mm: 72 / 25.4 } as const;
const length = z.union(
  [z.number().min(0).max(14_400), z.string().regex(/^\d{1,5}(\.\d{1,6})?(pt|px|in|cm|mm)$/, LENGTH)],
  {
    error: LENGTH,
  },
);

const SHIFT = 'allowed: a number of points, or a number with pt, px, in, cm or mm; below zero: to the left, or up';
const shift = z.union(
  [z.number().min(-14_400).max(14_400), z.string().regex(/^-?\d{1,5}(\.\d{1,6})?(pt|px|in|cm|mm)$/, SHIFT)],
  { error: SHIFT },
);

/** Points of a length such as `"10mm"` or `28`. */
export function points(value: string | number): number {
  const match = /^(-?[\d.]+)([a-z]+)$/.exec(String(value));
  return match ? Number(match[1]) * POINTS[match[2] as keyof typeof POINTS] : Number(value);
}

/** How a layer can be turned so that it lies along a diagonal of its page. */
const DIAGONALS = ['diagonal-up', 'diagonal-down'] as const;

const colour = z.string().regex(/^#[0-9a-fA-F]{6}$/, 'allowed: a colour such as #d00000');

/** Lines of text without other control characters. */
const lines = (maxLength: number) =>
  checkedText((text) => (text !== '' && PRINTABLE.test(text.replaceAll(/\r?\n/g, '')) ? undefined : LINES), maxLength);
const LINES = 'allowed: at least one character, and no control characters but line breaks';

export const layer = z
  .strictObject({
    html: z
      .string()
      .min(1)
      .max(MAX_HTML)
      .optional()
      .describe('As large as the page. Elements of class `pageNumber` and `totalPages` are filled in'),
    text: lines(1_000).optional().describe('One line, or several with line breaks between them'),
    image: file.optional().describe('One of the `files`: PNG, JPEG, WebP or SVG'),
    pdf: file
      .optional()
      .describe('One of the `files`; its page `page`, as large as it fits on the page, in the middle'),
    page: z
      .union([z.int().min(1).max(100_000), z.literal('same')], 'allowed: the number of a page, or same')
      .optional()
      .describe(
        'Of `pdf`; default 1. `same`: each page gets the page of its number, and those after the last one that',
      ),
    pages: pageSelectionField
      .optional()
      .meta({ description: 'Pages that get it; default: all. `2-` and `even` may be none', example: '2-' }),
    position: z.enum(POSITIONS).optional().describe('Of `text`, `image` and `pdf`; default center'),
    margin: length
      .optional()
      .describe('Between `text`, `image` or `pdf` and the edges of the page; default 10mm, of `pdf` 0'),
    offset: z
      .strictObject({ x: shift.optional(), y: shift.optional() })
      .optional()
      .describe('From its position to the right and down; of `text`, `image` and `pdf`'),
    width: length.optional().describe('Of `image`; default: its own, smaller if it would not fit'),
    scale: z
      .number()
      .min(0.001)
      .max(100)
      .optional()
      .describe('Of its own size, which for `text` is that of `fontSize`; also if it would not fit'),
    fit: z
      .number()
      .min(0.001)
      .max(1)
      .optional()
      .describe('As large as fits into this share of the width and height of the page; of `text`, `image` and `pdf`'),
    fontSize: length.optional().describe('Of `text`, smaller if it would not fit; default 12'),
    fontFamily: z
      .string()
      .regex(/^[\p{L}\p{N}][\p{L}\p{N} _-]{0,99}$/u, 'allowed: a family of fonts such as Helvetica, Times or Courier')
      .optional()
      .describe('Of `text`; default Helvetica'),
    bold: z.boolean().optional().describe('Of `text`'),
    italic: z.boolean().optional().describe('Of `text`'),
    align: z.enum(['left', 'center', 'right']).optional().describe('Of the lines of `text`; default: as it is written'),
    color: colour.optional().describe('Of `text`; default #000000'),
    background: colour.optional().describe('Behind `text`; default: none'),
    padding: length.optional().describe('Of the background around `text`; default 0'),
    opacity: z.number().min(0).max(1).optional().describe('Default 1'),
    rotate: z
      .union([z.number().min(-360).max(360), z.enum(DIAGONALS)], `allowed: -360 to 360, ${DIAGONALS.join(', ')}`)
      .optional()
      .describe(
        'Degrees, clockwise, of `text`, `image` and `pdf`; `diagonal-up`: along the diagonal from the lower left, `diagonal-down`: from the upper left',
      ),
  })
  .superRefine((value, context) => {
    const kinds = (['html', 'text', 'image', 'pdf'] as const).filter((kind) => value[kind] !== undefined);
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (kinds.length !== 1) refuse(kinds[1] ?? 'html', 'required: exactly one of html, text, image, pdf');
    const kind = kinds[0];
    if (kind === undefined) return;
    for (const [name, kindsOf] of Object.entries(LAYER_OPTIONS))
      if (value[name as keyof typeof LAYER_OPTIONS] !== undefined && !kindsOf.includes(kind))
        refuse(name, `allowed with ${kindsOf.join(', ')}, not with ${kind}`);
    const [, another] = SIZES.filter((name) => value[name] !== undefined);
    if (another !== undefined) refuse(another, `allowed: only one of ${SIZES.join(', ')}`);
    if (value.padding !== undefined && value.background === undefined)
      refuse('padding', 'allowed with background only');
  })
  .meta({ id: 'Layer', description: 'Exactly one of html, text, image, pdf; what else it has depends on that' });

/** What says how large a layer is. */
const SIZES = ['width', 'scale', 'fit'] as const;

const PLACED = ['text', 'image', 'pdf'];
const LAYER_OPTIONS = {
  page: ['pdf'],
  position: PLACED,
  margin: PLACED,
  offset: PLACED,
  width: ['image'],
  scale: PLACED,
  fit: PLACED,
  fontSize: ['text'],
  fontFamily: ['text'],
  bold: ['text'],
  italic: ['text'],
  align: ['text'],
  color: ['text'],
  background: ['text'],
  padding: ['text'],
  rotate: PLACED,
};

/** Something that is put over or under pages. */
export type Layer = z.output<typeof layer>;
